/**
 * Bytes from a client, read as requests: one after another a head, whole or in parts, and the body
 * behind it. What comes before it can be used waits here, and the client is read no further when
 * that becomes too much.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import type { Socket } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import type { Body } from '../http/request-facts.ts';
import { BodyReader, type BodySink, STOPPED } from '../http1/body-reader.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { HeadCollector } from './head-collector.ts';

/** What the next byte belongs to. */
const Next = {
  /** A head of which nothing has come. */
  head: 0,
  /** A head that has begun: it is collected in `pending` and parsed from its start. */
  restOfHead: 1,
  /** A body; behind its end the bytes wait until the exchange is over. */
  body: 2,
  tunnel: 3,
  /** Nothing: whatever comes is thrown away. */
  nothing: 4,
} as const;
type Next = (typeof Next)[keyof typeof Next];

/** What may wait behind the exchange that is going on. */
const PENDING_BYTES = 64 * 1024;

/** What a connection hears of its requests. Bytes are valid only during the call. */
export interface RequestEvents extends BodySink {
  /** A head has begun and is not whole. */
  onHeadBegun(): void;
  /** The exchange's head is whole, at [start, end) of its bytes; `beginBody` says what follows. */
  onHead(exchange: Exchange, start: number, end: number): void;
  /** The exchange's head breaks a rule; as nobody knows where the next begins, no more is read. */
  onHeadRefused(exchange: Exchange, refusal: Refusal, at: number): void;
  onBodyRefused(refusal: Refusal, at: number): void;
  /** The request is whole. */
  onBodyEnd(trailers: Head | null): void;
  /** What came in one go has been handed over: a head, a part of a body, or both. */
  flushRequest(): void;
  /** The client sends no more, and all it sent has been used, or never can be. */
  onInputEnd(): void;
}

export class RequestReader {
  /** The client sends no more. */
  ended = false;
  /** The body is not wanted for now. */
  bodyPaused = false;

  private readonly engine: Engine;
  private readonly socket: Socket;
  private readonly client: RequestEvents;
  private next: Next = Next.head;
  private readonly body: BodyReader;
  private readonly pending = new ByteQueue();
  private readonly collector = new HeadCollector();
  /** The exchange whose head is being collected. */
  private collecting: Exchange | null = null;
  private readingPaused = false;
  private processing = false;

  constructor(engine: Engine, socket: Socket, client: RequestEvents) {
    this.engine = engine;
    this.socket = socket;
    this.client = client;
    this.body = new BodyReader(engine.limits);
  }

  onData(bytes: Uint8Array): void {
    const { pending } = this;
    if (this.next === Next.nothing) return;
    if (this.next === Next.tunnel) {
      this.client.onBody(bytes, 0, bytes.length);
      return;
    }
    if (pending.length > 0 || this.processing) {
      pending.append(bytes, 0, bytes.length);
      this.processPending();
      return;
    }
    const at = this.process(bytes, 0, bytes.length);
    if (at === bytes.length) return;
    pending.append(bytes, at, bytes.length);
    if (this.inHead) this.continueHead();
    else this.limitPending();
  }

  onEnd(): void {
    this.ended = true;
    if (this.isUsedUp) this.client.onInputEnd();
  }

  // ---- what the connection asks for -----------------------------------------------------------

  /** Behind the head comes this body; `Body.none`: the request is whole. */
  beginBody(body: Body, contentLength: number): void {
    this.next = Next.body;
    this.bodyPaused = false;
    this.body.begin(body, contentLength, true);
  }

  /** The exchange is over: on to the next head. */
  beginHead(): void {
    this.next = Next.head;
    this.bodyPaused = false;
    this.goOn();
    this.resumeIfRoom();
  }

  /** From here on all bytes are handed over as they are. */
  openTunnel(): void {
    this.next = Next.tunnel;
    this.goOn();
    if (!this.bodyPaused) this.resumeReading();
  }

  private goOn(): void {
    if (this.pending.length > 0) this.processPending();
    else if (this.ended) this.client.onInputEnd();
  }

  /** Nobody looks at what came or comes. */
  stop(): void {
    this.next = Next.nothing;
    this.pending.clear();
    if (this.collecting === null) return;
    this.engine.giveExchange(this.collecting);
    this.collecting = null;
  }

  /** The rest of the head is not waited for. Returns the exchange with what is known of it. */
  giveUpHead(): Exchange {
    const exchange = this.collecting!;
    this.collecting = null;
    this.stop();
    return exchange;
  }

  pauseBody(): void {
    this.bodyPaused = true;
    this.pauseReading();
  }

  resumeBody(): void {
    this.bodyPaused = false;
    if (this.pending.length > 0 && this.next === Next.body) this.processPending();
    this.resumeIfRoom();
  }

  private resumeIfRoom(): void {
    if (!this.isFull && !this.bodyPaused) this.resumeReading();
  }

