/**
 * A network that swallows all, for some sockets of this process: the kernel drops whatever arrives
 * for them, connections that are being made included, and says nothing to anybody. Nothing that is
 * above TCP could show that.
 */
import { findNodeRuntime } from '../../src/platform/node/koffi.ts';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
/** A filter of one instruction: keep no byte of the packet (BPF_RET | BPF_K, 0). */
const DROP_ALL = new Int32Array([0x06, 0]);

/** What the machine lacks for it. */
export const lacksFilters = (): string | null =>
  findNodeRuntime() === null ? 'no koffi (npm install), or not Linux on x86-64' : null;

/** Node's servers and sockets, by their handles. */
export function swallow(sockets: readonly object[]): void {
  const { libc } = findNodeRuntime()!;
  const address = BigInt(libc.addressOf(DROP_ALL));
  // struct sock_fprog: how many instructions, and where they are.
  const program = new Int32Array([1, 0, Number(address & 0xffff_ffffn), Number(address >> 32n)]);
  for (const socket of sockets) {
    const { _handle: handle } = socket as { _handle?: { fd: number } };
    if (handle === undefined || handle === null) continue;
    if (libc.setsockopt(handle.fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16) !== 0) {
      throw new Error(`the kernel takes no filter: errno ${libc.errno()}`);
    }
  }
}
