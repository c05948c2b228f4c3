/** The kernel's calls on Bun, by its foreign function interface. */
import { createRequire } from 'node:module';
import { type Libc, openLibc, type Runtime } from '../kernel/libc.ts';
import { giveToBun } from './native.ts';

type Kind = 'i32' | 'u32' | 'ptr';

interface Signature {
  readonly args: readonly Kind[];
  readonly returns: Kind;
}

const i32 = (...args: Kind[]): Signature => ({ args, returns: 'i32' });

const SIGNATURES: Readonly<Record<string, Signature>> = {
  socket: i32('i32', 'i32', 'i32'),
  bind: i32('i32', 'ptr', 'u32'),
  listen: i32('i32', 'i32'),
  accept4: i32('i32', 'ptr', 'ptr', 'i32'),
  connect: i32('i32', 'ptr', 'u32'),
  getsockname: i32('i32', 'ptr', 'ptr'),
  setsockopt: i32('i32', 'i32', 'i32', 'ptr', 'u32'),
  getsockopt: i32('i32', 'i32', 'i32', 'ptr', 'ptr'),
  socketpair: i32('i32', 'i32', 'i32', 'ptr'),
  recv: i32('i32', 'ptr', 'u32', 'i32'),
  send: i32('i32', 'ptr', 'u32', 'i32'),
  splice: i32('i32', 'ptr', 'i32', 'ptr', 'u32', 'u32'),
  pipe2: i32('ptr', 'i32'),
  fcntl: i32('i32', 'i32', 'i32'),
  shutdown: i32('i32', 'i32'),
  close: i32('i32'),
  epoll_create1: i32('i32'),
  epoll_ctl: i32('i32', 'i32', 'i32', 'ptr'),
  epoll_wait: i32('i32', 'ptr', 'i32', 'i32'),
  __errno_location: { args: [], returns: 'ptr' },
};

/** `bun:ffi`, as far as it is used. An array in the place of a pointer is passed as its address. */
interface Ffi {
  dlopen(
    library: string,
    signatures: Readonly<Record<string, Signature>>,
  ): { readonly symbols: Readonly<Record<string, (...args: unknown[]) => number>> };
  ptr(bytes: ArrayBufferView): number;
  toArrayBuffer(address: number, from: number, length: number): ArrayBuffer;
}

/** Null: this is not Bun, or not a system where it was tried. */
export function findBunRuntime(): Runtime | null {
  if (process.versions.bun === undefined) return null;
  const require = createRequire(import.meta.url);
  const libc = openLibc((library) => open(require('bun:ffi') as Ffi, library));
  return libc === null ? null : { libc, lend: giveToBun };
}

function open(ffi: Ffi, library: string): Libc {
  const { symbols } = ffi.dlopen(library, SIGNATURES);
  // It is the thread's own, and stays where it is.
  const errno = new Int32Array(ffi.toArrayBuffer(symbols.__errno_location(), 0, 4));
  const calls = symbols as unknown as Omit<Libc, 'sendFrom' | 'errno' | 'addressOf'>;
  return {
    ...calls,
    sendFrom: symbols.send,
    errno: () => errno[0],
    addressOf: (bytes) => {
      // A small array moves when its buffer is first asked for; so that is done now.
      const { buffer, byteOffset } = bytes;
      return ffi.ptr(new Uint8Array(buffer)) + byteOffset;
    },
  };
}
