/**
 * Ids of requests: chance that tells a worker's life from every other, and a count. An exchange
 * carries the count; the text is made when a log or a page shows it.
 */
import { copyWhole, latin1 } from '../base/bytes.ts';
import type { Rng } from '../base/rng.ts';

const COUNT_DIGITS = 8;
const HEX = latin1('0123456789abcdef');

const word = (value: number): string => value.toString(16).padStart(COUNT_DIGITS, '0');

/** One per engine. */
export class RequestIds {
  private readonly prefix: string;
  private readonly line: Uint8Array;
  private last = 0;

  constructor(rng: Rng) {
    this.prefix = word(rng.next()) + word(rng.next());
    this.line = latin1(`X-Request-Id: ${this.prefix}`);
  }

  /** The count of the next request; after 2^32 it begins anew. */
  next(): number {
    this.last = (this.last + 1) | 0;
    return this.last;
  }

  /** 24 hexadecimal digits. */
  text(count: number): string {
    return this.prefix + word(count >>> 0);
  }

  /** Writes the field that carries it, without a line end; returns the offset after it. */
  writeField(count: number, out: Uint8Array, at: number): number {
    const start = copyWhole(this.line, out, at);
    const end = start + COUNT_DIGITS;
    let rest = count;
    for (let to = end - 1; to >= start; to--) {
      out[to] = HEX[rest & 15]!;
      rest >>>= 4;
    }
    return end;
  }
}
