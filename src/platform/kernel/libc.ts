/**
 * The few calls of Linux that carry TCP connections, and its numbers for them. Each costs what the
 * kernel takes for it, and nothing of the runtime's stands between: how a runtime calls them is in
 * `bun/ffi.ts` and `node/koffi.ts`. docs/decisions/below-the-stream.md says why.
 */

type Ints = Int32Array<ArrayBufferLike>;

/**
 * Calls return -1 when they fail, and `errno()` says why. Where a call is made for every request,
 * it takes an address of `addressOf`.
 */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, addressAt: number, lengthAt: number, flags: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Ints): number;
  setsockopt(fd: number, level: number, name: number, value: Ints, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Ints, length: Ints): number;
  socketpair(family: number, type: number, protocol: number, pair: Ints): number;
  recv(fd: number, at: number, length: number, flags: number): number;
  /** Of an array. */
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** Of memory whose address is known. */
  sendFrom(fd: number, at: number, length: number, flags: number): number;
  /** The offsets' addresses are 0 where neither end is a file. */
  splice(
    from: number,
    fromOffsetAt: number,
    to: number,
    toOffsetAt: number,
    length: number,
    flags: number,
  ): number;
  /** Its read end first, then its write end. */
  pipe2(ends: Ints, flags: number): number;
  fcntl(fd: number, command: number, value: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, eventAt: number): number;
  epoll_wait(epoll: number, eventsAt: number, most: number, timeoutMs: number): number;
  /** Why the last call failed; only right after it. */
  errno(): number;
  /**
   * Where an array's bytes lie. Whoever uses the address keeps the array: nothing else does, and
   * memory of an array that is collected becomes somebody else's.
   */
  addressOf(bytes: Uint8Array | Ints): number;
}

/** A runtime that can call them. */
export interface Runtime {
  readonly libc: Libc;
  /**
   * Has the runtime's own event loop watch a connected socket, until what this returns is called,
   * which closes it.
   */
  lend(fd: number): () => void;
}

/** Where the numbers and the layout of structures here are right. */
export const isKnownSystem = process.platform === 'linux' && process.arch === 'x64';

/** glibc's and musl's names of the library that the process has loaded already. */
const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1'];

/** `open` throws where a library, or the means to call it, is missing. Null: nothing to be had. */
export function openLibc(open: (library: string) => Libc): Libc | null {
  if (!isKnownSystem) return null;
  for (const library of LIBRARIES) {
    try {
      return open(library);
    } catch {
      // Not this one; or this runtime cannot, or may not.
    }
  }
  return null;
}

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;
/** A stream that never waits, and is no child's. */
export const STREAM_TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const SHUT_WR = 1;
/** A broken connection is an error of the call, never a signal. */
export const MSG_NOSIGNAL = 0x4000;
/** O_NONBLOCK and O_CLOEXEC have the values of a socket's flags. */
export const PIPE_TYPE = SOCK_NONBLOCK | SOCK_CLOEXEC;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;
export const EPOLL_CLOEXEC = 0x80000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOMEM = 12;
/** Also: this cannot be done with these descriptors. */
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOBUFS = 105;
export const EINPROGRESS = 115;
