/**
 * The world in which a transport is judged, and what a case needs to watch a connection: a handler
 * that writes down what it is told, and that notices being called from inside a call.
 */
import { expect } from 'vitest';
import type { Clock } from '../../src/core/base/clock.ts';
import type { Failure } from '../../src/core/base/failure.ts';
import type {
  Listener,
  Peer,
  Socket,
  SocketHandler,
  Target,
  Transport,
} from '../../src/core/base/transport.ts';

export interface TransportWorld {
  readonly clock: Clock;
  /** Listens at `address`. */
  readonly server: Transport;
  /** Connects from another place, or from the same. */
  readonly client: Transport;
  readonly address: string;
  /** A port of `address` where nobody listens. */
  readonly closedPort: number;
  /** Accepts a SYN and says nothing, for ever. */
  readonly blackHole: Target;
  /** More than the kernels of both sides take without the reader. */
  readonly bulkBytes: number;
  /** A byte written is readable at once; otherwise the wire takes time. */
  readonly instant: boolean;
  /** Lets the world go on until `done()`; fails after a few seconds of real time. */
  until(done: () => boolean): Promise<void>;
  /** Ends what the world itself has started. */
  close(): Promise<void>;
}

/** Each case: what must hold, and the play that shows it on a stage of its own. */
export type Case = readonly [sentence: string, play: (stage: Stage) => Promise<void>];

/** One end of a connection, with everything that happened to it in order. */
export class End implements SocketHandler {
  socket!: Socket;
  peer: Peer | null = null;
  /** open, data, drain, end, close: in order, neighbours of the same name only once. */
  readonly events: string[] = [];
  received = 0;
  closes = 0;
  failure: Failure | null = null;
  /** What it received, copied; only while `keep` is true. */
  readonly chunks: Uint8Array[] = [];
  keep = true;
  /** Calls that came from inside a call of ours. */
  readonly intrusions: string[] = [];
  onBytes: ((bytes: Uint8Array) => void) | null = null;
  onRoom: (() => void) | null = null;
  private inside = 0;

  onOpen(): void {
    this.note('open');
  }

  onData(bytes: Uint8Array): void {
    this.note('data');
    this.received += bytes.length;
    if (this.keep) this.chunks.push(new Uint8Array(bytes));
    this.onBytes?.(bytes);
  }

  onDrain(): void {
    this.note('drain');
    this.onRoom?.();
  }

  onEnd(): void {
    this.note('end');
  }

  onClose(failure: Failure | null): void {
    this.note('close');
    this.closes += 1;
    this.failure = failure;
  }

  /** Calls the socket, and remembers it if the socket calls back meanwhile. */
  call<T>(action: (socket: Socket) => T): T {
    this.inside += 1;
    try {
      return action(this.socket);
    } finally {
      this.inside -= 1;
    }
  }

  send(text: string): boolean {
    return this.call((socket) => socket.write(bytesOf(text)));
  }

  saw(event: string): boolean {
    return this.events.includes(event);
  }

  text(): string {
    return textOf(this.bytes());
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  /** What happens now must not come from inside a call of ours. */
  expectOutside(event: string): void {
    if (this.inside > 0) this.intrusions.push(event);
  }

  enter(): void {
    this.inside += 1;
  }

  leave(): void {
    this.inside -= 1;
  }

  private note(event: string): void {
    if (this.inside > 0) this.intrusions.push(event);
    if (this.closes > 0) this.intrusions.push(`${event} after close`);
    if (this.events.at(-1) !== event) this.events.push(event);
  }
}

export interface Pair {
  readonly near: End;
  readonly far: End;
}

/** A listener that keeps the ends it accepts, and connections to it. */
export class Stage {
  readonly world: TransportWorld;
  readonly accepted: End[] = [];
  readonly dialed: End[] = [];
  listener!: Listener;
  /** Told of each end when it is accepted, before anything else. */
  onAccept: ((end: End) => void) | null = null;

  private constructor(world: TransportWorld) {
    this.world = world;
  }

