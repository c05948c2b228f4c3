/**
 * Bun's own TCP sockets, as far as they are used here and as Bun 1.4.5 was seen to behave. A
 * declaration of our own: what its pages do not say is written down here, and nothing is installed
 * for it.
 */
import type { Listening } from '../node/listening.ts';

/** One TCP connection below Node's stream. */
export interface NativeSocket<Data> {
  /** Whose connection it is. */
  data: Data;
  /** Undefined: the connection is gone already. Each is a system call. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /**
   * Hands bytes to the kernel at once and keeps none. Returns how many it took; fewer: `drain`
   * follows. -1: the connection is broken, and the kernel has now told its error to nobody.
   */
  write(bytes: Uint8Array, from?: number, length?: number): number;
  /** FIN; reading goes on. */
  shutdown(): void;
  /** Closes the descriptor, and calls `close` before it returns. */
  close(): void;
  /** The same with a RST. */
  terminate(): void;
  pause(): void;
  resume(): void;
  /** Takes other callbacks. On a connection that was accepted: for all of its listener. */
  reload(options: { socket: Callbacks<Data> }): void;
}

/** What a connection calls, one set for many. An error thrown in one is an uncaught exception. */
export interface Callbacks<Data> {
  open?(socket: NativeSocket<Data>): void;
  /** `bytes` are fresh memory of just this size, up to half a MiB. */
  data(socket: NativeSocket<Data>, bytes: Uint8Array): void;
  /** There is room again, or may be: it also comes after `pause` and `resume`. */
  drain(socket: NativeSocket<Data>): void;
  /** A FIN; not called if it comes after our own. */
  end(socket: NativeSocket<Data>): void;
  close(socket: NativeSocket<Data>, error?: NodeJS.ErrnoException): void;
}

interface Bun<Data> {
  /** Makes a connection of a descriptor before it returns. */
  connect(options: { fd: number; socket: Callbacks<Data> }): Promise<unknown>;
  /**
   * Throws when it cannot; then `code` is that of the system. A taken port is refused: without
   * `reusePort` it is never shared. `::` serves both families.
   */
  listen(options: ListenWhere & { allowHalfOpen: boolean; socket: Callbacks<Data> }): Listening;
}

interface ListenWhere {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
}

/** Listens at an address, never a name: Bun would look that up and wait. */
export function listenNatively<Data>(where: ListenWhere, socket: Callbacks<Data>): Listening {
  const { Bun } = globalThis as unknown as { Bun: Bun<Data> };
  return Bun.listen({ ...where, allowHalfOpen: true, socket });
}

/**
 * Has Bun's loop watch a connected socket until what this returns is called, which closes it.
 * Throws: this Bun does not do that at once.
 */
export function giveToBun(fd: number): () => void {
  const { Bun } = globalThis as unknown as { Bun: Bun<null> };
  const taken: NativeSocket<null>[] = [];
  const open = (socket: NativeSocket<null>): void => void taken.push(socket);
  const unheard = (): void => {};
  const socket = { open, data: unheard, drain: unheard, end: unheard, close: unheard };
  Bun.connect({ fd, socket }).catch(unheard);
  const [native] = taken;
  if (native === undefined) throw new Error('Bun does not take a descriptor at once');
  return () => native.terminate();
}

interface Below<Data> {
  _handle: Partial<NativeSocket<Data>> | null | undefined;
}

/** Whether `takeNative` finds what it needs below a stream of this Bun's `node:net`. */
export function hasNative(stream: object): boolean {
  const below = (stream as Below<unknown>)._handle ?? {};
  const needed = ['reload', 'shutdown', 'terminate'] as const;
  return needed.every((name) => typeof below[name] === 'function');
}

/** Takes what is below an open stream. From here on the stream is without use and hears nothing. */
export function takeNative<Data>(
  stream: object,
  data: Data,
  socket: Callbacks<Data>,
): NativeSocket<Data> {
  const native = (stream as Below<Data>)._handle as NativeSocket<Data>;
  native.data = data;
  native.reload({ socket });
  // Else the stream would resume a connection that was paused before it opened.
  (stream as Below<Data>)._handle = null;
  return native;
}
