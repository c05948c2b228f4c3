/**
 * The kernel's calls on Node, by the library koffi. It is an optional dependency: without it, or
 * where Node may not load native code, connections are Node's own.
 */
import { createRequire } from 'node:module';
import net from 'node:net';
import { type Libc, openLibc, type Runtime } from '../kernel/libc.ts';

/** `koffi`, as far as it is used. */
interface Koffi {
  load(library: string): { func(declaration: string): (...args: unknown[]) => number };
  errno(): number;
}

const DECLARATIONS = {
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, void *, uint32_t)',
  listen: 'int listen(int, int)',
  accept4: 'int accept4(int, uintptr_t, uintptr_t, int)',
  connect: 'int connect(int, void *, uint32_t)',
  getsockname: 'int getsockname(int, void *, void *)',
  setsockopt: 'int setsockopt(int, int, int, void *, uint32_t)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  socketpair: 'int socketpair(int, int, int, void *)',
  recv: 'int recv(int, uintptr_t, size_t, int)',
  sendFrom: 'int send(int, uintptr_t, size_t, int)',
  splice: 'int splice(int, uintptr_t, int, uintptr_t, size_t, unsigned int)',
  pipe2: 'int pipe2(void *, int)',
  fcntl: 'int fcntl(int, int, int)',
  shutdown: 'int shutdown(int, int)',
  close: 'int close(int)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, uintptr_t)',
  epoll_wait: 'int epoll_wait(int, uintptr_t, int, int)',
  // What it returns is what it is given: so an address comes to be seen.
  memset: 'uintptr_t memset(void *, int, size_t)',
} as const;

/** Null: not to be had here. */
export function findNodeRuntime(): Runtime | null {
  if (process.versions.bun !== undefined) return null;
  const require = createRequire(import.meta.url);
  const libc = openLibc((library) => open(require('koffi') as Koffi, library));
  return libc === null ? null : { libc, lend };
}

function open(koffi: Koffi, library: string): Libc {
  const loaded = koffi.load(library);
  const entries = Object.entries(DECLARATIONS).map(([name, text]) => [name, loaded.func(text)]);
  const { memset, ...calls } = Object.fromEntries(entries) as Omit<
    Libc,
    'send' | 'errno' | 'addressOf'
  > & { memset(bytes: Uint8Array, value: number, length: number): number };
  const bases = new Bases((buffer) => memset(new Uint8Array(buffer), 0, 0));
  const { sendFrom } = calls;
  return {
    ...calls,
    send: (fd, bytes, length, flags) => sendFrom(fd, bases.addressOf(bytes), length, flags),
    errno: () => koffi.errno(),
    addressOf: (bytes) => bases.addressOf(bytes),
  };
}

/** What is written comes from a few pieces of memory, over and over. */
const KEPT = 8;

/** Addresses of memory, kept: asking for one costs as much as a call. */
class Bases {
  private readonly ask: (buffer: ArrayBufferLike) => number;
  private readonly buffers: (ArrayBufferLike | null)[] = new Array(KEPT).fill(null);
  private readonly bases: number[] = new Array(KEPT).fill(0);
  private next = 0;

  constructor(ask: (buffer: ArrayBufferLike) => number) {
    this.ask = ask;
  }

  addressOf({ buffer, byteOffset }: ArrayBufferView): number {
    const { buffers } = this;
    for (let i = 0; i < KEPT; i++) if (buffers[i] === buffer) return this.bases[i] + byteOffset;
    const base = this.ask(buffer);
    buffers[this.next] = buffer;
    this.bases[this.next] = base;
    this.next = (this.next + 1) % KEPT;
    return base + byteOffset;
  }
}

function lend(fd: number): () => void {
  const stream = new net.Socket({ fd, readable: true, writable: true });
  stream.on('error', () => {});
  stream.resume();
  return () => stream.destroy();
}
