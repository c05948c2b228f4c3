/**
 * A pretended network on pretended time: the Transport port between addresses that are only
 * strings, with every fault a real network has, drawn from a seed. Both ends of a connection live
 * here, so backends and clients of a simulation are written against the same port as the engine.
 * The same seed, options and calls give the same history. TLS is taken as read: a target's `tls`
 * is ignored.
 */
import type { Clock } from '../src/core/base/clock.ts';
import { assert, CLOSED_EARLY, type Failure, failure } from '../src/core/base/failure.ts';
import type { Rng } from '../src/core/base/rng.ts';
import type {
  ListenAddress,
  Listener,
  Peer,
  Resolver,
  Socket,
  SocketHandler,
  Target,
  Transport,
} from '../src/core/base/transport.ts';
import { SimSocket, type SocketWorld } from './socket.ts';

/** `[1, 1000]`: in one of a thousand cases. */
export type Ratio = readonly [numerator: number, denominator: number];
/** From least to most, both possible; milliseconds in steps of a microsecond. */
export type Range = readonly [leastMs: number, mostMs: number];

/** May be changed while the simulation runs; what is under way already keeps its fate. */
export interface SimNetworkOptions {
  /** One way, from the side that connected to the side that accepted; drawn for each segment. */
  latencyForthMs: Range;
  latencyBackMs: Range;
  /** From the handshake until `accept` is called. */
  acceptDelayMs: Range;
  /**
   * How bytes are delivered: each write by itself, byte by byte, or cut and joined at random
   * places with pauses between.
   */
  delivery: 'whole' | 'bytes' | 'random';
  /** Of what is read when it need not be seen: it goes on by itself (see `relayTo`). */
  relayChance: Ratio;
  /** What the kernel takes from a sender before the receiver has read it; 1 or more. */
  sendBufferBytes: number;
  /** At each write, end and delivery: the connection breaks, both ends see a reset. */
  resetChance: Ratio;
  /** A RST overtakes the bytes before it and they are lost; else it comes after them. */
  resetDropsChance: Ratio;
  /** The FIN of an `end` never arrives. */
  halfCloseLossChance: Ratio;
  /** At each write: nothing more arrives in its direction for `clogMs`. */
  clogChance: Ratio;
  clogMs: Range;
  /** So much later than bytes do FIN and RST arrive. */
  closeDelayMs: Range;
}

export interface SimNetworkStats {
  /** Sockets, of both sides, whose `onClose` has not been called yet. */
  readonly openSockets: number;
  /** Bytes written and neither delivered nor lost yet. */
  readonly pendingBytes: number;
  /** Breaks, clogs and lost FINs so far; refusals and black holes are not counted. */
  readonly faultsInjected: number;
}

export type NetworkFault = 'break' | 'clog' | 'lost-fin' | 'backlog';

export interface SimNetwork {
  readonly options: SimNetworkOptions;
  readonly stats: SimNetworkStats;
  /** Addresses that refuse new connections although somebody listens. */
  readonly refusing: Set<string>;
  /**
   * Hears of a break, a clog, a lost FIN or a connection that waits to be accepted (and once more
   * when it is), and between which addresses.
   */
  onFault: (what: NetworkFault, ends: readonly string[]) => void;
  /** The network as seen from an address: it listens there and connects from there. */
  transport(ownAddress: string): Transport;
  /** The ports where somebody listens at `address`, in the order in which they were opened. */
  listening(address: string): readonly number[];
  /** From now on nothing from or to `address` arrives: not a SYN, a byte, a FIN or a RST. */
  blackHole(address: string): void;
  /**
   * From now on nobody at `address` accepts: `room` connections are made all the same and wait; of
   * all others the SYN is dropped, and sent again after 1, 2, 4 and so on seconds.
   */
  stopAccepting(address: string, room: number): void;
  /** Those that wait are accepted, in their order. */
  acceptAgain(address: string): void;
  /**
   * What the black hole held back, or a FIN that was lost, arrives now, as if sent again; whoever
   * waits is accepted.
   */
  heal(address: string): void;
  /** The process at `address` dies: its connections are reset, its listeners are closed. */
  kill(address: string): void;
  /** Only the connections of `address` are reset; at its own end they fail with side `us`. */
  resetAll(address: string): void;
}

/** A network without faults: a tenth of a millisecond one way, 256 KiB of send buffer. */
export function createSimNetwork(world: {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly options?: Partial<SimNetworkOptions>;
}): SimNetwork {
  return new World(world.clock, world.rng, { ...BENIGN, ...world.options });
}

