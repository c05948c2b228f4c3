/**
 * One HTTP/1.1 connection to a backend: carries one exchange at a time, and is kept for the next
 * only when it is provably clean. What breaks a rule here is the backend's fault.
 */
import { view, writeLineEnd } from '../base/bytes.ts';
import { type Failure, failure } from '../base/failure.ts';
import { Timer } from '../base/timer-wheel.ts';
import type { RelayEvents, Socket, SocketHandler, Target } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import type { Refusal } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import { BodyReader, type BodySink, STOPPED, UNWANTED } from '../http1/body-reader.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import { writeChunkedEnd, writeRequestHead } from '../http1/write-head.ts';
import type { Attempt } from './attempt.ts';
import type { BackendLink } from './backend-link.ts';
import type { Exchange } from './exchange.ts';
import { mayTravelAsTrailer } from './header-policy.ts';
import { ResponseHeadReader } from './response-head-reader.ts';
import type { BackendSide } from './sides.ts';
import { timedOut } from './timed-out.ts';

const CR = 13;

const At = {
  connecting: 0,
  head: 1,
  body: 2,
  tunnel: 3,
  settling: 4,
  idle: 5,
  closed: 6,
} as const;
type At = (typeof At)[keyof typeof At];

export class BackendConnection
  extends Timer
  implements SocketHandler, BackendSide, BodySink, RelayEvents
{
  readonly target: Target;
  /** What is left to try when this one fails. */
  readonly otherAddresses: readonly string[];
  /** How the addresses before this one failed. Null: it is the first. */
  readonly earlier: Failure | null;
  reused = false;
  touched = false;
  heard = false;
  idleSinceMs = 0;
  /** The engine's: who waits behind this one for a quiet turn. */
  nextSettling: BackendConnection | null = null;

  private readonly link: BackendLink;
  private attempt: Attempt | null;
  private socket!: Socket;
  private state: At = At.connecting;
  private readonly heads: ResponseHeadReader;
  private readonly reader: BodyReader;
  private requestFinished = false;
  private headUnsent = false;
  private keepAlive = false;
  private promisedMs = -1;
  private ended = false;
  private paused = false;
  /** What is left of the body may go to the client by itself. */
  private relaying = false;
  /** Something came that no response has a place for: it is not used again. */
  private dirty = false;
  /** What the backend had not taken when we looked last. */
  private lastUnsent = 0;

  constructor(
    link: BackendLink,
    attempt: Attempt,
    target: Target,
    otherAddresses: readonly string[],
    earlier: Failure | null,
  ) {
    super();
    this.earlier = earlier;
    this.link = link;
    this.attempt = attempt;
    this.target = target;
    this.otherAddresses = otherAddresses;
    this.heads = new ResponseHeadReader(link.engine);
    this.reader = new BodyReader(link.engine.limits);
  }

  open(): void {
    const { engine } = this.link;
    engine.wheel.set(this, engine.wheel.nowMs() + engine.timeouts.connectMs);
    this.socket = engine.transport.connect(this.target, this);
  }

  /** The attempt on it, or null while it is idle. */
  get busyWith(): Attempt | null {
    return this.attempt;
  }

  /** An idle connection goes on to its next exchange. */
  take(attempt: Attempt): void {
    this.attempt = attempt;
    this.reused = true;
    this.touched = false;
    this.start();
  }

  private start(): void {
    this.state = At.head;
    this.requestFinished = this.headUnsent = this.heard = false;
    this.link.engine.wheel.clear(this);
    this.attempt!.onBackendOpen(this);
  }

  onOpen(): void {
    if (this.state !== At.connecting) return;
    this.link.opened(this);
    this.start();
    this.flush();
  }

  // ---- the request ----------------------------------------------------------------------------

  begin(): void {
    const { link } = this;
    const { engine } = link;
    const { exchange } = this.attempt!;
    const { head, facts } = exchange;
    const out = engine.requestOut;
    out.claim(this);
    const to = writeRequestHead(out.bytes, 0, head, facts, link.forwarding);
    out.length = writeLineEnd(out.bytes, engine.writeClient(exchange, out.bytes, to));
    if (exchange.awaitsContinue) this.waitFor(this.attempt!.patienceMs());
  }

  body(bytes: Uint8Array, start: number, end: number): boolean {
    const out = this.link.engine.requestOut;
    if (this.state === At.tunnel) this.waitFor(this.link.engine.timeouts.tunnelIdleMs);
    if (out.isHeldBy(this)) {
      if (out.append(bytes, start, end)) return true;
      return this.sendHeld(view(bytes, start, end));
    }
    return this.send(view(bytes, start, end));
  }

  finish(trailers: Head | null): void {
    const { engine } = this.link;
    if (this.state === At.tunnel) {
      this.socket.end();
      return;
    }
    if (trailers !== null && this.attempt!.exchange.facts.body === Body.chunked) {
      const out = engine.requestOut;
      // Sends what is held: a long head, parts of a body and trailers do not fit together.
      out.claim(this);
      out.length = writeChunkedEnd(out.bytes, out.length, trailers, true, mayTravelAsTrailer);
    }
    this.requestFinished = true;
    if (this.state === At.head) this.waitFor(this.attempt!.patienceMs());
  }

  flush(): void {
    if (!this.link.engine.requestOut.isHeldBy(this)) return;
    if (!this.sendHeld()) this.attempt?.exchange.onBackendFull();
  }

  /** Sends what is held back, and what follows it. False: the backend does not take it all now. */
  private sendHeld(following?: Uint8Array): boolean {
    if (this.send(this.link.engine.requestOut.take(), following)) return true;
    this.headUnsent = this.socket.unsentBytes() > (following?.length ?? 0);
    return false;
  }

  private send(bytes: Uint8Array, following?: Uint8Array): boolean {
    this.touched = true;
    if (this.socket.write(bytes, following)) return true;
    // Until it drains we wait for the backend to read.
    if (this.state === At.head && !this.attempt!.isAsked) {
      this.lastUnsent = this.socket.unsentBytes();
      this.waitFor(this.link.engine.timeouts.idleMs);
    }
    return false;
  }

  onDrain(): void {
    this.headUnsent = false;
    if (this.state === At.head && !this.attempt!.isAsked) this.link.engine.wheel.clear(this);
    this.attempt?.exchange.onBackendDrain();
  }

  // ---- the response ---------------------------------------------------------------------------

  onData(bytes: Uint8Array): void {
    const { attempt } = this;
    if (attempt === null) {
      this.unasked();
      return;
    }
    const { exchange } = attempt;
    let at = 0;
    this.heard = true;
    if (this.state === At.head) {
      // An empty line is forgiven; here it is left over from the response before.
      if (this.reused && !this.heads.goesOn && bytes[0] === CR) this.dirty = true;
      if (this.headUnsent) this.link.distrust('a response before it had the request');
      at = this.readHead(bytes);
      if (at < 0) return;
    }
    if (this.state === At.tunnel) {
      this.waitFor(this.link.engine.timeouts.tunnelIdleMs);
      if (at < bytes.length) exchange.onResponseBody(bytes, at, bytes.length);
      return;
    }
    if (this.attempt === null) this.skipBody(bytes, at);
    else this.readBody(exchange, bytes, at);
  }

  /** Bytes while nothing was asked: the connection is dirty (RFC 9112 section 9.2). */
  private unasked(): void {
    if (this.state !== At.settling && this.state !== At.idle) return;
    // A 408 or the like before an idle close is rude but common; it ends up here all the same.
    this.link.distrust('bytes that belong to no response');
    this.shut();
  }

  /** Returns the offset after the final head, or -1: more is needed, or it is over. */
  private readHead(bytes: Uint8Array): number {
    const { heads } = this;
    const facts = this.link.engine.responseFacts;
    for (let at = 0; ; ) {
      at = heads.read(bytes, at, this.attempt!.exchange);
      if (at === NEED_MORE) return -1;
      if (at === REFUSED) return this.refuse(heads.refusal, heads.refusedAt);
      if (!facts.interim || heads.head.status === 101) {
        return this.answered(heads.head, facts) ? at : -1;
      }
      this.attempt!.onInterim(heads.head);
      if (this.attempt === null) return -1;
      if (this.attempt.isAsked) this.waitFor(this.attempt.patienceMs());
    }
  }

  /** The final head is here. False: the exchange is over with it. */
  private answered(head: Head, facts: ResponseFacts): boolean {
    const attempt = this.attempt!;
    if (head.status === 101) {
      attempt.onResponse(head, facts);
      return this.attempt !== null;
    }
    this.state = At.body;
    this.relaying = false;
    this.keepAlive = facts.keepAlive;
    this.promisedMs = facts.keepAliveTimeoutMs;
    const { body, contentLength } = facts;
    attempt.onResponse(head, facts);
    if (this.state !== At.body) return false;
    const isWanted = this.attempt !== null;
    this.reader.begin(body, contentLength, isWanted && attempt.exchange.responseWire);
    this.waitFor(this.link.engine.timeouts.idleMs);
    return true;
  }

  private readBody(exchange: Exchange, bytes: Uint8Array, from: number): void {
    const at = this.reader.read(bytes, from, bytes.length, this);
    if (at === STOPPED) return;
    if (at === REFUSED) {
      this.refuse(this.reader.refusal, this.reader.refusedAt, "the response's body");
      return;
    }
    if (this.reader.done) {
      this.complete(at < bytes.length);
      return;
    }
    this.bodyGoesOn();
    exchange.flushResponse();
    const rest = this.reader.plainBytes;
    if (rest === 0 || this.relaying) return;
    this.relaying = true;
    exchange.onResponseRest(this.socket, rest, this);
  }

  /** Of a response that nobody wants. One that did not come in one go is not waited for. */
  private skipBody(bytes: Uint8Array, from: number): void {
    const at = this.reader.read(bytes, from, bytes.length, UNWANTED);
    if (at !== REFUSED && this.reader.done) this.complete(at < bytes.length);
    else this.shutHard();
  }

  onRelayed(bytes: number, room: boolean): void {
    this.reader.skip(bytes);
    this.attempt!.exchange.onResponseRelayed(bytes, room);
    if (this.reader.done) this.complete(false);
    else this.bodyGoesOn();
  }

  private bodyGoesOn(): void {
    // While it is paused no clock runs.
    if (this.deadlineMs === Number.POSITIVE_INFINITY) return;
    this.waitFor(this.link.engine.timeouts.idleMs);
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    return this.attempt!.exchange.onResponseBody(bytes, start, end);
  }

  /** The response is whole. `extra`: more bytes came with it. */
  private complete(extra: boolean): void {
    const { attempt } = this;
    const { trailers } = this.reader;
    this.attempt = null;
    if (extra) this.link.distrust('bytes after a response');
    const isQuiet = !extra && !this.dirty && !this.ended;
    const clean = this.keepAlive && this.requestFinished && isQuiet && this.link.trusted;
    if (clean) {
      this.state = At.settling;
      // A client that is slow to take the last part holds up nobody else.
      this.resumeBody();
      this.idleSinceMs = this.link.engine.wheel.nowMs();
      this.link.engine.wheel.clear(this);
      this.link.engine.settling.add(this);
    } else if (this.requestFinished) this.shut();
    // A FIN would look like the end of a request that is not whole.
    else this.shutHard();
    attempt?.exchange.onResponseEnd(trailers);
  }

  /** One whole turn has passed in silence. */
  settled(): void {
    if (this.state !== At.settling) return;
    const idleMs = this.link.keep(this, this.promisedMs);
    if (idleMs < 0) {
      this.shut();
      return;
    }
    this.state = At.idle;
    this.waitFor(idleMs);
  }

  /** Closes a connection that carries nothing. */
  retire(): void {
    this.shut();
  }

  private shut(): void {
    if (this.state === At.idle) this.link.forgetIdle(this);
    this.state = At.closed;
    this.link.engine.wheel.remove(this);
    this.socket.close();
  }

  openTunnel(): void {
    this.state = At.tunnel;
    this.waitFor(this.link.engine.timeouts.tunnelIdleMs);
  }

  pauseBody(): void {
    this.paused = true;
    this.socket.pause();
    if (this.state === At.body) this.link.engine.wheel.clear(this);
  }

  resumeBody(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
    if (this.state === At.body) this.waitFor(this.link.engine.timeouts.idleMs);
  }

  // ---- ends -----------------------------------------------------------------------------------

  onEnd(): void {
    this.ended = true;
    switch (this.state) {
      case At.head:
        this.fail(this.closedEarly('closed the connection before it had answered'));
        return;
      case At.body:
        if (this.reader.endsWithConnection) this.complete(false);
        else this.fail(HALF_A_BODY);
        return;
      case At.tunnel:
        this.attempt!.exchange.onResponseEnd(null);
        return;
      case At.idle:
      case At.settling:
        this.link.closedIdle(this.link.engine.wheel.nowMs() - this.idleSinceMs);
        this.shut();
        return;
    }
  }

  private closedEarly(cause: string): Failure {
    const retry = this.reused && !this.touched ? 'safe' : 'if-idempotent';
    return failure('closed', 'backend', 'relay', this.heard ? 'never' : retry, cause);
  }

  onClose(why: Failure | null): void {
    const { state, attempt } = this;
    this.state = At.closed;
    this.link.engine.requestOut.drop(this);
    this.link.closed(this);
    this.link.engine.wheel.remove(this);
    if (state === At.idle) this.link.forgetIdle(this);
    if (attempt === null) return;
    this.attempt = null;
    if (state === At.connecting) {
      this.link.dialFailed(this, attempt, why ?? NEVER_OPENED);
    } else if (state === At.tunnel) attempt.onBackendFailure(why ?? TUNNEL_ENDED);
    else {
      const closed = why ?? this.closedEarly('the connection is gone');
      attempt.onBackendFailure(this.heard ? { ...closed, retry: 'never' } : closed);
    }
  }

  override onTimer(): void {
    const { timeouts } = this.link.engine;
    switch (this.state) {
      case At.connecting: {
        const attempt = this.attempt!;
        this.abandon();
        this.link.dialFailed(this, attempt, timedOut.connect(timeouts));
        return;
      }
      case At.head:
        if (this.attempt!.isAsked) this.fail(this.attempt!.tookTooLong());
        else if (this.isStuck()) this.fail(timedOut.request(timeouts));
        return;
      case At.body:
        this.fail(timedOut.responseBody(timeouts));
        return;
      case At.tunnel:
        this.fail(timedOut.tunnel(timeouts));
        return;
      case At.idle:
        this.shut();
    }
  }

  /** It does not read what waits for it. One that reads, if slowly, gets more time. */
  private isStuck(): boolean {
    const unsent = this.socket.unsentBytes();
    if (unsent >= this.lastUnsent) return unsent > 0;
    this.lastUnsent = unsent;
    this.waitFor(this.link.engine.timeouts.idleMs);
    return false;
  }

  heldBytes(): number {
    return this.socket.unsentBytes() + this.heads.pendingBytes;
  }

  spareBytes(): number {
    return 0;
  }

  giveSpare(): void {}

  abandon(): void {
    this.attempt = null;
    this.shutHard();
  }

  discard(): void {
    this.attempt = null;
  }

  release(): void {
    this.attempt = null;
    this.shut();
  }

  private refuse(refusal: Refusal, at: number, of = 'the response'): -1 {
    const cause = `${refusal.rule} ${refusal.what} (byte ${at} of ${of})`;
    this.fail(failure('malformed', 'backend', 'relay', 'never', cause));
    return -1;
  }

  private fail(why: Failure): void {
    const { attempt } = this;
    this.abandon();
    attempt?.onBackendFailure(why);
  }

  private shutHard(): void {
    this.state = At.closed;
    this.link.engine.wheel.remove(this);
    this.link.engine.requestOut.drop(this);
    this.socket.reset();
  }

  private waitFor(ms: number): void {
    const { wheel } = this.link.engine;
    wheel.set(this, wheel.nowMs() + ms);
  }
}

const NEVER_OPENED = failure('closed', 'backend', 'connect', 'safe', 'closed while connecting');
const HALF_A_BODY = failure('closed', 'backend', 'relay', 'never', 'ended in the middle of a body');
const TUNNEL_ENDED = failure('closed', 'backend', 'relay', 'never', 'the tunnel was closed');
