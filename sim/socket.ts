/**
 * One end of a pretended connection. It owns the direction in which it sends: bytes the kernel
 * has taken are under way in segments, each with its time of arrival; bytes beyond the send
 * buffer wait unsent. One alarm serves the whole direction.
 */
import type { Alarm, Clock } from '../src/core/base/clock.ts';
import { type Failure, failure } from '../src/core/base/failure.ts';
import type { Rng } from '../src/core/base/rng.ts';
import type { RelayEvents, Socket, SocketHandler } from '../src/core/base/transport.ts';
import { spellAddress } from '../src/core/control/wording.ts';
import type { NetworkFault, Range, Ratio, SimNetworkOptions } from './network.ts';
import { Segments } from './segments.ts';
import { join } from './wire.ts';

/** What a socket needs of its network. */
export interface SocketWorld {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly options: SimNetworkOptions;
  readonly stats: { openSockets: number; pendingBytes: number };
  chance(ratio: Ratio): boolean;
  /** Like `chance`, and counts what came of it. */
  fault(what: NetworkFault, ratio: Ratio, at: SimSocket): boolean;
  drawMs(range: Range): number;
  isCutOff(a: string, b: string): boolean;
  forget(socket: SimSocket): void;
}

const NEVER = Infinity;
/** Delivered bytes are overwritten with this, so that a reader who kept them is found out. */
const POISON = 0xdd;
/** What is being delivered. */
let delivered: Uint8Array | null = null;

export class SimSocket implements Socket {
  readonly address: string;
  readonly port: number;
  /** The other end. Set once, before anything happens. */
  peer!: SimSocket;
  /** `onClose` has been called, or there is nobody to call. */
  gone = false;
  private readonly world: SocketWorld;
  private readonly dialed: boolean;
  private handler: SocketHandler | null;
  /** Connected or accepted: the handler may be called. */
  private opened = false;
  private paused = false;
  private ended = false;
  /** After `close` or `reset`: only `onClose` is still to come. */
  private silent = false;
  private sawEnd = false;
  private closing = false;
  /** A write returned false and `onDrain` has not been called since. */
  private blocked = false;

  /** So many bytes that come next need not be seen. */
  private relayLeft = 0;
  private relayTarget: Socket | null = null;
  private relayEvents: RelayEvents | null = null;

  private readonly segments = new Segments();
  private underWay = 0;
  private unsent: Uint8Array[] = [];
  private unsentLength = 0;
  private lastAtMs = 0;
  /** Nothing is delivered before: a clog, or a pause between two cuts. */
  private heldUntilMs = 0;
  private finSent = false;
  private finLost = false;
  private finAtMs = NEVER;
  private rstSent = false;
  private rstAtMs = NEVER;
  private rstDrops = false;
  private alarm: Alarm | null = null;
  private alarmAtMs = NEVER;
  private readonly onAlarm = (): void => this.deliver();
  private readonly onRoom = (): void => this.drained();

  constructor(
    world: SocketWorld,
    address: string,
    port: number,
    dialed: boolean,
    handler: SocketHandler | null,
  ) {
    this.world = world;
    this.address = address;
    this.port = port;
    this.dialed = dialed;
    this.handler = handler;
  }

  // The port.

  write(bytes: Uint8Array, following?: Uint8Array): boolean {
    if (following === undefined) return this.send(bytes);
    if (delivered?.buffer === following.buffer) {
      delivered.fill(POISON, 0, following.byteOffset - delivered.byteOffset);
    }
    return this.send(join([bytes, following]));
  }

  private send(bytes: Uint8Array): boolean {
    // Behind a break in the network nothing arrives, or a gap in the stream would not be seen.
    if (this.ended || this.gone || this.rstSent) return true;
    const world = this.world;
    if (world.fault('break', world.options.resetChance, this)) {
      this.breakOff();
      return true;
    }
    if (bytes.length === 0) return this.unsentLength === 0;
    if (world.fault('clog', world.options.clogChance, this)) {
      this.hold(world.clock.nowMs() + world.drawMs(world.options.clogMs));
    }
    world.stats.pendingBytes += bytes.length;
    this.unsent.push(new Uint8Array(bytes));
    this.unsentLength += bytes.length;
    this.fill();
    this.schedule();
    if (this.unsentLength === 0) return true;
    this.blocked = true;
    this.peer.schedule();
    return false;
  }

