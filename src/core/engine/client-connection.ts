/**
 * One HTTP/1 connection from a client: its requests one after another (pipelined ones wait here),
 * its responses in the same order. What breaks a rule here is the client's fault.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { view } from '../base/bytes.ts';
import { type Failure, failure } from '../base/failure.ts';
import { Timer } from '../base/timer-wheel.ts';
import type { Peer, Socket, SocketHandler } from '../base/transport.ts';
import { ForwardedFields } from '../http/forwarded.ts';
import type { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import { BodyReader, type BodySink, STOPPED } from '../http1/body-reader.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import { Persist } from '../http1/write-head.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { HeadCollector } from './head-collector.ts';
import { PACE_WINDOW_MS, Pace } from './pace.ts';
import { ResponseWriter } from './response-writer.ts';
import type { Answer, ClientPeer, ClientSide } from './sides.ts';

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

/** What may wait behind the exchange that is going on. */
const PENDING_BYTES = 64 * 1024;
const LINGER_MS = 5000;
const LINGER_BYTES = 1024 * 1024;
const STOP_QUIET_MS = 1000;
/** After these answers nobody can be sure where the next request begins. */
const COMPROMISED = new Set([400, 405, 408, 413, 414, 417, 431, 501, 505]);

export class ClientConnection extends Timer implements SocketHandler, ClientSide, BodySink {
  private readonly engine: Engine;
  private readonly socket: Socket;
  private readonly peer: ClientPeer;
  private state: At = At.fresh;
  private exchange: Exchange | null = null;
  /** A head that came in parts. */
  private readonly collector = new HeadCollector();
  private readonly reader: BodyReader;
  private readonly writer: ResponseWriter;
  private readonly pending = new ByteQueue();
  private readingPaused = false;
  private bodyPaused = false;
  private clientEnded = false;
  /** What followed the last request's head cannot be read. */
  private unparsable = false;
  private lastUnsent = 0;
  private lingered = 0;
  private processing = false;
  private readonly pace = new Pace();

  constructor(engine: Engine, socket: Socket, peer: Peer) {
    super();
    this.engine = engine;
    this.socket = socket;
    this.peer = {
      address: peer.address,
      scheme: 'http',
      trusted: engine.trusted.has(peer.address),
      forwardedPrefix: ForwardedFields.prefix(peer.address, 'http'),
    };
    this.reader = new BodyReader(engine.limits);
    this.writer = new ResponseWriter(engine, socket, this);
    engine.connectionOpened(this);
    this.waitFor(engine.timeouts.clientHeadMs);
  }

  onOpen(): void {}

  // ---- bytes in -------------------------------------------------------------------------------

  onData(bytes: Uint8Array): void {
    this.pace.moved += bytes.length;
    switch (this.state) {
      case At.tunnel:
        this.exchange!.onRequestBody(bytes, 0, bytes.length);
        return;
      case At.lingering:
        this.lingered += bytes.length;
        if (this.lingered > LINGER_BYTES) this.socket.reset();
        return;
      case At.closed:
        return;
    }
    if (this.pending.length > 0 || this.processing) {
      this.pending.append(bytes, 0, bytes.length);
      this.processPending();
      return;
    }
    const at = this.process(bytes, 0, bytes.length);
    if (at < bytes.length) this.hold(bytes, at);
  }

  /** Keeps what could not be used yet. */
  private hold(bytes: Uint8Array, at: number): void {
    if (this.state === At.lingering || this.state === At.closed) return;
    this.pending.append(bytes, at, bytes.length);
    if (this.state === At.head) this.continueHead();
    else this.limitPending();
  }

  private limitPending(): void {
    const full =
      this.pending.length >= PENDING_BYTES || (this.bodyPaused && this.pending.length > 0);
    if (full && !this.readingPaused) this.pauseReading();
  }

