/**
 * Log lines as bytes, in memory that is used again and again: a line per exchange as a string would
 * cost more to build, to encode and to clean up than all of its content.
 */
import { utf8, writeDecimal, writeLatin1 } from '../base/bytes.ts';
import { jsonString } from './escape.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const ZERO = 0x30;
/** Above this, digits are left to the runtime. */
const MOST_BY_HAND = 0x7fffffff;
const MOST_DIGITS = 10;

export class LineBytes {
  /** So many bytes stand here. */
  length = 0;
  private bytes: Uint8Array<ArrayBuffer>;

  /** Room for so many bytes; more are taken as well. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** A copy of what stands here, in memory of its own. Begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }

  /** Text of ours that is ASCII. */
  ascii(text: string): void {
    this.length = writeLatin1(text, this.withRoom(text.length), this.length);
  }

  /** Any text that is harmless in a line. */
  utf8(text: string): void {
    const bytes = this.withRoom(text.length);
    let at = this.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.all(utf8(text));
        return;
      }
      bytes[at++] = code;
    }
    this.length = at;
  }

  /** Any text as a JSON string (see `jsonString`), or null. */
  json(text: string | null): void {
    if (text === null) {
      this.ascii('null');
      return;
    }
    const bytes = this.withRoom(text.length + 2);
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.ascii(jsonString(text));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  number(value: number): void {
    if (value >= 0 && value <= MOST_BY_HAND && (value | 0) === value) this.digits(value);
    else this.ascii(`${value}`);
  }

  /** Milliseconds, at most three decimals; null for what never happened (negative, no number). */
  milliseconds(ms: number): void {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      this.ascii('null');
      return;
    }
    const thousandths = Math.round(ms * 1000);
    if (thousandths > MOST_BY_HAND) {
      this.ascii(`${thousandths / 1000}`);
      return;
    }
    const whole = (thousandths / 1000) | 0;
    this.digits(whole);
    let rest = thousandths - whole * 1000;
    if (rest === 0) return;
    const bytes = this.withRoom(4);
    bytes[this.length++] = DOT;
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = (rest / unit) | 0;
      bytes[this.length++] = ZERO + digit;
      rest -= digit * unit;
    }
  }

  /** A whole number from 0 to MOST_BY_HAND. */
  private digits(value: number): void {
    this.length = writeDecimal(value, this.withRoom(MOST_DIGITS), this.length);
  }

  private all(source: Uint8Array): void {
    this.withRoom(source.length).set(source, this.length);
    this.length += source.length;
  }

  private withRoom(count: number): Uint8Array {
    const needed = this.length + count;
    if (needed > this.bytes.length) {
      const bigger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      bigger.set(this.bytes.subarray(0, this.length));
      this.bytes = bigger;
    }
    return this.bytes;
  }
}