  unsentBytes(): number {
    return this.gone ? 0 : this.unsentLength;
  }

  pause(): void {
    this.paused = true;
    this.peer.schedule();
  }

  resume(): void {
    this.paused = false;
    this.peer.schedule();
  }

  end(): void {
    if (this.ended || this.gone) return;
    this.ended = true;
    if (this.world.fault('break', this.world.options.resetChance, this)) this.breakOff();
    else this.sendFin(this.world.fault('lost-fin', this.world.options.halfCloseLossChance, this));
  }

  close(): void {
    if (this.silent || this.gone) return;
    if (!this.opened && this.unsentLength + this.underWay === 0) {
      this.reset();
      return;
    }
    this.silent = true;
    this.ended = true;
    // As in a kernel: closing with bytes unread tells the peer that they were lost.
    if (this.peer.hasArrived()) this.sendRst();
    else this.sendFin(false);
    this.peer.schedule();
    this.leaveIfDone();
  }

  reset(): void {
    if (this.gone) return;
    this.silent = true;
    this.ended = true;
    this.sendRst();
    this.abandonPeer();
    this.leave(null);
  }

  relayTo(to: Socket, bytes: number, events: RelayEvents): void {
    this.relayLeft = bytes;
    this.relayTarget = to;
    this.relayEvents = events;
  }

  // What the network does to it.

  open(): void {
    if (this.gone || this.closing) return;
    this.opened = true;
    if (!this.silent) this.handler?.onOpen();
    this.refill();
    this.schedule();
    this.peer.schedule();
  }

  accept(handlerOf: (socket: Socket) => SocketHandler): void {
    this.opened = true;
    this.handler = handlerOf(this);
    this.peer.schedule();
  }

  refuse(): void {
    if (this.gone || this.closing) return;
    this.peer.gone = true;
    const where = spellAddress(this.peer.address, this.peer.port);
    const cause = `${where} refused the connection`;
    this.goneWith(failure('refused', 'backend', 'connect', 'safe', cause));
  }

  /** The listener closed before it accepted this end: as if refused, but after the handshake. */
  turnAway(): void {
    this.gone = true;
    this.sendRst();
    this.peer.schedule();
    this.settle();
  }

  /** The process of this end dies. */
  die(): void {
    if (this.gone) return;
    this.silent = true;
    this.ended = true;
    this.sendRst();
    this.abandonPeer();
    this.leave(failure('reset', 'us', 'relay', 'never', 'the process of this end died'));
  }

  /** Plans the next event of this direction, if there is one that nothing holds back. */
  schedule(): void {
    const atMs = this.nextAtMs();
    if (atMs === this.alarmAtMs) return;
    this.alarm?.cancel();
    this.alarmAtMs = atMs;
    this.alarm = atMs === NEVER ? null : this.world.clock.wakeAt(atMs, this.onAlarm);
  }

  // Sending.

  private latencyMs(): number {
    const options = this.world.options;
    return this.world.drawMs(this.dialed ? options.latencyForthMs : options.latencyBackMs);
  }

  private hold(untilMs: number): void {
    if (untilMs > this.heldUntilMs) this.heldUntilMs = untilMs;
  }

  /** The kernel takes what its buffer has room for, and nothing before it is connected. */
  private fill(): void {
    if (!this.opened) return;
    const room = this.world.options.sendBufferBytes;
    while (this.unsentLength > 0 && this.underWay < room) {
      const bytes = this.unsent[0];
      const taken = Math.min(bytes.length, room - this.underWay);
      if (taken === bytes.length) this.unsent.shift();
      else this.unsent[0] = bytes.subarray(taken);
      this.unsentLength -= taken;
      this.underWay += taken;
      this.lastAtMs = this.arrivalMs();
      const part = taken === bytes.length ? bytes : bytes.subarray(0, taken);
      this.segments.push(part, this.lastAtMs);
    }
  }

  private arrivalMs(): number {
    return Math.max(this.lastAtMs, this.world.clock.nowMs() + this.latencyMs());
  }

