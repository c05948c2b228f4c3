/**
 * One HTTP/1.1 connection to a backend: carries one exchange at a time, and is kept for the next
 * only when it is provably clean. What breaks a rule here is the backend's fault.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { view } from '../base/bytes.ts';
import { type Failure, failure } from '../base/failure.ts';
import { Timer } from '../base/timer-wheel.ts';
import type { Socket, SocketHandler, Target } from '../base/transport.ts';
import { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import { BodyReader, type BodySink, STOPPED } from '../http1/body-reader.ts';
import { HeadParser, NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import { writeChunkedEnd, writeRequestHead } from '../http1/write-head.ts';
import type { BackendLink } from './backend-link.ts';
import type { Exchange } from './exchange.ts';
import { mayTravelAsTrailer, sameProtocol } from './header-policy.ts';
import type { BackendSide } from './sides.ts';

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

export class BackendConnection extends Timer implements SocketHandler, BackendSide, BodySink {
  readonly address: string;
  readonly addressIndex: number;
  /** How the addresses before this one failed. */
  readonly earlier: Failure | null;
  reused = false;
  touched = false;
  heard = false;
  idleSinceMs = 0;

  private readonly link: BackendLink;
  private exchange: Exchange | null;
  private socket!: Socket;
  private state: At = At.connecting;
  private readonly reader: BodyReader;
  /** A response head that has come in parts, and its own parser. */
  private pending: ByteQueue | null = null;
  private parser: HeadParser | null = null;
  private head: Head | null = null;
  private requestFinished = false;
  private headUnsent = false;
  private keepAlive = false;
  private promisedMs = -1;
  private ended = false;
  private paused = false;
  /** What the backend had not taken when we looked last. */
  private lastUnsent = 0;

  constructor(
    link: BackendLink,
    exchange: Exchange,
    address: string,
    addressIndex: number,
    earlier: Failure | null,
  ) {
    super();
    this.earlier = earlier;
    this.link = link;
    this.exchange = exchange;
    this.address = address;
    this.addressIndex = addressIndex;
    this.reader = new BodyReader(link.engine.limits);
  }

  open(target: Target): void {
    const { engine } = this.link;
    engine.wheel.set(this, engine.wheel.nowMs() + engine.timeouts.connectMs);
    this.socket = engine.transport.connect(target, this);
  }

  /** The exchange on it, or null while it is idle. */
  get busyWith(): Exchange | null {
    return this.exchange;
  }

  /** An idle connection goes on to its next exchange. */
  take(exchange: Exchange): void {
    this.exchange = exchange;
    this.reused = true;
    this.touched = false;
    this.start();
  }

  private start(): void {
    this.state = At.head;
    this.requestFinished = this.headUnsent = this.heard = false;
    this.link.engine.wheel.clear(this);
    this.exchange!.onBackendOpen(this);
  }

  onOpen(): void {
    if (this.state !== At.connecting) return;
    this.link.opened(this);
    this.start();
    this.flush();
  }

  // ---- the request ----------------------------------------------------------------------------

  begin(): void {
    const { engine, backend } = this.link;
    const exchange = this.exchange!;
    const out = engine.requestOut;
    const peerFields = engine.forwardedFields(exchange);
    out.claim(this);
    out.length = writeRequestHead(
      out.bytes,
      0,
      exchange.head,
      exchange.facts,
      engine.forward(backend),
      peerFields.bytes,
      peerFields.end,
    );
  }

  body(bytes: Uint8Array, start: number, end: number): boolean {
    const out = this.link.engine.requestOut;
    if (this.state === At.tunnel) this.waitFor(this.link.engine.timeouts.tunnelIdleMs);
    if (out.isHeldBy(this)) {
      if (out.append(bytes, start, end)) return true;
      this.flush();
    }
    return this.send(view(bytes, start, end));
  }

  finish(trailers: Head | null): void {
    const { engine } = this.link;
    if (this.state === At.tunnel) {
      this.socket.end();
      return;
    }
    if (trailers !== null && this.exchange!.facts.body === Body.chunked) {
      const out = engine.requestOut;
      if (!out.isHeldBy(this)) out.claim(this);
      out.length = writeChunkedEnd(out.bytes, out.length, trailers, true, mayTravelAsTrailer);
      this.flush();
    }
    this.requestFinished = true;
    if (this.state === At.head) this.waitFor(engine.timeouts.responseHeadMs);
  }

  flush(): void {
    const out = this.link.engine.requestOut;
    if (!out.isHeldBy(this)) return;
    if (this.send(out.take())) return;
    this.headUnsent = true;
    this.exchange?.onBackendFull();
  }

  private send(bytes: Uint8Array): boolean {
    this.touched = true;
    if (this.socket.write(bytes)) return true;
    // Until it drains we wait for the backend to read.
    if (!this.requestFinished && this.state === At.head) {
      this.lastUnsent = this.socket.unsentBytes();
      this.waitFor(this.link.engine.timeouts.idleMs);
    }
    return false;
  }

  onDrain(): void {
    this.headUnsent = false;
    if (!this.requestFinished && this.state === At.head) this.link.engine.wheel.clear(this);
    this.exchange?.onBackendDrain();
  }

  // ---- the response ---------------------------------------------------------------------------

  onData(bytes: Uint8Array): void {
    const { exchange } = this;
    if (exchange === null) {
      this.unasked();
      return;
    }
    let at = 0;
    this.heard = true;
    if (this.state === At.head) {
      if (this.reused && this.pending === null && bytes[0] === CR) {
        // On a fresh connection it is forgiven; here it is left over from the response before.
        this.refuse(refusals.statusLine, 0);
        return;
      }
      if (this.headUnsent) this.link.distrust('a response before it had the request');
      at = this.readHead(bytes);
      if (at < 0) return;
    }
    if (this.state === At.tunnel) {
      this.waitFor(this.link.engine.timeouts.tunnelIdleMs);
      if (at < bytes.length) exchange.onResponseBody(bytes, at, bytes.length);
      exchange.flushResponse();
      return;
    }
    this.readBody(bytes, at);
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
    const { engine } = this.link;
    let source = bytes;
    let at = 0;
    let parser = engine.responseParser;
    let head = engine.responseHead;
    const already = this.pending === null ? 0 : this.pending.length;
    if (this.pending !== null) {
      this.pending.append(bytes, 0, bytes.length);
      source = this.pending.bytes;
      parser = this.parser!;
      head = this.head!;
    } else parser.begin('response', head, 0);
    for (;;) {
      const end = this.pending === null ? bytes.length : this.pending.end;
      const stop = parser.parse(source, end);
      if (stop === NEED_MORE) {
        this.keepPart(source, at, end);
        return -1;
      }
      if (stop === REFUSED) return this.refuse(parser.refusal, parser.refusedAt);
      const facts = engine.responseFacts;
      const refusal = facts.decide(head, this.exchange!.facts.isHead);
      if (refusal !== null) return this.refuse(refusal, 0);
      at = stop;
      if (!facts.interim || head.status === 101) {
        const answered = this.answered(head, facts);
        // Offsets in the pending bytes are `already` ahead of those in what came now.
        this.dropPending();
        return answered ? at - already : -1;
      }
      this.exchange!.onInterim(head);
      if (this.exchange === null) return -1;
      if (this.requestFinished) this.waitFor(engine.timeouts.responseHeadMs);
      parser.begin('response', head, at);
    }
  }

  /** Keeps a head that is not whole, with a parser of its own that goes on in the kept bytes. */
  private keepPart(source: Uint8Array, at: number, end: number): void {
    if (this.pending !== null) return;
    const { limits } = this.link.engine;
    this.pending = new ByteQueue();
    this.pending.append(source, at, end);
    this.parser = new HeadParser(limits);
    this.head = new Head(limits.headerFields);
    this.parser.begin('response', this.head, 0);
    this.parser.parse(this.pending.bytes, this.pending.end);
  }

  private dropPending(): void {
    this.pending = null;
    this.parser = null;
    this.head = null;
  }

  /** The final head is here. False: it could not be used. */
  private answered(head: Head, facts: ResponseFacts): boolean {
    const exchange = this.exchange!;
    if (head.status === 101) {
      const problem = this.switchProblem(head, facts);
      if (problem !== null) {
        this.refuse(problem, 0);
        return false;
      }
      exchange.onResponse(head, facts);
      return this.exchange !== null;
    }
    this.state = At.body;
    this.keepAlive = facts.keepAlive;
    this.promisedMs = facts.keepAliveTimeoutMs;
    const { body, contentLength } = facts;
    exchange.onResponse(head, facts);
    if (this.exchange === null) return false;
    this.reader.begin(body, contentLength, exchange.responseWire);
    this.waitFor(this.link.engine.timeouts.idleMs);
    return true;
  }

  private switchProblem(head: Head, facts: ResponseFacts): Refusal | null {
    const exchange = this.exchange!;
    if (!exchange.facts.upgrade) return refusals.switchUnasked;
    return sameProtocol(exchange.head, head, facts) ? null : refusals.switchOther;
  }

  private readBody(bytes: Uint8Array, from: number): void {
    const exchange = this.exchange!;
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
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) {
      this.waitFor(this.link.engine.timeouts.idleMs);
    }
    exchange.flushResponse();
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    return this.exchange!.onResponseBody(bytes, start, end);
  }

  /** The response is whole. `extra`: more bytes came with it. */
  private complete(extra: boolean): void {
    const exchange = this.exchange!;
    const { trailers } = this.reader;
    this.exchange = null;
    if (extra) this.link.distrust('bytes after a response');
    const clean =
      this.keepAlive && this.requestFinished && !extra && !this.ended && this.link.trusted;
    if (clean) {
      this.state = At.settling;
      // A client that is slow to take the last part holds up nobody else.
      this.resumeBody();
      this.idleSinceMs = this.link.engine.wheel.nowMs();
      this.link.engine.wheel.clear(this);
      this.link.engine.settle(this);
    } else if (this.requestFinished) this.shut();
    // A FIN would look like the end of a request that is not whole.
    else this.shutHard();
    exchange.onResponseEnd(trailers);
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
    if (this.exchange === null) this.shut();
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
        else
          this.fail(
            failure('closed', 'backend', 'relay', 'never', 'ended in the middle of a body'),
          );
        return;
      case At.tunnel:
        this.exchange!.onResponseEnd(null);
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
    const { state, exchange } = this;
    this.state = At.closed;
    this.link.connections.delete(this);
    this.link.engine.backendConnectionClosed();
    this.link.engine.wheel.remove(this);
    if (state === At.idle) this.link.forgetIdle(this);
    if (exchange === null) return;
    this.exchange = null;
    if (state === At.connecting) {
      this.link.dialFailed(this, exchange, why ?? NEVER_OPENED);
    } else if (state === At.tunnel) exchange.onBackendFailure(why ?? TUNNEL_ENDED);
    else {
      const closed = why ?? this.closedEarly('the connection is gone');
      exchange.onBackendFailure(this.heard ? { ...closed, retry: 'never' } : closed);
    }
  }

  override onTimer(): void {
    const seconds = (ms: number): string => `${ms / 1000} s`;
    const { timeouts } = this.link.engine;
    switch (this.state) {
      case At.connecting: {
        const cause = `no connection within ${seconds(timeouts.connectMs)} (timeouts.connect)`;
        const exchange = this.exchange!;
        this.exchange = null;
        this.shutHard();
        const why = failure('connect_timeout', 'backend', 'connect', 'safe', cause);
        this.link.dialFailed(this, exchange, why);
        return;
      }
      case At.head: {
        if (!this.requestFinished && this.hasTakenSome()) return;
        const cause = this.requestFinished
          ? `no response within ${seconds(timeouts.responseHeadMs)} (timeouts.response)`
          : `read nothing of the request for ${seconds(timeouts.idleMs)} (timeouts.idle)`;
        const kind = this.requestFinished ? 'timeout_head' : 'timeout_idle';
        this.fail(failure(kind, 'backend', 'relay', 'never', cause));
        return;
      }
      case At.body: {
        const cause = `sent nothing for ${seconds(timeouts.idleMs)} (timeouts.idle)`;
        this.fail(failure('timeout_idle', 'backend', 'relay', 'never', cause));
        return;
      }
      case At.tunnel: {
        const cause = `silent for ${seconds(timeouts.tunnelIdleMs)} (timeouts.tunnel_idle)`;
        this.fail(failure('timeout_tunnel', 'backend', 'relay', 'never', cause));
        return;
      }
      case At.idle:
        this.shut();
    }
  }

  /** The backend reads the request, if slowly: it gets more time. */
  private hasTakenSome(): boolean {
    const unsent = this.socket.unsentBytes();
    if (unsent >= this.lastUnsent) return false;
    this.lastUnsent = unsent;
    this.waitFor(this.link.engine.timeouts.idleMs);
    return true;
  }

  heldBytes(): number {
    return this.socket.unsentBytes() + (this.pending?.length ?? 0);
  }

  spareBytes(): number {
    return 0;
  }

  giveSpare(): void {}

  abandon(): void {
    this.exchange = null;
    this.shutHard();
  }

  release(): void {
    this.exchange = null;
    this.shut();
  }

  private refuse(refusal: Refusal, at: number, of = 'the response'): -1 {
    const cause = `${refusal.rule} ${refusal.what} (byte ${at} of ${of})`;
    this.fail(failure('malformed', 'backend', 'relay', 'never', cause));
    return -1;
  }

  private fail(why: Failure): void {
    const { exchange } = this;
    this.exchange = null;
    this.shutHard();
    exchange?.onBackendFailure(why);
  }

  private shutHard(): void {
    this.state = At.closed;
    this.link.engine.wheel.remove(this);
    this.socket.reset();
  }

  private waitFor(ms: number): void {
    const { wheel } = this.link.engine;
    wheel.set(this, wheel.nowMs() + ms);
  }
}

const NEVER_OPENED = failure('closed', 'backend', 'connect', 'safe', 'closed while connecting');
const TUNNEL_ENDED = failure('closed', 'backend', 'relay', 'never', 'the tunnel was closed');