/** Nothing goes wrong. */
export const BENIGN: SimNetworkOptions = {
  latencyForthMs: [0.1, 0.1],
  latencyBackMs: [0.1, 0.1],
  acceptDelayMs: [0, 0],
  delivery: 'whole',
  relayChance: [0, 1],
  sendBufferBytes: 256 * 1024,
  resetChance: [0, 1],
  resetDropsChance: [0, 1],
  halfCloseLossChance: [0, 1],
  clogChance: [0, 1],
  clogMs: [0, 0],
  closeDelayMs: [0, 0],
};

type Accept = (socket: Socket, peer: Peer) => SocketHandler;

/** Connections that have been made and nobody accepts. */
interface Backlog {
  /** For so many more. */
  room: number;
  readonly waiting: { readonly dialer: SimSocket; readonly listener: SimListener }[];
}

/** A SYN that was not answered is sent again after so long, then after twice as long, and so on. */
const SYN_AGAIN_MS = 1000;
/** But never later than that; it goes on as long as somebody waits. */
const MOST_SYN_AGAIN_MS = 64_000;

class World implements SimNetwork, SocketWorld {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly options: SimNetworkOptions;
  readonly stats = { openSockets: 0, pendingBytes: 0, faultsInjected: 0 };
  readonly refusing = new Set<string>();
  onFault: SimNetwork['onFault'] = () => {};
  private readonly blackHoles = new Set<string>();
  private readonly backlogs = new Map<string, Backlog>();
  private readonly sockets = new Set<SimSocket>();
  private readonly listeners = new Map<string, SimListener>();
  /** Connections whose SYN a black hole swallowed. */
  private swallowed: SimSocket[] = [];
  private lastPort = 30_000;

  constructor(clock: Clock, rng: Rng, options: SimNetworkOptions) {
    this.clock = clock;
    this.rng = rng;
    this.options = options;
  }

  transport(ownAddress: string): Transport {
    return {
      listen: (at, accept, ready) => this.listen(ownAddress, at, accept, ready),
      connect: (to, handler) => this.connect(ownAddress, to, handler),
    };
  }

  listening(address: string): readonly number[] {
    return [...this.listeners.values()]
      .filter((listener) => listener.address === address)
      .map(({ port }) => port);
  }

  blackHole(address: string): void {
    this.blackHoles.add(address);
  }

  stopAccepting(address: string, room: number): void {
    if (!this.backlogs.has(address)) this.backlogs.set(address, { room, waiting: [] });
  }

  acceptAgain(address: string): void {
    const waiting = this.backlogs.get(address)?.waiting ?? [];
    this.backlogs.delete(address);
    for (const { dialer, listener } of waiting) {
      this.acceptFrom(dialer, listener);
      this.onFault('backlog', [dialer.address, address]);
    }
  }

  heal(address: string): void {
    this.acceptAgain(address);
    this.blackHoles.delete(address);
    for (const socket of this.sockets) {
      if (socket.address === address) socket.resendFin();
      socket.schedule();
    }
    const again = this.swallowed;
    this.swallowed = [];
    for (const dialer of again) this.sendSyn(dialer);
  }

  kill(address: string): void {
    for (const listener of [...this.listeners.values()]) {
      if (listener.address === address) listener.close();
    }
    this.acceptAgain(address);
    this.resetAll(address);
  }

  resetAll(address: string): void {
    for (const socket of [...this.sockets]) {
      if (socket.address === address) socket.die();
    }
  }

  // What sockets ask of their world.

  chance(ratio: Ratio): boolean {
    return ratio[0] > 0 && this.rng.chance(ratio[0], ratio[1]);
  }

  fault(what: NetworkFault, ratio: Ratio, at: SimSocket): boolean {
    if (!this.chance(ratio)) return false;
    this.stats.faultsInjected += 1;
    this.onFault(what, [at.address, at.peer.address]);
    return true;
  }

  drawMs(range: Range): number {
    const [least, most] = range;
    if (most <= least) return least;
    return least + this.rng.below(Math.round((most - least) * 1000) + 1) / 1000;
  }

  isCutOff(a: string, b: string): boolean {
    return this.blackHoles.size > 0 && (this.blackHoles.has(a) || this.blackHoles.has(b));
  }

  forget(socket: SimSocket): void {
    this.sockets.delete(socket);
  }

  // Listening and connecting.

  private listen(
    ownAddress: string,
    at: ListenAddress,
    accept: Accept,
    ready: (failure: Failure | null) => void,
  ): Listener {
    const address = at.host ?? ownAddress;
    const port = at.port === 0 ? this.freePort() : at.port;
    const listener = new SimListener(address, accept, (closed) => this.unlisten(closed));
    const key = `${address}:${port}`;
    const why = this.listeners.has(key) ? inUse(key) : null;
    if (why === null) this.listeners.set(key, listener);
    this.clock.wakeAt(this.clock.nowMs(), () => {
      if (why === null && !listener.closed) listener.port = port;
      ready(why ?? (listener.closed ? CLOSED_EARLY : null));
    });
    return listener;
  }

