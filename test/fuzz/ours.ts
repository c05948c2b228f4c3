/**
 * A client's connection as `src/core/engine/client-connection.ts` reads it, without an engine:
 * heads in place while they come whole, collected when they come in parts, bodies as they pass.
 */
import { Buffer } from 'node:buffer';
import { ByteQueue } from '../../src/core/base/byte-queue.ts';
import { writeLineEnd } from '../../src/core/base/bytes.ts';
import { assert } from '../../src/core/base/failure.ts';
import { HeadCollector } from '../../src/core/engine/head-collector.ts';
import { forbiddenInTrailer } from '../../src/core/http/fields.ts';
import { Head } from '../../src/core/http/head.ts';
import type { Refusal } from '../../src/core/http/refusal.ts';
import { Body, RequestFacts } from '../../src/core/http/request-facts.ts';
import { BodyReader, type BodySink } from '../../src/core/http1/body-reader.ts';
import { HeadParser, NEED_MORE, REFUSED } from '../../src/core/http1/head-parser.ts';
import {
  WRITE_MARGIN,
  writeChunkedEnd,
  writeRequestHead,
} from '../../src/core/http1/write-head.ts';
import { limits } from './heads.ts';
import type { End, Message, Reading } from './reading.ts';

const forward = { basePath: '', host: null, fallbackHost: 'fallback' };
/** Where a head is written for the other side. */
const scratch = new Uint8Array(2 * limits.headBytes + WRITE_MARGIN);

type Limits = typeof limits;

/** What the streams read under the same limits use, one after another, as in the engine. */
export class Tools {
  readonly parser: HeadParser;
  readonly head: Head;
  readonly facts = new RequestFacts();
  readonly reader: BodyReader;
  readonly limits: Limits;

  constructor(of: Limits) {
    this.limits = of;
    this.parser = new HeadParser(of);
    this.head = new Head(of.headerFields);
    this.reader = new BodyReader(of);
  }
}

/** Under the limits of the defaults. */
const usual = new Tools(limits);

const text = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');

function fieldsOf(head: Head): string {
  let fields = '';
  for (let field = 0; field < head.fieldCount; field++) {
    const name = text(head.bytes, head.nameStart(field), head.nameEnd(field));
    fields += `${name}: ${text(head.bytes, head.valueStart(field), head.valueEnd(field))}\n`;
  }
  return fields;
}

interface Draft extends Message {
  body: string;
  trailers: string;
}

/** Reads one stream, and is done with it before another begins. */
class OurReader implements BodySink {
  /** In wire form: what would be sent to one backend for all that was taken. */
  forwarded = '';

  private readonly tools: Tools;
  private readonly wire: boolean;
  private readonly collector = new HeadCollector();
  private readonly pending = new ByteQueue();
  private readonly messages: Message[] = [];
  private open: Draft | null = null;
  /** What the sink was given of the open message, in the form that was asked for. */
  private given = '';
  private inHead = false;
  private begun = false;
  /** Bytes of the stream that have been used. */
  private used = 0;
  /** Those of them that belong to the open message's body. */
  private bodyUsed = 0;
  private end: End | null = null;
  private unread = false;
  private why = '';
  private refusedAt = -1;

  /** `wire`: bodies are asked for as the engine does, still in chunks. */
  constructor(tools: Tools, wire: boolean) {
    this.tools = tools;
    this.wire = wire;
  }

  feed(bytes: Uint8Array): void {
    const { pending } = this;
    if (this.end !== null) {
      this.leaveUnread(bytes, 0, bytes.length);
      return;
    }
    if (this.inHead) {
      pending.append(bytes, 0, bytes.length);
      this.continueHead();
    } else {
      const at = this.process(bytes, 0, bytes.length);
      if (at === bytes.length) return;
      pending.append(bytes, at, bytes.length);
      this.collect();
    }
    while (pending.length > 0 && !this.inHead) {
      const { start, end } = pending;
      const at = this.process(pending.bytes, start, end);
      if (at > start) pending.drop(at - start);
      if (this.inHead) this.collect();
    }
  }

  /** The stream is over. */
  finish(): Reading {
    const { messages, open, unread, why, refusedAt } = this;
    const inMiddle = open !== null || (this.inHead && this.begun);
    if (open !== null) this.fill(open);
    return {
      messages,
      open: this.end === 'refused' ? null : open,
      end: this.end ?? (inMiddle ? 'partial' : 'whole'),
      unread,
      why,
      refusedAt,
    };
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.given += text(bytes, start, end);
    return true;
  }

