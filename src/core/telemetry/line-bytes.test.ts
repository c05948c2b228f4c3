import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonString } from './escape.ts';
import { LineBytes } from './line-bytes.ts';

/** What `write` writes after something else, where there is room and where there is none. */
function written(write: (out: LineBytes) => void): string {
  const texts = [4, 1000].map((capacity) => {
    const out = new LineBytes(capacity);
    out.ascii('abc');
    write(out);
    out.ascii('.');
    return Buffer.from(out.take()).toString();
  });
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]).toMatch(/^abc[\s\S]*\.$/);
  return texts[0]!.slice(3, -1);
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
);
const anyNumber = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.double({ min: 0, max: 100_000 }),
  fc.nat(1_000_000).map((thousandths) => thousandths / 1000),
  fc.constantFrom(0, -0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2147483.647, 2147483.648),
);

describe('lines as bytes', () => {
  it('hold a number as JavaScript writes it', () => {
    const property = fc.property(anyNumber, (value) => {
      expect(written((out) => out.number(value))).toBe(`${value}`);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('hold milliseconds with at most three decimals, and null for what never happened', () => {
    const property = fc.property(anyNumber, (ms) => {
      const happened = ms >= 0 && ms < Number.POSITIVE_INFINITY;
      const expected = happened ? `${Math.round(ms * 1000) / 1000}` : 'null';
      expect(written((out) => out.milliseconds(ms))).toBe(expected);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('hold any text as a JSON string', () => {
    const property = fc.property(anyText, (text) => {
      expect(written((out) => out.json(text))).toBe(jsonString(text));
    });
    fc.assert(property, { numRuns: 3000 });
    expect(written((out) => out.json(null))).toBe('null');
  });

  it('hold any text as UTF-8', () => {
    const property = fc.property(anyText, (text) => {
      expect(written((out) => out.utf8(text))).toBe(Buffer.from(text).toString());
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('are taken in memory of their own, and begin anew', () => {
    const out = new LineBytes(10);
    out.ascii('one');
    const first = out.take();
    expect([out.length, first.buffer.byteLength]).toEqual([0, 3]);
    out.ascii('two');
    expect(Buffer.from(first).toString()).toBe('one');
    expect(Buffer.from(out.take()).toString()).toBe('two');
    expect(out.take()).toHaveLength(0);
  });
});