  private unlisten(closed: SimListener): void {
    for (const [key, listener] of this.listeners) {
      if (listener === closed) this.listeners.delete(key);
    }
  }

  private connect(ownAddress: string, to: Target, handler: SocketHandler): Socket {
    const dialer = new SimSocket(this, ownAddress, this.freePort(), true, handler);
    const acceptor = new SimSocket(this, to.address, to.port, false, null);
    dialer.peer = acceptor;
    acceptor.peer = dialer;
    this.sockets.add(dialer);
    this.sockets.add(acceptor);
    this.stats.openSockets += 1;
    this.sendSyn(dialer);
    return dialer;
  }

  private sendSyn(dialer: SimSocket, againMs = SYN_AGAIN_MS): void {
    const atMs = this.clock.nowMs() + this.drawMs(this.options.latencyForthMs);
    this.clock.wakeAt(atMs, () => this.receiveSyn(dialer, againMs));
  }

  private receiveSyn(dialer: SimSocket, againMs: number): void {
    const acceptor = dialer.peer;
    if (acceptor.gone) return;
    if (this.isCutOff(dialer.address, acceptor.address)) {
      this.swallowed.push(dialer);
      return;
    }
    const key = `${acceptor.address}:${acceptor.port}`;
    const listener = this.listeners.get(key);
    const answerMs = this.clock.nowMs() + this.drawMs(this.options.latencyBackMs);
    if (listener === undefined || this.refusing.has(acceptor.address)) {
      this.clock.wakeAt(answerMs, () => dialer.refuse());
      return;
    }
    if (!this.takeRoom(acceptor.address)) {
      this.onFault('backlog', [dialer.address, acceptor.address]);
      const atMs = this.clock.nowMs() + againMs;
      this.clock.wakeAt(atMs, () => this.sendSyn(dialer, Math.min(2 * againMs, MOST_SYN_AGAIN_MS)));
      return;
    }
    this.clock.wakeAt(answerMs, () => dialer.open());
    const acceptMs = this.clock.nowMs() + this.drawMs(this.options.acceptDelayMs);
    this.clock.wakeAt(acceptMs, () => this.acceptFrom(dialer, listener));
  }

  private takeRoom(address: string): boolean {
    const backlog = this.backlogs.get(address);
    return backlog === undefined || backlog.room-- > 0;
  }

  private acceptFrom(dialer: SimSocket, listener: SimListener): void {
    const acceptor = dialer.peer;
    if (acceptor.gone) return;
    if (listener.closed) {
      acceptor.turnAway();
      return;
    }
    const backlog = this.backlogs.get(acceptor.address);
    if (backlog !== undefined) {
      backlog.waiting.push({ dialer, listener });
      this.onFault('backlog', [dialer.address, acceptor.address]);
      return;
    }
    this.stats.openSockets += 1;
    const peer: Peer = {
      address: dialer.address,
      port: dialer.port,
    };
    acceptor.accept((socket) => listener.accept(socket, peer));
  }

  private freePort(): number {
    this.lastPort = this.lastPort === 65_535 ? 30_000 : this.lastPort + 1;
    return this.lastPort;
  }
}

class SimListener implements Listener {
  readonly address: string;
  readonly accept: Accept;
  port = 0;
  closed = false;
  private readonly onClosed: (listener: SimListener) => void;

  constructor(address: string, accept: Accept, onClosed: (listener: SimListener) => void) {
    this.address = address;
    this.accept = accept;
    this.onClosed = onClosed;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClosed(this);
  }
}

function inUse(key: string): Failure {
  return failure('address_in_use', 'us', 'accept', 'never', `${key} is in use by another process`);
}

/**
 * A Resolver that knows `names`, which may change while the simulation runs. IPv4 literals stand
 * for themselves; every other name is unresolved. Each answer takes `delayMs`, and is what is so
 * when it comes.
 */
export function createSimResolver(
  clock: Clock,
  names: ReadonlyMap<string, readonly string[]>,
  delayMs: number | (() => number) = 1,
): Resolver {
  const drawMs = typeof delayMs === 'number' ? () => delayMs : delayMs;
  return {
    resolve(name, done) {
      const answerMs = drawMs();
      assert(answerMs >= 0, 'a delay is not negative');
      clock.wakeAt(clock.nowMs() + answerMs, () => {
        const addresses = /^[\d.]+$/.test(name) ? [name] : names.get(name);
        if (addresses !== undefined && addresses.length > 0) done(addresses, null);
        else done([], failure('unresolved', 'us', 'connect', 'safe', `cannot resolve ${name}`));
      });
    },
  };
}
