/**
 * Bytes to a head, strictly: what is not in the grammar of RFC 9112 is refused, with the rule and
 * the offset. Works in place, in one pass, and goes on where it stopped when more bytes have come
 * (the same array, or a longer copy with the same offsets).
 */
import { lower } from '../base/bytes.ts';
import { type Field, fieldId, hashStep } from '../http/fields.ts';
import type { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';

export interface HeadLimits {
  /** Bytes of the whole head, and of a trailer section. */
  readonly headBytes: number;
  /** Without its line end. */
  readonly requestLineBytes: number;
}

/** `parse` has not seen the end of the head yet. */
export const NEED_MORE = -1;
/** `parse` refused the head: see `refusal` and `refusedAt`. */
export const REFUSED = -2;

/** Longer than any method in the IANA registry. */
const METHOD_BYTES = 64;
const MAX_BLANK_LINES = 2;

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;
const DEL = 127;

// What a byte may be: bits of the character table.
const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;

const characters = new Uint8Array(256);
/** What a byte counts in the hash of a name: a letter in lower case; 0: it cannot be in one. */
const nameBytes = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  let bits = 0;
  const letter = String.fromCharCode(byte);
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(letter)) bits |= TOKEN;
  if (byte === TAB || (byte >= SP && byte !== DEL)) bits |= VALUE;
  // Opaque to us; only what could mean a border to somebody is refused.
  if (byte > SP && byte < 127 && letter !== '#') bits |= TARGET;
  characters[byte] = bits;
  nameBytes[byte] = (bits & TOKEN) === 0 ? 0 : lower(byte);
}

const isSpace = (byte: number): boolean => byte === SP || byte === TAB;

/** Where the parser is in a head. */
const At = {
  start: 0,
  blankLf: 1,
  method: 2,
  target: 3,
  version: 4,
  lineLf: 5,
  fieldStart: 6,
  name: 7,
  beforeValue: 8,
  value: 9,
  valueLf: 10,
  endLf: 11,
  statusVersion: 12,
  statusCode: 13,
  reason: 14,
} as const;

export type HeadKind = 'request' | 'response' | 'trailers';

export class HeadParser {
  refusal: Refusal = refusals.fieldValue;
  /** Offset of the offending byte, counted from the head's first byte. */
  refusedAt = 0;

  private readonly limits: HeadLimits;
  private head!: Head;
  private bytes!: Uint8Array;
  private state = 0;
  private first = 0;
  private at = 0;
  private mark = 0;
  private blankLines = 0;
  private isResponse = false;
  private hash = 0;
  private nameStart = 0;
  private nameEnd = 0;
  private valueStart = 0;
  private valueEnd = 0;

  constructor(limits: HeadLimits) {
    this.limits = limits;
  }

  /** Begins a head at bytes[start]; `head` is filled by the calls to `parse`. */
  begin(kind: HeadKind, head: Head, start: number): void {
    this.head = head;
    this.first = start;
    this.at = start;
    this.mark = start;
    // A response has no empty line before it in the grammar; one is what Node and others forgive.
    this.blankLines = kind === 'request' ? 0 : MAX_BLANK_LINES - 1;
    this.isResponse = kind === 'response';
    this.state = kind === 'trailers' ? At.fieldStart : At.start;
    head.clear(head.bytes);
  }

  /** Has a byte of the head been seen (blank lines before it do not count)? */
  get begun(): boolean {
    return this.state > At.blankLf;
  }

  /**
   * Goes on up to `end`. Returns the offset after the head, NEED_MORE or REFUSED. `bytes` may be
   * another array than before, with the same content up to the old end.
   */
  parse(bytes: Uint8Array, end: number): number {
    this.bytes = bytes;
    this.head.bytes = bytes;
    // Never looks beyond the limit, so that the outcome does not depend on how the bytes were cut.
    const stop = Math.min(end, this.first + this.limits.headBytes);
    while (this.at < stop) {
      const done = this.step(bytes, stop);
      if (done !== 0) return done;
    }
    return this.at - this.first >= this.limits.headBytes ? this.tooLong() : NEED_MORE;
  }

  /** Runs the state the parser is in to its end, or to the end of the bytes; 0: go on. */
  private step(bytes: Uint8Array, end: number): number {
    switch (this.state) {
      case At.start:
        return this.onStart(bytes);
      case At.method:
        return this.onMethod(bytes, end);
      case At.target:
        return this.onTarget(bytes, end);
      case At.version:
        return this.onVersion(bytes, end);
      case At.statusVersion:
        return this.onStatusVersion(bytes, end);
      case At.statusCode:
        return this.onStatusCode(bytes, end);
      case At.reason:
        return this.onReason(bytes, end);
      case At.fieldStart:
        return this.wholeLines(bytes, end) ? 0 : this.onFieldStart(bytes);
      case At.name:
        return this.onName(bytes, end);
      case At.beforeValue:
        return this.onBeforeValue(bytes, end);
      case At.value:
        return this.onValue(bytes, end);
      default:
        return this.onLf(bytes);
    }
  }

