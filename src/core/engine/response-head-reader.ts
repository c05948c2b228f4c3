/**
 * The heads of the responses to one request after another, whole or in parts: interim ones, then
 * the final one. A head that is not whole is kept here until the rest of it has come.
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { HeadCollector } from './head-collector.ts';
import { sameProtocol } from './header-policy.ts';

/** A head of which a part has come. */
interface Part {
  readonly head: Head;
  readonly pending: ByteQueue;
  readonly collector: HeadCollector;
}

export class ResponseHeadReader {
  /** The head that was read last; what it means is in the engine's `responseFacts`. */
  head: Head;
  refusal: Refusal = refusals.statusLine;
  refusedAt = 0;
  private readonly engine: Engine;
  private part: Part | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
    this.head = engine.responseHead;
  }

  /** What comes next goes on with what came before: a part of a head, or interim responses. */
  get goesOn(): boolean {
    return this.part !== null;
  }

  get pendingBytes(): number {
    return this.part === null ? 0 : this.part.pending.length;
  }

  /**
   * Reads a head of a response to `exchange` at bytes[from], or the rest of one. Returns the offset
   * after it, NEED_MORE (the bytes are kept) or REFUSED. Head and facts are valid until the next.
   */
  read(bytes: Uint8Array, from: number, exchange: Exchange): number {
    const stop = this.part === null ? this.readWhole(bytes, from) : this.readRest(this.part, bytes);
    return stop < 0 ? stop : this.understand(exchange, stop);
  }

  private readWhole(bytes: Uint8Array, from: number): number {
    const { responseParser, responseHead } = this.engine;
    this.head = responseHead;
    responseParser.begin('response', responseHead, from);
    const stop = responseParser.parse(bytes, bytes.length);
    if (stop === NEED_MORE) this.keep(bytes, from);
    else if (stop === REFUSED) this.refuse(responseParser.refusal, responseParser.refusedAt);
    return stop;
  }

  private keep(bytes: Uint8Array, from: number): void {
    const { limits } = this.engine;
    const part = {
      head: new Head(limits.headerFields),
      pending: new ByteQueue(),
      collector: new HeadCollector('response'),
    };
    part.pending.append(bytes, from, bytes.length);
    part.collector.begin(part.pending, part.head, limits);
    // What is here is looked at once more, from now on each byte once.
    part.collector.parse(part.pending);
    this.part = part;
  }

  private readRest(part: Part, bytes: Uint8Array): number {
    const { head, pending, collector } = part;
    const already = pending.length;
    pending.append(bytes, 0, bytes.length);
    const stop = collector.parse(pending);
    if (stop === NEED_MORE) return NEED_MORE;
    this.part = null;
    if (stop === REFUSED) return this.refuse(collector.refusal, collector.refusedAt);
    this.head = head;
    // The rest of the head ends so far into the bytes that came now.
    return stop - already;
  }

  /** Decides what the head means, by what was asked. */
  private understand({ head: asked, facts }: Exchange, stop: number): number {
    const { engine, head } = this;
    const { responseFacts } = engine;
    const refusal = responseFacts.decide(head, facts.isHead);
    if (refusal !== null) return this.refuse(refusal, 0);
    if (head.status !== 101) return stop;
    if (!facts.upgrade) return this.refuse(refusals.switchUnasked, 0);
    const same = sameProtocol(asked, head, responseFacts);
    return same ? stop : this.refuse(refusals.switchOther, 0);
  }

  private refuse(refusal: Refusal, at: number): number {
    this.refusal = refusal;
    this.refusedAt = at;
    return REFUSED;
  }
}
