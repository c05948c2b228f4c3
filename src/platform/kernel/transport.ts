/**
 * Real connections on the kernel's own calls: the Transport port and the Clock of a thread of ours.
 * They share one event loop, so they come together. What is not plain TCP to an address stays with
 * the runtime, as a guest of its loop: TLS to backends, and addresses with a zone.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../core/base/clock.ts';
import type { Failure } from '../../core/base/failure.ts';
import type { Peer, Socket, SocketHandler, Transport } from '../../core/base/transport.ts';
import { createNodeClock } from '../node/clock.ts';
import { UNHEARD } from '../node/connections.ts';
import { type Listening, listenAt } from '../node/listening.ts';
import { createNodeTransport } from '../node/sockets.ts';
import { systemError } from '../node/tcp-handle.ts';
import { addressIn, familyIn, NAME_BYTES, nameOf, portIn } from './addresses.ts';
import { Descriptors } from './descriptors.ts';
import { Kernel } from './kernel.ts';
import {
  AF_INET6,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  EPOLLIN,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  type Runtime,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  TCP_NODELAY,
} from './libc.ts';
import { Loop, type Watcher } from './loop.ts';
import { KernelSocket } from './socket.ts';

/** Connections the kernel may hold before we accept them; it lowers this to its own limit. */
const BACKLOG = 4096;
/** Accepted in one turn, so that those who are connected get theirs as well. */
const ACCEPTS = 16;
/** How long a listener rests when no descriptor is left. */
const REST_MS = 50;
/** Targets whose names are kept ready; above it they are made anew. */
const NAMES = 4096;

/** What a thread needs for traffic. */
export interface ThreadIo {
  readonly transport: Transport;
  readonly clock: Clock;
}

/**
 * For threads of which we know all code (see `Loop`). `descriptors`: shared memory, see
 * `Descriptors`. `sharesPorts`: other threads listen on the same ports. Throws when the kernel has
 * no descriptor left for it.
 */
export function createKernelIo(
  runtime: Runtime,
  descriptors = new Descriptors(),
  sharesPorts = false,
): ThreadIo {
  const loop = new Loop(runtime, descriptors);
  const kernel = new Kernel(runtime.libc, loop, descriptors);
  const ofRuntime = createNodeTransport(sharesPorts);
  const names = new Names();
  return {
    transport: {
      listen: (at, accept, ready) => {
        if (at.host?.includes('%')) {
          loop.guests += 1;
          return ofRuntime.listen(at, accept, ready);
        }
        return listenAt(at, ready, (address) => {
          const listener = new KernelListener(kernel, accept);
          listener.open(address, at.port, sharesPorts);
          return listener;
        });
      },
      connect: (to, handler) => {
        const name = to.tls === null ? names.of(to.address, to.port) : null;
        if (name === null) return ofRuntime.connect(to, new Guest(loop, handler));
        const socket = new KernelSocket(kernel, handler, to, null);
        socket.connect(name);
        return socket;
      },
    },
    clock: {
      ...createNodeClock(),
      wakeAt: (deadlineMs, wake) => loop.wakeAt(deadlineMs, wake),
      nextTurn: (callback) => loop.nextTurn(callback),
    },
  };
}

/** What the kernel calls our targets, kept ready. */
class Names {
  private readonly names = new Map<string, Uint8Array | null>();

  /** Null: it is not for us to read. */
  of(address: string, port: number): Uint8Array | null {
    const key = `${address} ${port}`;
    let name = this.names.get(key);
    if (name === undefined) {
      if (this.names.size === NAMES) this.names.clear();
      name = nameOf(address, port);
      this.names.set(key, name);
    }
    return name;
  }
}

/** The handler of a connection on the runtime's loop: ours has to know that there is one. */
class Guest implements SocketHandler {
  private readonly loop: Loop;
  private readonly handler: SocketHandler;

  constructor(loop: Loop, handler: SocketHandler) {
    this.loop = loop;
    this.handler = handler;
    loop.guests += 1;
  }