  private sendFin(lost: boolean): void {
    if (this.finSent || this.rstSent) return;
    if ((this.unsentLength > 0 || !this.opened) && !lost) return;
    this.finSent = true;
    this.finLost = lost;
    if (!lost) this.planFin();
    this.leaveIfDone();
  }

  private planFin(): void {
    this.finAtMs = this.arrivalMs() + this.world.drawMs(this.world.options.closeDelayMs);
    this.schedule();
  }

  /** A FIN that was lost is sent again, and arrives. */
  resendFin(): void {
    if (!this.finLost || this.rstSent || this.peer.gone) return;
    this.finLost = false;
    this.planFin();
  }

  private sendRst(): void {
    if (this.rstSent) return;
    this.rstSent = true;
    this.finAtMs = NEVER;
    this.dropUnsent();
    const world = this.world;
    this.rstDrops = world.chance(world.options.resetDropsChance);
    const delayMs = this.latencyMs() + world.drawMs(world.options.closeDelayMs);
    this.rstAtMs = world.clock.nowMs() + delayMs;
    if (!this.rstDrops) this.rstAtMs = Math.max(this.rstAtMs, this.lastAtMs);
    this.schedule();
  }

  /** A fault of the network: both ends get a RST, neither has sent one. */
  private breakOff(): void {
    this.sendRst();
    this.peer.sendRst();
  }

  private drained(): void {
    if (!this.blocked || this.unsentLength > 0 || this.silent || !this.opened) return;
    this.blocked = false;
    this.handler?.onDrain();
  }

  private dropUnsent(): void {
    this.world.stats.pendingBytes -= this.unsentLength;
    this.unsent = [];
    this.unsentLength = 0;
  }

  private dropAll(): void {
    this.dropUnsent();
    this.world.stats.pendingBytes -= this.underWay;
    this.segments.clear();
    this.underWay = 0;
  }

  // Delivering to the peer.

  /** Bytes of this direction lie unread in the peer's kernel. */
  private hasArrived(): boolean {
    return this.underWay > 0 && this.segments.firstAtMs <= this.world.clock.nowMs();
  }

  private nextAtMs(): number {
    if (this.world.isCutOff(this.address, this.peer.address)) return NEVER;
    if (this.rstOvertakes()) return this.rstAtMs;
    const reads = this.peer.reads();
    if (this.underWay > 0) {
      return reads ? Math.max(this.segments.firstAtMs, this.heldUntilMs) : NEVER;
    }
    if (this.rstAtMs !== NEVER) return Math.max(this.rstAtMs, this.heldUntilMs);
    return reads ? Math.max(this.finAtMs, this.heldUntilMs) : NEVER;
  }

  /** A RST drops what is unread, or the other end hears of it in a write that waits for room. */
  private rstOvertakes(): boolean {
    return this.rstSent && (this.rstDrops || (this.peer.blocked && !this.peer.reads()));
  }

  private reads(): boolean {
    return this.silent || this.gone || (this.opened && !this.paused);
  }

  private deliver(): void {
    this.alarm = null;
    this.alarmAtMs = NEVER;
    const nowMs = this.world.clock.nowMs();
    // More than one only where nothing is cut: then all that is readable is read in one turn.
    while (this.underWay > 0 && !this.rstOvertakes() && this.nextAtMs() <= nowMs) {
      if (this.world.fault('break', this.world.options.resetChance, this)) this.breakOff();
      else this.deliverPiece();
      if (this.world.options.delivery !== 'whole') break;
    }
    if (this.nextAtMs() <= nowMs && (this.underWay === 0 || this.rstOvertakes())) {
      if (this.rstAtMs <= nowMs) this.deliverRst();
      else this.deliverFin();
    }
    this.schedule();
  }

  private deliverPiece(): void {
    const piece = this.segments.take(this.pieceBytes());
    this.world.stats.pendingBytes -= piece.length;
    this.underWay -= piece.length;
    const peer = this.peer;
    if (peer.gone) {
      this.dropAll();
      peer.sendRst();
      return;
    }
    if (this.unsentLength > 0) this.refill();
    const rest = piece.subarray(peer.relay(piece));
    if (peer.silent || rest.length === 0) return;
    delivered = rest;
    peer.handler?.onData(rest);
    delivered = null;
    rest.fill(POISON);
  }

