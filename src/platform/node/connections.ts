/** What every connection of Node's has in common, on a stream or on the handle below it. */
import type net from 'node:net';
import type { SocketHandler } from '../../core/base/transport.ts';

/** `::ffff:192.0.2.1` is how a dual-stack listener sees `192.0.2.1`. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** The handler of an accepted connection until `accept` has returned; nothing comes before. */
export const UNHEARD: SocketHandler = {
  onOpen() {},
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
};

/** libuv before 1.52 may report a RST that follows unread bytes as an end, which it is not. */
const HIDES_RESETS = /^1\.([0-9]|[1-4][0-9]|5[01])\./.test(process.versions.uv ?? '');

/** What a connection's handle has, on Node. */
interface Named {
  getpeername?(into: object): number;
}

/**
 * Was the end that was just reported a RST in truth? After one the kernel knows no peer any more;
 * after a FIN it does, as long as we have sent none. Bun has no such handle.
 */
export function endedByReset(handle: Named | null | undefined): boolean {
  if (!HIDES_RESETS) return false;
  return typeof handle?.getpeername === 'function' && handle.getpeername({}) !== 0;
}

/** The same for a stream. */
export function streamEndedByReset(stream: net.Socket): boolean {
  return endedByReset((stream as unknown as { _handle?: Named | null })._handle);
}

/** The error of a connection that ended so. */
export const HIDDEN_RESET: NodeJS.ErrnoException = Object.assign(new Error('read ECONNRESET'), {
  code: 'ECONNRESET',
});