  static async open(world: TransportWorld): Promise<Stage> {
    const stage = new Stage(world);
    const answers: (Failure | null)[] = [];
    let inside = true;
    stage.listener = world.server.listen(
      { host: null, port: 0 },
      (socket, peer) => stage.accept(socket, peer),
      (failure) => {
        expect(inside).toBe(false);
        answers.push(failure);
      },
    );
    expect(stage.listener.port).toBe(0);
    inside = false;
    await world.until(() => answers.length > 0);
    expect(answers).toEqual([null]);
    expect(stage.listener.port).toBeGreaterThan(0);
    return stage;
  }

  target(): Target {
    return { address: this.world.address, port: this.listener.port, tls: null };
  }

  /** A connection on its way, or to another target. */
  dial(to: Target = this.target()): End {
    const end = new End();
    end.enter();
    end.socket = this.world.client.connect(to, end);
    end.leave();
    this.dialed.push(end);
    return end;
  }

  /** A connection open at both ends; `near` connected and `far` accepted. */
  async pair(): Promise<Pair> {
    const before = this.accepted.length;
    const near = this.dial();
    await this.world.until(() => near.saw('open') && this.accepted.length > before);
    return { near, far: this.accepted[before] };
  }

  async until(done: () => boolean): Promise<void> {
    await this.world.until(done);
  }

  /** Lets time go on, for what should not happen. */
  async pass(ms: number): Promise<void> {
    let over = false;
    this.world.clock.wakeAt(this.world.clock.nowMs() + ms, () => {
      over = true;
    });
    await this.world.until(() => over);
  }

  /** Resets what is open, and judges what every connection must have kept. */
  async strike(): Promise<void> {
    const ends = [...this.dialed, ...this.accepted];
    for (const end of ends) end.call((socket) => socket.reset());
    await this.world.until(() => ends.every((end) => end.closes > 0));
    this.listener.close();
    this.listener.close();
    await this.pass(5);
    for (const end of ends) {
      expect(end.intrusions).toEqual([]);
      expect(end.closes).toBe(1);
      expect(end.events.at(-1)).toBe('close');
      if (end.saw('open')) expect(end.events[0]).toBe('open');
    }
  }

  private accept(socket: Socket, peer: Peer): End {
    const end = new End();
    end.socket = socket;
    end.peer = peer;
    this.accepted.push(end);
    this.onAccept?.(end);
    return end;
  }
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** Writes `total` bytes of the pattern from one buffer, which it spoils after each write. */
export class Pourer {
  blocks = 0;
  poured = 0;
  private readonly end: End;
  private readonly total: number;
  private readonly scratch: Uint8Array;
  /** So much of each write goes before the rest of it. */
  private readonly ahead: number;

  constructor(end: End, total: number, size: number, ahead = 0) {
    this.end = end;
    this.ahead = ahead;
    this.total = total;
    this.scratch = new Uint8Array(size);
    end.onRoom = () => this.pour();
  }

  pour(): void {
    while (this.poured < this.total) {
      if (!this.pourOne()) return;
    }
  }

  /** One write; false: it was told to wait. */
  pourOne(): boolean {
    const bytes = this.scratch.subarray(0, Math.min(this.scratch.length, this.total - this.poured));
    fillPattern(bytes, this.poured);
    this.poured += bytes.length;
    const { ahead } = this;
    const more = this.end.call((socket) =>
      ahead === 0
        ? socket.write(bytes)
        : socket.write(bytes.subarray(0, ahead), bytes.subarray(ahead)),
    );
    bytes.fill(0xaa);
    if (!more) this.blocks += 1;
    return more;
  }
}

/** The byte at each place of an endless stream in which no two stretches look alike. */
export function patternAt(place: number): number {
  return (Math.imul(place ^ (place >>> 13), 0x9e3779b1) >>> 24) & 0xff;
}

export function fillPattern(bytes: Uint8Array, from: number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = patternAt(from + i);
}

/** Checks a stream of `patternAt` as it comes in, without keeping it. */
export class PatternReader {
  place = 0;
  firstWrong = -1;

  read(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++, this.place++) {
      if (this.firstWrong < 0 && bytes[i] !== patternAt(this.place)) this.firstWrong = this.place;
    }
  }
}

/** Checks an end's bytes as they come, and keeps none. */
export function watch(end: End): PatternReader {
  const reader = new PatternReader();
  end.keep = false;
  end.onBytes = (bytes) => reader.read(bytes);
  return reader;
}
