/**
 * One HTTP/1 connection from a client: its requests one after another, its responses in the same
 * order. What breaks a rule here is the client's fault.
 */
import { view } from '../base/bytes.ts';
import { type Failure, failure } from '../base/failure.ts';
import { Timer } from '../base/timer-wheel.ts';
import type { RelayEvents, Socket, SocketHandler } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import { Persist } from '../http1/write-head.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { PACE_WINDOW_MS, Pace } from './pace.ts';
import { type RequestEvents, RequestReader } from './request-reader.ts';
import { ResponseWriter } from './response-writer.ts';
import type { Answer, ClientPeer, ClientSide } from './sides.ts';
import { timedOut } from './timed-out.ts';

const At = {
  /** Accepted, nothing has come yet. */
  fresh: 0,
  /** Between exchanges. */
  idle: 1,
  head: 2,
  /** An exchange is going on. */
  busy: 3,
  tunnel: 4,
  /** All is said; what still comes is thrown away until the client closes. */
  lingering: 5,
  closed: 6,
} as const;
type At = (typeof At)[keyof typeof At];

const LINGER_MS = 5000;
const LINGER_BYTES = 1024 * 1024;
const STOP_QUIET_MS = 1000;
/** After these answers nobody can be sure where the next request begins. */
const COMPROMISED = new Set([400, 405, 408, 413, 414, 417, 431, 501, 505]);

export class ClientConnection extends Timer implements SocketHandler, ClientSide, RequestEvents {
  private readonly engine: Engine;
  private readonly socket: Socket;
  readonly peer: ClientPeer;
  /** Where the connections of its client are counted. */
  countedAt: number;
  private state: At = At.fresh;
  /** What goes on: from a whole head, or one that was refused, until its response is out. */
  private exchange: Exchange | null = null;
  private readonly reader: RequestReader;
  private readonly writer: ResponseWriter;
  private lastUnsent = 0;
  private lingered = 0;
  private readonly pace = new Pace();

  constructor(engine: Engine, socket: Socket, peer: ClientPeer, countedAt: number) {
    super();
    this.engine = engine;
    this.socket = socket;
    this.peer = peer;
    this.countedAt = countedAt;
    this.reader = new RequestReader(engine, socket, this);
    this.writer = new ResponseWriter(engine, socket, this);
    engine.connectionOpened(this);
    this.waitFor(engine.stopping ? STOP_QUIET_MS : engine.timeouts.clientHeadMs);
  }

  onOpen(): void {}

  // ---- the request ----------------------------------------------------------------------------

  onData(bytes: Uint8Array): void {
    this.pace.moved += bytes.length;
    if (this.state === At.lingering) {
      this.lingered += bytes.length;
      if (this.lingered > LINGER_BYTES) this.socket.reset();
      return;
    }
    this.reader.onData(bytes);
  }

  onHeadBegun(): void {
    this.waitFor(this.engine.timeouts.clientHeadMs);
    this.state = At.head;
  }

  onHead(exchange: Exchange, start: number, end: number): void {
    const { engine } = this;
    this.exchange = exchange;
    this.state = At.busy;
    engine.wheel.clear(this);
    exchange.accept(this, this.peer);
    const refusal = exchange.parse(start, end);
    const { facts } = exchange;
    this.writer.begin(facts);
    this.reader.beginBody(facts.body, facts.contentLength);
    if (refusal !== null) {
      exchange.refuse(refusal, facts.refusedAt);
      return;
    }
    const most = engine.limits.bodyBytes;
    if (most !== null && facts.contentLength > most) {
      exchange.refuse(refusals.bodyLong, 0);
      return;
    }
    exchange.proceed();
    if (this.exchange !== exchange) return;
    if (facts.body === Body.none) exchange.onRequestEnd(null);
    else this.startClock();
  }

  onHeadRefused(exchange: Exchange, refusal: Refusal, at: number): void {
    this.beginUnparsed(exchange);
    exchange.refuse(refusal, at);
  }

  /** An exchange whose request never became whole; it only gets our own answer. */
  private beginUnparsed(exchange: Exchange): void {
    this.exchange = exchange;
    this.state = At.busy;
    exchange.accept(this, this.peer);
    exchange.facts.clear(exchange.head);
    // What is known of it decides whether our answer may have a body.
    exchange.facts.isHead = exchange.head.method === 'HEAD';
    this.writer.begin(exchange.facts);
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    return this.exchange!.onRequestBody(bytes, start, end);
  }

  onBodyRefused(refusal: Refusal, at: number): void {
    const exchange = this.exchange!;
    if (!exchange.responded) {
      exchange.refuse(refusal, at);
      return;
    }
    const cause = `${refusal.rule} ${refusal.what} (byte ${at})`;
    this.lose(failure('malformed', 'client', 'relay', 'never', cause));
  }