  private pauseReading(): void {
    if (this.readingPaused) return;
    this.readingPaused = true;
    this.socket.pause();
  }

  resumeReading(): void {
    if (!this.readingPaused) return;
    this.readingPaused = false;
    this.socket.resume();
  }

  /** The request has come whole, and what follows it can be read. */
  get isWhole(): boolean {
    return this.next !== Next.nothing && this.body.done;
  }

  /** The request has come whole, and nothing behind it. */
  get isDrained(): boolean {
    return this.isWhole && this.pending.length === 0;
  }

  /** The client sends no more, and nothing waits. */
  get isExhausted(): boolean {
    return this.ended && this.pending.length === 0;
  }

  get pendingBytes(): number {
    return this.pending.length;
  }

  // ---- bytes in -------------------------------------------------------------------------------

  /** Uses what it can of bytes[start, end); returns the offset of the first byte not used. */
  private process(bytes: Uint8Array, start: number, end: number): number {
    this.processing = true;
    let at = start;
    while (at < end) {
      const before = at;
      if (this.next === Next.head) at = this.readHead(bytes, at, end);
      else if (this.next === Next.body) at = this.readBody(bytes, at, end);
      else if (this.next === Next.tunnel) {
        this.client.onBody(bytes, at, end);
        at = end;
      } else break;
      if (at === before) break;
    }
    // Once, so that a head leaves together with what has come of its body.
    this.client.flushRequest();
    this.processing = false;
    return this.next === Next.nothing ? end : at;
  }

  /** Works through the bytes that wait, as far as they can be used now. */
  private processPending(): void {
    if (this.processing) return;
    const { pending } = this;
    if (this.inHead) this.continueHead();
    while (pending.length > 0 && !this.inHead) {
      const { bytes, start, end } = pending;
      const used = this.process(bytes, start, end) - start;
      // It is empty already when nothing more is to be read.
      if (pending.length === 0) break;
      if (used > 0) pending.drop(used);
      if (this.inHead) this.continueHead();
      else if (used === 0) break;
    }
    this.limitPending();
    if (this.ended && this.isUsedUp) this.client.onInputEnd();
  }

  private limitPending(): void {
    if (this.isFull || (this.bodyPaused && this.pending.length > 0)) this.pauseReading();
  }

  /** Of a head that is collected as much may wait as its limit says: the parser sees to that. */
  private get isFull(): boolean {
    return this.pending.length >= PENDING_BYTES && !this.inHead;
  }

  private get inHead(): boolean {
    return this.next === Next.restOfHead;
  }

  /** All that has come has been used, or never can be: it began a request that is not whole. */
  private get isUsedUp(): boolean {
    return this.pending.length === 0 || (this.next !== Next.body && this.next !== Next.tunnel);
  }

  // ---- the head -------------------------------------------------------------------------------

  private readHead(bytes: Uint8Array, start: number, end: number): number {
    const { engine, client } = this;
    const exchange = engine.takeExchange();
    const parser = engine.requestParser;
    parser.begin('request', exchange.head, start);
    const stop = parser.parse(bytes, end);
    if (stop >= 0) {
      client.onHead(exchange, start, stop);
      return stop;
    }
    if (stop === NEED_MORE) {
      engine.giveExchange(exchange);
      // Blank lines alone do not begin a request: it stays as idle as it was.
      if (parser.begun) {
        client.onHeadBegun();
        this.next = Next.restOfHead;
      }
      return start;
    }
    this.stop();
    client.onHeadRefused(exchange, parser.refusal, parser.refusedAt);
    return end;
  }

  private continueHead(): void {
    const { engine, pending, collector, client } = this;
    if (this.collecting === null) {
      this.collecting = engine.takeExchange();
      collector.begin(pending, this.collecting.head, engine.limits);
    }
    const exchange = this.collecting;
    const stop = collector.parse(pending);
    if (stop === NEED_MORE) return;
    this.collecting = null;
    if (stop === REFUSED) {
      this.stop();
      client.onHeadRefused(exchange, collector.refusal, collector.refusedAt);
      return;
    }
    this.processing = true;
    client.onHead(exchange, 0, stop);
    this.processing = false;
    if (this.next === Next.nothing) return;
    pending.drop(stop);
    this.processPending();
    client.flushRequest();
  }

  // ---- the body -------------------------------------------------------------------------------

  private readBody(bytes: Uint8Array, start: number, end: number): number {
    const { body, client } = this;
    if (body.done || this.bodyPaused) return start;
    const at = body.read(bytes, start, end, client);
    if (at === STOPPED) return end;
    if (at === REFUSED) {
      client.onBodyRefused(body.refusal, body.refusedAt);
      return end;
    }
    const most = this.engine.limits.bodyBytes;
    if (most !== null && body.payloadBytes > most) {
      client.onBodyRefused(refusals.bodyLong, most);
      return end;
    }
    if (body.done) client.onBodyEnd(body.trailers);
    return at;
  }
}