  /** Works through the bytes that wait, as far as they can be used now. */
  private processPending(): void {
    if (this.processing) return;
    const { pending } = this;
    if (this.state === At.head) this.continueHead();
    while (pending.length > 0 && !this.inHead) {
      const { bytes, start, end } = pending;
      const at = this.process(bytes, start, end);
      if (this.state === At.lingering || this.state === At.closed) pending.clear();
      if (pending.length === 0) break;
      const used = at - start;
      if (used > 0) pending.drop(used);
      if (this.inHead) this.continueHead();
      else if (used === 0) break;
    }
    this.limitPending();
    if (this.clientEnded && this.isUsedUp) this.endedInput();
  }

  /** All that has come has been used, or never can be: it began a request that is not whole. */
  private get isUsedUp(): boolean {
    return this.pending.length === 0 || (this.state !== At.busy && this.state !== At.tunnel);
  }

  private get inHead(): boolean {
    return this.state === At.head;
  }

  /** Uses what it can of bytes[start, end); returns the offset of the first byte not used. */
  private process(bytes: Uint8Array, start: number, end: number): number {
    this.processing = true;
    let at = start;
    while (at < end) {
      const before = at;
      if (this.state === At.fresh || this.state === At.idle) at = this.readHead(bytes, at, end);
      else if (this.state === At.busy) at = this.readBody(bytes, at, end);
      else if (this.state === At.tunnel) {
        this.exchange!.onRequestBody(bytes, at, end);
        at = end;
      } else break;
      if (at === before) break;
    }
    this.processing = false;
    return this.state === At.lingering || this.state === At.closed ? end : at;
  }

  // ---- the request's head ---------------------------------------------------------------------

  private readHead(bytes: Uint8Array, start: number, end: number): number {
    const { engine } = this;
    const exchange = engine.takeExchange();
    const parser = engine.requestParser;
    parser.begin('request', exchange.head, start);
    const stop = parser.parse(bytes, end);
    if (stop >= 0) {
      this.begin(exchange, start, stop);
      return stop;
    }
    if (stop === NEED_MORE) {
      engine.giveExchange(exchange);
      // Blank lines alone do not begin a request: it stays as idle as it was.
      if (parser.begun) this.enterHead();
      return start;
    }
    this.refuseHead(exchange, parser.refusal, parser.refusedAt);
    return end;
  }

  /** A head has begun and is not whole: it is collected in `pending` and parsed from its start. */
  private enterHead(): void {
    this.waitFor(this.engine.timeouts.clientHeadMs);
    this.state = At.head;
    this.exchange = null;
  }

  private continueHead(): void {
    const { engine, pending, collector } = this;
    if (this.exchange === null) {
      this.exchange = engine.takeExchange();
      collector.begin(pending, this.exchange.head, engine.limits);
    }
    const exchange = this.exchange;
    const stop = collector.parse(pending);
    if (stop === NEED_MORE) return;
    if (stop < 0) {
      this.refuseHead(exchange, collector.refusal, collector.refusedAt);
      pending.clear();
      return;
    }
    this.processing = true;
    this.begin(exchange, 0, stop);
    this.processing = false;
    if (this.state === At.lingering || this.state === At.closed) pending.clear();
    else {
      pending.drop(stop);
      this.processPending();
    }
  }

  private begin(exchange: Exchange, start: number, end: number): void {
    const { engine } = this;
    this.exchange = exchange;
    this.state = At.busy;
    engine.wheel.clear(this);
    exchange.accept(this, this.peer, engine.wheel.nowMs());
    const refusal = exchange.parse(start, end);
    const { facts } = exchange;
    this.writer.begin(facts);
    this.bodyPaused = false;
    this.reader.begin(facts.body, facts.contentLength, true);
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
    exchange.flushRequest();
  }

  private refuseHead(exchange: Exchange, refusal: Refusal, at: number): void {
    this.beginUnparsed(exchange);
    exchange.refuse(refusal, at);
  }