  /** Returns the offset of the first byte that was not used; everything, once it is over. */
  private process(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.end === null) {
      const stop =
        this.open === null ? this.readHead(bytes, at, end) : this.readBody(bytes, at, end);
      if (stop === NEED_MORE) return at;
      this.used += stop - at;
      at = stop;
    }
    if (this.end !== null) this.leaveUnread(bytes, at, end);
    return end;
  }

  private leaveUnread(bytes: Uint8Array, start: number, end: number): void {
    if (this.end !== 'closed') return;
    for (let at = start; at < end; at++)
      if (bytes[at] !== 13 && bytes[at] !== 10) this.unread = true;
  }

  private readHead(bytes: Uint8Array, start: number, end: number): number {
    const { parser, head } = this.tools;
    parser.begin('request', head, start);
    const stop = parser.parse(bytes, end);
    if (stop === NEED_MORE) this.inHead = true;
    else if (stop === REFUSED) return this.refuse(parser.refusal, parser.refusedAt, end);
    else this.take();
    return stop;
  }

  /** What is left begins a head that is not whole. */
  private collect(): void {
    this.collector.begin(this.pending, this.tools.head, this.tools.limits);
    this.continueHead();
  }

  private continueHead(): void {
    const { collector, pending } = this;
    const stop = collector.parse(pending);
    if (stop === NEED_MORE) {
      this.begun ||= hasMoreThanLineEnds(pending);
      return;
    }
    this.inHead = false;
    this.begun = false;
    if (stop === REFUSED) {
      this.refuse(collector.refusal, collector.refusedAt, 0);
      pending.clear();
      return;
    }
    this.take();
    this.used += stop;
    pending.drop(stop);
  }

  private refuse(refusal: Refusal, at: number, stop: number): number {
    this.end = 'refused';
    this.why = `${refusal.rule} ${refusal.what}`;
    this.refusedAt = this.used + at;
    return stop;
  }

  /** The head is whole. */
  private take(): void {
    const { head, facts, reader } = this.tools;
    const fields = fieldsOf(head);
    const refusal = facts.decide(head);
    if (refusal !== null) {
      this.refuse(refusal, 0, 0);
      return;
    }
    const { keepAlive } = facts;
    const { method, target, minorVersion: minor } = head;
    this.open = { method, target, minor, fields, keepAlive, body: '', trailers: '' };
    if (this.wire) {
      const to = writeRequestHead(scratch, 0, head, facts, forward);
      this.forwarded += text(scratch, 0, writeLineEnd(scratch, to));
    }
    reader.begin(facts.body, facts.contentLength, this.wire);
    this.bodyUsed = 0;
    if (reader.done) this.complete();
  }

  private readBody(bytes: Uint8Array, start: number, end: number): number {
    const { reader } = this.tools;
    const stop = reader.read(bytes, start, end, this);
    if (stop === REFUSED) {
      return this.refuse(reader.refusal, reader.refusedAt - this.bodyUsed, end);
    }
    this.bodyUsed += stop - start;
    if (reader.done) this.complete();
    return stop;
  }

  private complete(): void {
    const message = this.open!;
    const { trailers } = this.tools.reader;
    if (trailers !== null) message.trailers = fieldsOf(trailers);
    this.fill(message);
    if (this.wire && trailers !== null) {
      const end = writeChunkedEnd(scratch, 0, trailers, true, (id) => !forbiddenInTrailer(id));
      this.forwarded += text(scratch, 0, end);
    }
    this.messages.push(message);
    this.open = null;
    if (!message.keepAlive) this.end = 'closed';
  }

  private fill(message: Draft): void {
    const inChunks = this.wire && this.tools.facts.body === Body.chunked;
    message.body = inChunks ? dechunk(this.given) : this.given;
    if (this.wire) this.forwarded += this.given;
    this.given = '';
  }
}

function hasMoreThanLineEnds({ bytes, start, end }: ByteQueue): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 13 && bytes[at] !== 10) return true;
  return false;
}

/**
 * The content of what BodyReader passes on in wire form, which must be exactly sizes, data and line
 * ends; it may end anywhere.
 */
function dechunk(wire: string): string {
  let content = '';
  for (let at = 0; ; ) {
    const line = wire.indexOf('\r\n', at);
    const digits = line === -1 ? wire.slice(at).replace(/\r$/, '') : wire.slice(at, line);
    assert(/^[0-9A-Fa-f]*$/.test(digits), `a chunk line is passed on as ${readableSize(digits)}`);
    if (line === -1) return content;
    assert(digits !== '', 'a chunk line without a size is passed on');
    const size = Number.parseInt(digits, 16);
    at = line + 2;
    if (size === 0) {
      assert('\r\n'.startsWith(wire.slice(at)), 'more than the empty line after the last chunk');
      return content;
    }
    content += wire.slice(at, at + size);
    at += size;
    const lineEnd = wire.slice(at, at + 2);
    assert('\r\n'.startsWith(lineEnd), 'chunk data is passed on with another end');
    if (lineEnd.length < 2) return content;
    at += 2;
  }
}

const readableSize = (digits: string): string => JSON.stringify(digits.slice(0, 40));

/** Feeds the whole stream at once, bodies as content. */
export function readWhole(stream: Uint8Array, tools = usual): Reading {
  const reader = new OurReader(tools, false);
  reader.feed(stream);
  return reader.finish();
}

/** What came of a stream in pieces, with bodies in wire form. */
export interface Pieces {
  readonly reading: Reading;
  /** What one backend would be sent, with no fields about the client. */
  readonly forwarded: string;
}

const outcome = (reader: OurReader): Pieces => {
  const reading = reader.finish();
  return { reading, forwarded: reader.forwarded };
};

/** Every piece comes in the same memory, which is good during the call only. */
export function readByteByByte(stream: Uint8Array, tools = usual): Pieces {
  const reader = new OurReader(tools, true);
  const piece = new Uint8Array(1);
  for (let at = 0; at < stream.length; at++) {
    piece[0] = stream[at];
    reader.feed(piece);
  }
  return outcome(reader);
}

/** The same in pieces that end at `cuts`, in order, and at the end. */
export function readCut(stream: Uint8Array, cuts: readonly number[], tools = usual): Pieces {
  const reader = new OurReader(tools, true);
  const memory = new Uint8Array(stream.length);
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    memory.set(stream.subarray(from, to));
    reader.feed(memory.subarray(0, to - from));
    memory.fill(0, 0, to - from);
    from = to;
  }
  return outcome(reader);
}