  private refuse(refusal: Refusal, at: number): number {
    this.refusal = refusal;
    this.refusedAt = at - this.first;
    return REFUSED;
  }

  private tooLong(): number {
    if (this.state === At.target || this.state === At.version)
      return this.refuse(refusals.targetLong, this.at);
    return this.refuse(refusals.headLong, this.at);
  }

  private onStart(bytes: Uint8Array): number {
    const byte = bytes[this.at]!;
    if (byte === CR) {
      this.state = At.blankLf;
      this.at++;
      if (++this.blankLines > MAX_BLANK_LINES) return this.refuse(refusals.blankLines, this.at - 1);
      return 0;
    }
    this.state = this.isResponse ? At.statusVersion : At.method;
    this.mark = this.at;
    this.head.methodStart = this.at;
    return 0;
  }

  /** The four places where the one right byte is LF. */
  private onLf(bytes: Uint8Array): number {
    if (bytes[this.at] !== LF) {
      const refusal = this.state === At.valueLf ? refusals.bareCr : refusals.lineEnd;
      return this.refuse(refusal, this.at);
    }
    this.at++;
    if (this.state === At.endLf) return this.at;
    if (this.state === At.blankLf) {
      this.state = At.start;
      return 0;
    }
    if (this.state === At.valueLf && !this.addField()) {
      return this.refuse(refusals.tooManyFields, this.nameStart);
    }
    this.state = At.fieldStart;
    return 0;
  }

  private onMethod(bytes: Uint8Array, end: number): number {
    let at = this.at;
    while (at < end && (characters[bytes[at]!]! & TOKEN) !== 0) at++;
    this.at = at;
    if (at - this.mark > METHOD_BYTES) return this.refuse(refusals.methodLong, this.mark);
    if (at === end) return 0;
    if (bytes[at] !== SP || at === this.mark) return this.refuse(refusals.method, at);
    this.head.methodEnd = at;
    this.at = at + 1;
    this.mark = at + 1;
    this.head.targetStart = at + 1;
    this.state = At.target;
    return 0;
  }

  private onTarget(bytes: Uint8Array, end: number): number {
    // The rest of the line is a space and the version; the line end does not count.
    const border = this.head.methodStart + this.limits.requestLineBytes - SP_BYTES - VERSION_BYTES;
    const stop = Math.min(end, border);
    let at = this.at;
    while (at < stop && (characters[bytes[at]!]! & TARGET) !== 0) at++;
    this.at = at;
    if (at === end) return 0;
    const byte = bytes[at]!;
    if ((characters[byte]! & TARGET) !== 0) return this.refuse(refusals.targetLong, at);
    if (byte !== SP) {
      return this.refuse(byte === 35 ? refusals.targetFragment : refusals.target, at);
    }
    if (at === this.mark) return this.refuse(refusals.targetEmpty, at);
    this.head.targetEnd = at;
    this.at = at + 1;
    this.mark = at + 1;
    this.state = At.version;
    return 0;
  }

  private onVersion(bytes: Uint8Array, end: number): number {
    const problem = this.readVersion(bytes, end);
    if (problem !== 0 || this.at - this.mark < VERSION_BYTES || this.at === end) return problem;
    if (bytes[this.at] !== CR) return this.refuse(refusals.version, this.at);
    this.at++;
    this.state = At.lineLf;
    return 0;
  }

  /** `HTTP/1.0` or `HTTP/1.1` at `mark`, as far as it has come. */
  private readVersion(bytes: Uint8Array, end: number): number {
    const isRequest = this.state === At.version;
    while (this.at < end && this.at - this.mark < VERSION_BYTES) {
      const byte = bytes[this.at]!;
      const index = this.at - this.mark;
      const isDigit = byte >= 48 && byte <= 57;
      if (index === 5 || index === 7 ? !isDigit : byte !== VERSION.charCodeAt(index)) {
        return this.refuse(isRequest ? refusals.version : refusals.statusLine, this.at);
      }
      this.at++;
    }
    if (this.at - this.mark < VERSION_BYTES) return 0;
    const major = bytes[this.mark + 5]! - 48;
    const minor = bytes[this.mark + 7]! - 48;
    if (major !== 1 || minor > 1) {
      return this.refuse(isRequest ? refusals.versionUnknown : refusals.statusLine, this.mark);
    }
    this.head.minorVersion = minor;
    return 0;
  }

  private onStatusVersion(bytes: Uint8Array, end: number): number {
    const problem = this.readVersion(bytes, end);
    if (problem !== 0 || this.at - this.mark < VERSION_BYTES || this.at === end) return problem;
    if (bytes[this.at] !== SP) return this.refuse(refusals.statusLine, this.at);
    this.at++;
    this.mark = this.at;
    this.state = At.statusCode;
    return 0;
  }