  /** Passes on what of it need not be seen, or does not; how many bytes have gone. */
  private relay(piece: Uint8Array): number {
    const length = Math.min(this.relayLeft, piece.length);
    if (length === 0 || this.silent) return 0;
    this.relayLeft -= length;
    if (!this.world.chance(this.world.options.relayChance)) return 0;
    const room = this.relayTarget!.write(piece.subarray(0, length));
    this.relayEvents!.onRelayed(length, room);
    return length;
  }

  /** There is room: more is sent, and a sender that waits hears when nothing is left. */
  private refill(): void {
    this.fill();
    if (this.unsentLength > 0) return;
    if (this.blocked) this.world.clock.wakeAt(this.world.clock.nowMs(), this.onRoom);
    if (this.ended) this.sendFin(false);
    this.leaveIfDone();
  }

  private pieceBytes(): number {
    const { segments } = this;
    const delivery = this.world.options.delivery;
    if (delivery === 'whole') return segments.firstLength;
    if (delivery === 'bytes') return 1;
    return this.cut(segments.readyLength(this.world.clock.nowMs()));
  }

  /** All, a few bytes or any number; then, half of the time, a pause. */
  private cut(ready: number): number {
    const rng = this.world.rng;
    const kind = rng.below(4);
    if (kind === 0) return ready;
    const size = 1 + rng.below(kind === 1 ? Math.min(ready, 16) : ready);
    if (rng.chance(1, 2)) this.hold(this.world.clock.nowMs() + this.latencyMs());
    return size;
  }

  private deliverFin(): void {
    this.finAtMs = NEVER;
    const peer = this.peer;
    peer.sawEnd = true;
    if (!peer.silent && !peer.gone) peer.handler?.onEnd();
    peer.leaveIfDone();
  }

  private deliverRst(): void {
    this.rstAtMs = NEVER;
    this.rstDrops = false;
    this.dropAll();
    const peer = this.peer;
    if (peer.gone) return;
    if (peer.handler === null) {
      peer.gone = true;
      peer.settle();
      return;
    }
    peer.goneWith(peer.closing ? null : peer.resetFailure());
  }

  private resetFailure(): Failure {
    const where = spellAddress(this.peer.address, this.peer.port);
    if (!this.opened) {
      const cause = `${where} reset the new connection`;
      return failure('reset', 'backend', 'connect', 'safe', cause);
    }
    const side = this.dialed ? 'backend' : 'client';
    return failure('reset', side, 'relay', 'if-idempotent', `${where} reset the connection`);
  }

  // Going.

  /** Nobody is there yet to hear of an end that comes before `accept`. */
  private abandonPeer(): void {
    if (this.peer.handler === null) this.peer.gone = true;
  }

  private leaveIfDone(): void {
    if (this.unsentLength > 0 || !this.opened) return;
    if (this.silent || (this.finSent && this.sawEnd)) this.leave(null);
  }

  /** `onClose` comes from the loop, not from inside a call. */
  private leave(why: Failure | null): void {
    if (this.closing || this.gone) return;
    this.closing = true;
    this.world.clock.wakeAt(this.world.clock.nowMs(), () => this.goneWith(why));
  }

  private goneWith(why: Failure | null): void {
    if (this.gone) return;
    this.gone = true;
    this.silent = true;
    this.ended = true;
    this.dropUnsent();
    if (this.handler !== null) {
      this.world.stats.openSockets -= 1;
      this.handler.onClose(why);
    }
    this.peer.schedule();
    this.settle();
  }

  /** With nobody left at either end, nothing of the connection remains. */
  private settle(): void {
    if (!this.gone || !this.peer.gone) return;
    for (const end of [this as SimSocket, this.peer]) {
      end.dropAll();
      end.alarm?.cancel();
      end.alarm = null;
      end.alarmAtMs = NEVER;
      end.finAtMs = NEVER;
      end.rstAtMs = NEVER;
      end.world.forget(end);
    }
  }
}