  onBodyEnd(trailers: Head | null): void {
    // The clock goes on for an answer that the client is slow to take.
    if (this.socket.unsentBytes() === 0) this.engine.wheel.clear(this);
    this.exchange!.onRequestEnd(trailers);
  }

  flushRequest(): void {
    this.exchange?.flushRequest();
  }

  pauseBody(): void {
    this.pace.heldBack = true;
    this.reader.pauseBody();
  }

  resumeBody(): void {
    this.reader.resumeBody();
  }

  // ---- the response ---------------------------------------------------------------------------

  get takesWire(): boolean {
    return this.writer.takesWire;
  }

  interim(head: Head): void {
    this.writer.interim(head);
  }

  respond(head: Head, facts: ResponseFacts, cookie: Uint8Array | null): void {
    this.writer.respond(head, facts, this.mayPersist(), cookie);
  }

  /** May the connection go on after this response? A request that is not whole yet says no. */
  private mayPersist(): boolean {
    const { reader, engine } = this;
    if (!this.exchange!.facts.keepAlive || !reader.isWhole) return false;
    return !engine.stopping && !reader.isExhausted;
  }

  body(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.state === At.tunnel) return this.socket.write(view(bytes, start, end));
    const room = this.writer.body(bytes, start, end);
    if (!room) this.startClock();
    return room;
  }

  flush(): void {
    if (this.writer.flush()) return;
    this.startClock();
    this.exchange?.onClientFull();
  }

  relay(from: Socket, bytes: number, events: RelayEvents): void {
    from.relayTo?.(this.socket, bytes, events);
  }

  relayed(bytes: number, room: boolean): void {
    this.writer.relayed(bytes);
    if (!room) this.startClock();
  }

  finish(trailers: Head | null): void {
    if (this.state === At.tunnel) {
      this.socket.end();
      if (this.reader.ended) this.tunnelDone();
      return;
    }
    this.writer.finish(trailers);
    this.exchangeDone(this.writer.persist !== Persist.close, this.isLast());
  }

  /**
   * Whether the client sends no more: it has said so (RFC 9112 section 9.6), and its request is
   * none behind which a body may still come whose length it did not tell.
   */
  private isLast(): boolean {
    const { keepAlive, body, idempotent } = this.exchange!.facts;
    return !keepAlive && body === Body.none && idempotent && this.reader.isDrained;
  }

  answer(answer: Answer): void {
    const persist = this.mayPersist() && !COMPROMISED.has(answer.status);
    this.writer.answer(answer, persist);
    this.exchangeDone(persist, false);
  }

  /** The response is out; on to the next request, or the end. `isLast`: and nothing more comes. */
  private exchangeDone(goOn: boolean, isLast: boolean): void {
    const { engine } = this;
    engine.giveExchange(this.exchange!);
    this.exchange = null;
    if (!goOn) {
      if (isLast) this.shut();
      else this.linger();
      return;
    }
    this.state = At.idle;
    const { clientKeepAliveMs } = engine.timeouts;
    this.waitFor(engine.stopping ? STOP_QUIET_MS : clientKeepAliveMs);
    this.reader.beginHead();
  }

  /** FIN, then wait for the client's, so that it can read the answer (RFC 9112 section 9.6). */
  private linger(): void {
    this.state = At.lingering;
    this.reader.stop();
    if (this.reader.ended) {
      this.shut();
      return;
    }
    this.socket.end();
    this.waitFor(LINGER_MS);
    this.reader.resumeReading();
  }

  openTunnel(head: Head, cookie: Uint8Array | null): void {
    this.writer.switchProtocols(head, cookie);
    this.state = At.tunnel;
    this.reader.openTunnel();
  }

  breakOff(): void {
    const { exchange } = this;
    this.exchange = null;
    this.shutHard();
    if (exchange !== null) this.engine.giveExchange(exchange);
  }

  // ---- ends -----------------------------------------------------------------------------------

  onDrain(): void {
    if (this.state === At.busy && this.reader.isWhole) this.engine.wheel.clear(this);
    this.exchange?.onClientDrain();
  }

  onEnd(): void {
    this.reader.onEnd();
  }

  onInputEnd(): void {
    switch (this.state) {
      case At.busy:
        if (!this.reader.isWhole) {
          const { phase } = this.exchange!;
          this.lose(
            failure('closed', 'client', phase, 'never', 'ended in the middle of a request'),
          );
        }
        return;
      case At.tunnel:
        this.endedTunnel();
        return;
      case At.head:
      case At.fresh:
      case At.idle:
      case At.lingering:
        this.shut();
        return;
    }
  }

  private endedTunnel(): void {
    const exchange = this.exchange!;
    exchange.onRequestEnd(null);
    if (exchange.ended) this.tunnelDone();
  }

  /** Both sides have sent their FIN. */
  private tunnelDone(): void {
    const { exchange } = this;
    this.exchange = null;
    if (exchange !== null) this.engine.giveExchange(exchange);
  }

  /** The exchange ends without a whole answer, and so does the connection. */
  private lose(why: Failure): void {
    const exchange = this.exchange!;
    this.exchange = null;
    this.shutHard();
    exchange.onClientGone(why);
    this.engine.giveExchange(exchange);
  }

  onClose(why: Failure | null): void {
    const { exchange } = this;
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.engine.connectionClosed(this);
    this.reader.stop();
    this.exchange = null;
    if (exchange === null) return;
    const cause = why?.cause ?? 'closed the connection before the answer was whole';
    const kind = why?.kind ?? 'closed';
    exchange.onClientGone(failure(kind, 'client', exchange.phase, 'never', cause));
    this.engine.giveExchange(exchange);
  }

  /** Closes it if it only waits for another request. False: it does not. */
  closeIdle(): boolean {
    if (this.state !== At.idle || this.socket.unsentBytes() > 0) return false;
    this.shut();
    return true;
  }

  heldBytes(): number {
    const kept = this.exchange?.keptBytes ?? 0;
    return this.reader.pendingBytes + this.socket.unsentBytes() + kept;
  }

  spareBytes(): number {
    return this.exchange?.spareBytes ?? 0;
  }

  giveSpare(): void {
    this.exchange?.giveSpare();
  }

  /** The balancer stops: an idle connection closes after a second of quiet. */
  beginStop(): void {
    if (this.state === At.idle || this.state === At.fresh) this.waitFor(STOP_QUIET_MS);
  }

  /** The deadline of a stop. */
  cutOff(): void {
    if (this.exchange === null) {
      this.shutHard();
      return;
    }
    const { phase } = this.exchange;
    this.lose(failure('stopping', 'us', phase, 'never', 'the balancer stops'));
  }

  private shut(): void {
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.reader.stop();
    this.socket.close();
  }

  private shutHard(): void {
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.reader.stop();
    this.socket.reset();
  }

  // ---- time -----------------------------------------------------------------------------------

  /** While a body comes, or an answer is being taken, its pace is looked at. */
  private startClock(): void {
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) return;
    this.writer.markUnsent();
    this.pace.start(this.engine.wheel.nowMs());
    this.waitFor(PACE_WINDOW_MS);
  }

  override onTimer(nowMs: number): void {
    switch (this.state) {
      case At.fresh:
      case At.idle:
      case At.lingering:
        this.quietOver();
        return;
      case At.head:
        this.headTimedOut();
        return;
      case At.busy:
        this.checkPace(nowMs);
    }
  }

  /** Nothing more to wait for, unless the client still takes its last answer. */
  private quietOver(): void {
    const unsent = this.socket.unsentBytes();
    if (unsent === 0) this.shut();
    else if (unsent === this.lastUnsent) this.socket.reset();
    else {
      this.lastUnsent = unsent;
      this.waitFor(this.engine.timeouts.idleMs);
    }
  }

  private headTimedOut(): void {
    const exchange = this.reader.giveUpHead();
    this.beginUnparsed(exchange);
    exchange.giveUp(timedOut.requestHead(this.engine.timeouts));
  }

  private checkPace(nowMs: number): void {
    const { limits, timeouts } = this.engine;
    const { reader, pace } = this;
    if (reader.isWhole) pace.moved = this.writer.takenBytes();
    else if (this.exchange!.responded) this.countBoth();
    else if (reader.bodyPaused || this.exchange!.awaitsContinue) pace.heldBack = true;
    const verdict = pace.judge(nowMs, limits, timeouts);
    if (verdict !== null) {
      this.tooSlow(verdict);
      return;
    }
    this.writer.markUnsent();
    this.waitFor(PACE_WINDOW_MS);
  }

  /** The answer has begun before the request was whole: the client may be at work on either. */
  private countBoth(): void {
    const { pace } = this;
    const taken = this.writer.takenBytes();
    const sent = pace.moved;
    pace.moved += taken;
    if (this.socket.unsentBytes() > 0) return;
    // It has taken all there was: how fast that came is up to the backend.
    if (this.reader.bodyPaused || (sent === 0 && taken > 0)) pace.heldBack = true;
  }

  private tooSlow(why: Failure): void {
    const exchange = this.exchange!;
    if (!exchange.responded) {
      exchange.giveUp(why);
      return;
    }
    this.lose(why);
  }

  private waitFor(ms: number): void {
    const { wheel } = this.engine;
    wheel.set(this, wheel.nowMs() + ms);
  }
}