  private onStatusCode(bytes: Uint8Array, end: number): number {
    while (this.at < end && this.at - this.mark < 3) {
      const digit = bytes[this.at]! - 48;
      if (digit < 0 || digit > 9) return this.refuse(refusals.statusLine, this.at);
      this.head.status = this.head.status * 10 + digit;
      this.at++;
    }
    if (this.at === end) return 0;
    const byte = bytes[this.at]!;
    if (byte !== SP && byte !== CR) return this.refuse(refusals.statusLine, this.at);
    if (this.head.status < 100 || this.head.status > 599) {
      return this.refuse(refusals.statusRange, this.mark);
    }
    this.at++;
    this.head.reasonStart = this.at;
    this.head.reasonEnd = this.at;
    this.state = byte === SP ? At.reason : At.lineLf;
    return 0;
  }

  private onReason(bytes: Uint8Array, end: number): number {
    let at = this.at;
    while (at < end && (characters[bytes[at]!]! & VALUE) !== 0) at++;
    this.at = at;
    if (at === end) return 0;
    if (bytes[at] !== CR) return this.refuse(refusals.statusLine, at);
    this.head.reasonEnd = at;
    this.at = at + 1;
    this.state = At.lineLf;
    return 0;
  }

  /**
   * Takes the lines that are whole and written as nearly all are: a name, a colon, a space, a value
   * without space around it. False: there is none; whatever else comes is for the slower states.
   */
  private wholeLines(bytes: Uint8Array, end: number): boolean {
    const { head } = this;
    const first = this.at;
    for (let start = first; ; start = this.at) {
      let at = start;
      let hash = 0;
      for (let byte = 0; at < end; at++) {
        byte = nameBytes[bytes[at]!]!;
        if (byte === 0) break;
        hash = hashStep(hash, byte);
      }
      const valueStart = at + 2;
      if (at === start || valueStart >= end) break;
      if (bytes[at] !== COLON || bytes[at + 1] !== SP || isSpace(bytes[valueStart]!)) break;
      const nameEnd = at;
      at = valueStart;
      // Most bytes of a head are looked at here. A tab is for the slower states.
      for (let byte = SP; at < end; at++) {
        byte = bytes[at]!;
        if (byte < SP || byte === DEL) break;
      }
      if (at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) break;
      if (isSpace(bytes[at - 1]!)) break;
      const id = fieldId(bytes, start, nameEnd, hash);
      if (!head.add(id, start, nameEnd, valueStart, at)) break;
      this.at = at + 2;
    }
    return this.at !== first;
  }

  private onFieldStart(bytes: Uint8Array): number {
    const byte = bytes[this.at]!;
    if (byte === CR) {
      this.at++;
      this.state = At.endLf;
      return 0;
    }
    if (byte === SP || byte === TAB) return this.refuse(refusals.fieldFold, this.at);
    this.nameStart = this.at;
    this.hash = 0;
    this.state = At.name;
    return 0;
  }

  private onName(bytes: Uint8Array, end: number): number {
    let at = this.at;
    let hash = this.hash;
    for (; at < end; at++) {
      const byte = nameBytes[bytes[at]!]!;
      if (byte === 0) break;
      hash = hashStep(hash, byte);
    }
    this.hash = hash;
    this.at = at;
    if (at === end) return 0;
    if (bytes[at] !== COLON || at === this.nameStart) return this.refuse(this.nameFault(at), at);
    this.nameEnd = at;
    this.at = at + 1;
    this.state = At.beforeValue;
    return 0;
  }

  private nameFault(at: number): Refusal {
    const byte = this.bytes[at]!;
    if (byte === LF) return refusals.bareLf;
    if (at === this.nameStart) return refusals.fieldName;
    if (byte === SP || byte === TAB) return refusals.fieldNameSpace;
    return byte === CR ? refusals.fieldNoColon : refusals.fieldName;
  }

  private onBeforeValue(bytes: Uint8Array, end: number): number {
    let at = this.at;
    while (at < end && (bytes[at] === SP || bytes[at] === TAB)) at++;
    this.at = at;
    if (at === end) return 0;
    this.valueStart = at;
    this.state = At.value;
    return 0;
  }

  private onValue(bytes: Uint8Array, end: number): number {
    let at = this.at;
    while (at < end && (characters[bytes[at]!]! & VALUE) !== 0) at++;
    this.at = at;
    if (at === end) return 0;
    const byte = bytes[at]!;
    if (byte !== CR) {
      return this.refuse(byte === LF ? refusals.bareLf : refusals.fieldValue, at);
    }
    let valueEnd = at;
    while (valueEnd > this.valueStart) {
      const last = bytes[valueEnd - 1];
      if (last !== SP && last !== TAB) break;
      valueEnd--;
    }
    this.valueEnd = valueEnd;
    this.at = at + 1;
    this.state = At.valueLf;
    return 0;
  }

  private addField(): boolean {
    const { nameStart, nameEnd } = this;
    const id: Field = fieldId(this.bytes, nameStart, nameEnd, this.hash);
    return this.head.add(id, nameStart, nameEnd, this.valueStart, this.valueEnd);
  }
}

const VERSION = 'HTTP/1.1';
const VERSION_BYTES = VERSION.length;
const SP_BYTES = 1;