  /** An exchange whose request never became whole; it only gets our own answer. */
  private beginUnparsed(exchange: Exchange): void {
    this.exchange = exchange;
    this.state = At.busy;
    this.unparsable = true;
    exchange.accept(this, this.peer, this.engine.wheel.nowMs());
    exchange.facts.clear(exchange.head);
    // What is known of it decides whether our answer may have a body.
    exchange.facts.isHead = exchange.head.method === 'HEAD';
    this.writer.begin(exchange.facts);
  }

  // ---- the request's body ---------------------------------------------------------------------

  private readBody(bytes: Uint8Array, start: number, end: number): number {
    const exchange = this.exchange!;
    const { reader } = this;
    if (reader.done || this.bodyPaused) return start;
    const at = reader.read(bytes, start, end, this);
    if (at === STOPPED) return end;
    if (at === REFUSED) {
      this.refuseBody(reader.refusal, reader.refusedAt);
      return end;
    }
    const most = this.engine.limits.bodyBytes;
    if (most !== null && reader.payloadBytes > most) {
      this.refuseBody(refusals.bodyLong, most);
      return end;
    }
    if (reader.done) {
      // The clock goes on for an answer that the client is slow to take.
      if (this.socket.unsentBytes() === 0) this.engine.wheel.clear(this);
      exchange.onRequestEnd(reader.trailers);
    }
    exchange.flushRequest();
    return at;
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    return this.exchange!.onRequestBody(bytes, start, end);
  }

  private refuseBody(refusal: Refusal, at: number): void {
    const exchange = this.exchange!;
    if (!exchange.responded) {
      exchange.refuse(refusal, at);
      return;
    }
    const cause = `${refusal.rule} ${refusal.what} (byte ${at})`;
    this.lose(failure('malformed', 'client', 'relay', 'never', cause));
  }

  pauseBody(): void {
    this.bodyPaused = true;
    this.pace.heldBack = true;
    this.pauseReading();
  }

  resumeBody(): void {
    this.bodyPaused = false;
    if (this.state === At.tunnel) {
      this.resumeReading();
      return;
    }
    if (this.pending.length > 0 && this.state === At.busy) this.processPending();
    if (!this.bodyPaused && this.pending.length < PENDING_BYTES) this.resumeReading();
  }

  private pauseReading(): void {
    if (this.readingPaused) return;
    this.readingPaused = true;
    this.socket.pause();
  }

  private resumeReading(): void {
    if (!this.readingPaused) return;
    this.readingPaused = false;
    this.socket.resume();
  }

  // ---- the response ---------------------------------------------------------------------------

  get takesWire(): boolean {
    return this.writer.takesWire;
  }

  interim(head: Head): void {
    this.writer.interim(head);
  }

  respond(head: Head, facts: ResponseFacts): void {
    this.writer.respond(head, facts, this.mayPersist());
  }

