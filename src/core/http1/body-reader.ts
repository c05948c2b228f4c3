/**
 * Where a body ends. Verifies the framing while the bytes pass, and hands them on in one of two
 * forms: `payload` (the content only) or `wire` (still in chunks, for a receiver that speaks
 * chunked as well: what is passed on is then exactly sizes, data and line ends, without chunk
 * extensions and without the trailer section).
 */
import { ByteQueue } from '../base/byte-queue.ts';
import { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import { type HeadLimits, HeadParser, NEED_MORE, REFUSED } from './head-parser.ts';

export interface BodySink {
  /** A part of the body, in order. Valid during the call. False: stop, nothing more is wanted. */
  onBody(bytes: Uint8Array, start: number, end: number): boolean;
}

/** Where a body goes that nobody wants. */
export const UNWANTED: BodySink = { onBody: () => true };

/** The sink wanted no more. */
export const STOPPED = -3;

/** Bytes of chunk extensions in one message (CVE-2024-22019, CVE-2023-39326). */
const EXTENSION_BYTES = 4096;
const SIZE_DIGITS = 16;

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const QUOTE = 34;
const BACKSLASH = 92;
const SEMICOLON = 59;

const At = {
  sizeFirst: 0,
  size: 1,
  sizeSpace: 2,
  extension: 3,
  quoted: 4,
  quotedPair: 5,
  sizeLf: 6,
  data: 7,
  dataCr: 8,
  dataLf: 9,
  trailerFirst: 10,
  endLf: 11,
  trailers: 12,
} as const;

const hexValues = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  hexValues[digit.toString(16).charCodeAt(0)] = digit;
  hexValues[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

export class BodyReader {
  refusal: Refusal = refusals.chunkSize;
  /** Offset from the body's first byte. */
  refusedAt = 0;
  done = true;
  /** Content bytes seen so far. */
  payloadBytes = 0;
  /** After the end of a chunked body that had a trailer section. */
  trailers: Head | null = null;

  private readonly limits: HeadLimits & { readonly headerFields: number };
  private body: Body = Body.none;
  private wire = false;
  private remaining = 0;
  /** Bytes given to earlier calls of `read`. */
  private passed = 0;
  private state = 0;
  private digits = 0;
  private extensionBytes = 0;
  private trailerBytes: ByteQueue | null = null;
  private trailerParser: HeadParser | null = null;

  constructor(limits: HeadLimits & { readonly headerFields: number }) {
    this.limits = limits;
  }

  begin(body: Body, contentLength: number, wire: boolean): void {
    this.body = body;
    this.wire = wire;
    this.remaining = body === Body.chunked ? 0 : contentLength;
    this.state = At.sizeFirst;
    this.done = body === Body.none;
    this.payloadBytes = 0;
    this.passed = 0;
    this.extensionBytes = 0;
    this.trailers = null;
  }

  /** Returns the offset up to which bytes belonged to the body; or REFUSED or STOPPED. */
  read(bytes: Uint8Array, start: number, end: number, sink: BodySink): number {
    if (this.done || start === end) return start;
    if (this.body === Body.chunked) {
      const at = this.readChunked(bytes, start, end, sink);
      if (at === REFUSED) this.refusedAt += this.passed - start;
      this.passed += end - start;
      return at;
    }
    const take =
      this.body === Body.untilClose ? end - start : Math.min(this.remaining, end - start);
    this.payloadBytes += take;
    this.remaining -= take;
    if (this.body === Body.length && this.remaining === 0) this.done = true;
    return sink.onBody(bytes, start, start + take) ? start + take : STOPPED;
  }

  /** Bytes up to the end of a body of known length; of others 0: any byte may mean something. */
  get plainBytes(): number {
    return this.body === Body.length ? this.remaining : 0;
  }

  /** So many of `plainBytes` have passed elsewhere. */
  skip(bytes: number): void {
    this.payloadBytes += bytes;
    this.remaining -= bytes;
    if (this.remaining === 0) this.done = true;
  }

  /** The body goes on until the connection ends. */
  get endsWithConnection(): boolean {
    return this.body === Body.untilClose;
  }

  private refuse(refusal: Refusal, at: number): number {
    this.refusal = refusal;
    this.refusedAt = at;
    return REFUSED;
  }

  private readChunked(bytes: Uint8Array, start: number, end: number, sink: BodySink): number {
    // In wire form a run is passed on whole: from `run` up to what must not go further.
    const skipping = this.state >= At.sizeSpace && this.state <= At.quotedPair;
    let run = this.wire && !skipping ? start : -1;
    let at = start;
    while (at < end) {
      if (this.state === At.data) {
        const take = Math.min(this.remaining, end - at);
        if (!this.wire && !sink.onBody(bytes, at, at + take)) return STOPPED;
        this.payloadBytes += take;
        this.remaining -= take;
        at += take;
        if (this.remaining === 0) this.state = At.dataCr;
        continue;
      }
      const before = this.state;
      if (before === At.trailerFirst && bytes[at] !== CR) {
        if (run >= 0 && at > run && !sink.onBody(bytes, run, at)) return STOPPED;
        return this.readTrailers(bytes, at, end);
      }
      if (before === At.trailers) return this.readTrailers(bytes, at, end);
      const refusal = this.step(bytes[at]!);
      if (refusal !== null) return this.refuse(refusal, at);
      if (this.wire) {
        if (run >= 0 && (this.state === At.sizeSpace || this.state === At.extension)) {
          if (at > run && !sink.onBody(bytes, run, at)) return STOPPED;
          run = -1;
        } else if (run < 0 && this.state === At.sizeLf) run = at;
      }
      at++;
      if (this.done) break;
    }
    if (run >= 0 && at > run && !sink.onBody(bytes, run, at)) return STOPPED;
    return at;
  }

  /** One byte outside of chunk data. */
  private step(byte: number): Refusal | null {
    switch (this.state) {
      case At.sizeFirst:
      case At.size:
        return this.onSize(byte);
      case At.sizeSpace:
        // White space may only lead to an extension (BWS of RFC 9112 section 7.1.1).
        if (byte === SEMICOLON) this.state = At.extension;
        else if (byte !== SP && byte !== TAB) return refusals.chunkSize;
        return this.countExtension();
      case At.extension:
      case At.quoted:
      case At.quotedPair:
        return this.onExtension(byte);
      case At.sizeLf:
        if (byte !== LF) return refusals.chunkLineEnd;
        this.state = this.remaining === 0 ? At.trailerFirst : At.data;
        return null;
      case At.dataCr:
        if (byte !== CR) return refusals.chunkDataEnd;
        this.state = At.dataLf;
        return null;
      case At.dataLf:
        if (byte !== LF) return refusals.chunkDataEnd;
        this.state = At.sizeFirst;
        return null;
      case At.trailerFirst:
        this.state = At.endLf;
        return null;
      default:
        if (byte !== LF) return refusals.lineEnd;
        this.done = true;
        return null;
    }
  }

  private onSize(byte: number): Refusal | null {
    const digit = hexValues[byte]!;
    if (digit >= 0) {
      if (this.state === At.sizeFirst) {
        this.state = At.size;
        this.digits = 0;
        this.remaining = 0;
      }
      if (++this.digits > SIZE_DIGITS) return refusals.chunkHuge;
      this.remaining = this.remaining * 16 + digit;
      return this.remaining > Number.MAX_SAFE_INTEGER ? refusals.chunkHuge : null;
    }
    if (this.state === At.sizeFirst) return refusals.chunkSize;
    if (byte === CR) this.state = At.sizeLf;
    else if (byte === SEMICOLON) return this.beginExtension(At.extension);
    else if (byte === SP || byte === TAB) return this.beginExtension(At.sizeSpace);
    else return byte === LF ? refusals.chunkLineEnd : refusals.chunkSize;
    return null;
  }

  private onExtension(byte: number): Refusal | null {
    if (this.state === At.quotedPair) this.state = At.quoted;
    else if (this.state === At.quoted) {
      if (byte === QUOTE) this.state = At.extension;
      else if (byte === BACKSLASH) this.state = At.quotedPair;
    } else if (byte === QUOTE) this.state = At.quoted;
    else if (byte === CR) {
      this.state = At.sizeLf;
      return null;
    }
    // A line end inside quotes would be seen by a laxer parser: no control characters anywhere.
    if ((byte < SP && byte !== TAB) || byte === 127) return refusals.chunkExtension;
    return this.countExtension();
  }

  private beginExtension(state: number): Refusal | null {
    this.state = state;
    return this.countExtension();
  }

  private countExtension(): Refusal | null {
    return ++this.extensionBytes > EXTENSION_BYTES ? refusals.chunkExtensionLong : null;
  }

  private readTrailers(bytes: Uint8Array, start: number, end: number): number {
    if (this.state !== At.trailers) {
      this.state = At.trailers;
      this.trailerBytes ??= new ByteQueue();
      this.trailerParser ??= new HeadParser(this.limits);
      this.trailerBytes.clear();
      this.trailers = new Head(this.limits.headerFields);
      this.trailerParser.begin('trailers', this.trailers, 0);
    }
    const queue = this.trailerBytes!;
    const before = queue.length;
    queue.append(bytes, start, end);
    const stop = this.trailerParser!.parse(queue.bytes, queue.end);
    if (stop === NEED_MORE) return end;
    if (stop === REFUSED) {
      this.refusal = this.trailerParser!.refusal;
      this.refusedAt = start + this.trailerParser!.refusedAt - before;
      return REFUSED;
    }
    this.done = true;
    return start + stop - before;
  }
}