  onOpen(): void {
    this.handler.onOpen();
  }

  onData(bytes: Uint8Array): void {
    this.handler.onData(bytes);
  }

  onDrain(): void {
    this.handler.onDrain();
  }

  onEnd(): void {
    this.handler.onEnd();
  }

  onClose(why: Failure | null): void {
    this.loop.guests -= 1;
    this.handler.onClose(why);
  }
}

const ON = new Int32Array([1]);
const OFF = new Int32Array([0]);

class KernelListener implements Listening, Watcher {
  port = 0;
  private readonly kernel: Kernel;
  private readonly accept: (socket: Socket, peer: Peer) => SocketHandler;
  private fd = -1;
  private readonly name = new Uint8Array(NAME_BYTES);
  private readonly nameAt: number;
  private readonly nameLength = new Int32Array(1);
  private readonly nameLengthAt: number;

  constructor(kernel: Kernel, accept: (socket: Socket, peer: Peer) => SocketHandler) {
    this.kernel = kernel;
    this.accept = accept;
    this.nameAt = kernel.libc.addressOf(this.name);
    this.nameLengthAt = kernel.libc.addressOf(this.nameLength);
  }

  /** Throws the system's error. */
  open(address: string, port: number, sharesPorts: boolean): void {
    const { libc } = this.kernel;
    const name = nameOf(address, port);
    if (name === null) throw Object.assign(new Error('bind EINVAL'), { code: 'EINVAL' });
    const family = familyIn(name);
    this.fd = this.kernel.open(family);
    this.check(this.fd, 'socket');
    libc.setsockopt(this.fd, SOL_SOCKET, SO_REUSEADDR, ON, 4);
    if (sharesPorts) libc.setsockopt(this.fd, SOL_SOCKET, SO_REUSEPORT, ON, 4);
    // Connections have it from their listener.
    libc.setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, ON, 4);
    if (family === AF_INET6) libc.setsockopt(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, OFF, 4);
    this.check(libc.bind(this.fd, name, name.length), 'bind');
    this.check(libc.listen(this.fd, BACKLOG), 'listen');
    this.nameLength[0] = NAME_BYTES;
    libc.getsockname(this.fd, this.name, this.nameLength);
    this.port = portIn(this.name);
    this.watch();
  }

  private check(result: number, call: string): void {
    if (result >= 0) return;
    const error = systemError(-this.kernel.libc.errno(), call);
    this.stop();
    throw error;
  }

  private watch(): void {
    if (!this.kernel.loop.watch(this.fd, this, EPOLLIN)) this.check(-1, 'epoll_ctl');
  }

  stop(): void {
    if (this.fd < 0) return;
    this.kernel.loop.forget(this.fd);
    this.kernel.close(this.fd);
    this.fd = -1;
  }

  onReady(): void {
    const { kernel, name, nameAt, nameLengthAt } = this;
    const { libc } = kernel;
    for (let i = 0; i < ACCEPTS && this.fd >= 0; i++) {
      this.nameLength[0] = NAME_BYTES;
      const fd = libc.accept4(this.fd, nameAt, nameLengthAt, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        this.onRefused(libc.errno());
        return;
      }
      const peer: Peer = { address: addressIn(name), port: portIn(name) };
      new KernelSocket(kernel, UNHEARD, null, peer).accepted(fd, this.accept);
    }
  }

  /** No more for now, or one that was gone before we came to it, unless something has run out. */
  private onRefused(errno: number): void {
    if (errno !== EMFILE && errno !== ENFILE && errno !== ENOBUFS && errno !== ENOMEM) return;
    this.kernel.loop.rewatch(this.fd, 0, EPOLLIN);
    this.rest();
  }

  private rest(): void {
    const { loop } = this.kernel;
    loop.wakeAt(performance.now() + REST_MS, () => {
      if (this.fd >= 0 && !loop.rewatch(this.fd, EPOLLIN, 0)) this.rest();
    });
  }
}