  /** May the connection go on after this response? A request that is not whole yet says no. */
  private mayPersist(): boolean {
    const { reader, engine } = this;
    if (this.unparsable || !this.exchange!.facts.keepAlive || !reader.done) return false;
    return !engine.stopping && !(this.clientEnded && this.pending.length === 0);
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

  finish(trailers: Head | null): void {
    if (this.state === At.tunnel) {
      this.socket.end();
      if (this.clientEnded) this.tunnelDone();
      return;
    }
    this.writer.finish(trailers);
    this.exchangeDone(this.writer.persist !== Persist.close);
  }

  answer(answer: Answer): void {
    const persist = this.mayPersist() && !COMPROMISED.has(answer.status);
    this.writer.answer(answer, persist);
    this.exchangeDone(persist);
  }

  /** The response is out; on to the next request, or the end. */
  private exchangeDone(goOn: boolean): void {
    const { engine } = this;
    engine.giveExchange(this.exchange!);
    this.exchange = null;
    this.bodyPaused = false;
    if (!goOn) {
      this.linger();
      return;
    }
    this.state = At.idle;
    const { clientKeepAliveMs } = engine.timeouts;
    this.waitFor(engine.stopping ? STOP_QUIET_MS : clientKeepAliveMs);
    if (this.pending.length > 0) this.processPending();
    else if (this.clientEnded) this.endedInput();
    if (this.readingPaused && this.pending.length < PENDING_BYTES) this.resumeReading();
  }

  /** FIN, then wait for the client's, so that it can read the answer (RFC 9112 section 9.6). */
  private linger(): void {
    this.state = At.lingering;
    this.pending.clear();
    if (this.clientEnded) {
      this.shut();
      return;
    }
    this.socket.end();
    this.waitFor(LINGER_MS);
    this.resumeReading();
  }

  openTunnel(head: Head): void {
    this.writer.switchProtocols(head);
    this.state = At.tunnel;
    this.engine.wheel.clear(this);
    if (this.pending.length > 0) this.processPending();
    else if (this.clientEnded) this.endedInput();
  }

  breakOff(): void {
    const { exchange } = this;
    this.exchange = null;
    this.shutHard();
    if (exchange !== null) this.engine.giveExchange(exchange);
  }

  // ---- ends -----------------------------------------------------------------------------------

  onDrain(): void {
    if (this.state === At.busy && this.reader.done) this.engine.wheel.clear(this);
    this.exchange?.onClientDrain();
  }

  onEnd(): void {
    this.clientEnded = true;
    if (this.isUsedUp) this.endedInput();
  }

  /** The client sends no more, and all it sent has been used (or never can be). */
  private endedInput(): void {
    switch (this.state) {
      case At.busy:
        if (!this.reader.done) {
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
    const { exchange, state } = this;
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.engine.connectionClosed(this);
    this.pending.clear();
    this.exchange = null;
    if (exchange === null) return;
    if (state !== At.head) {
      const cause = why?.cause ?? 'closed the connection before the answer was whole';
      const kind = why?.kind ?? 'closed';
      exchange.onClientGone(failure(kind, 'client', exchange.phase, 'never', cause));
    }
    this.engine.giveExchange(exchange);
  }

  /** Closes it if it only waits for another request. False: it does not. */
  closeIdle(): boolean {
    if (this.state !== At.idle || this.socket.unsentBytes() > 0) return false;
    this.shut();
    return true;
  }

  heldBytes(): number {
    return this.pending.length + this.socket.unsentBytes() + this.spareBytes();
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
    if (this.exchange === null || this.state === At.head) {
      this.releaseUnused();
      this.shutHard();
      return;
    }
    const { phase } = this.exchange;
    this.lose(failure('stopping', 'us', phase, 'never', 'the balancer stops'));
  }

  private shut(): void {
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.releaseUnused();
    this.socket.close();
  }

  private shutHard(): void {
    this.state = At.closed;
    this.engine.wheel.remove(this);
    this.socket.reset();
  }

  /** A head that never became whole still holds an exchange. */
  private releaseUnused(): void {
    if (this.exchange === null) return;
    this.engine.giveExchange(this.exchange);
    this.exchange = null;
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
    const exchange = this.exchange ?? this.engine.takeExchange();
    this.beginUnparsed(exchange);
    this.pending.clear();
    const { clientHeadMs } = this.engine.timeouts;
    const cause = `no whole request head within ${clientHeadMs / 1000} s (timeouts.client_head)`;
    exchange.giveUp(failure('timeout_head', 'client', 'parse', 'never', cause));
  }

  private checkPace(nowMs: number): void {
    const { limits, timeouts } = this.engine;
    const receiving = !this.reader.done;
    if (!receiving) this.pace.moved = this.writer.takenBytes();
    else if (this.bodyPaused) this.pace.heldBack = true;
    const verdict = this.pace.judge(nowMs, limits, timeouts);
    if (verdict !== null) {
      this.tooSlow(verdict);
      return;
    }
    this.writer.markUnsent();
    this.waitFor(PACE_WINDOW_MS);
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
