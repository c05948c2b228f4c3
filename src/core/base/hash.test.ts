import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1 } from './bytes.ts';
import { hashBytes, hashText, mix, mixWith } from './hash.ts';

describe('a hash', () => {
  it('of bytes is that of the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.integer(), (text, seed) => {
        expect(hashBytes(latin1(`>${text}<`), 1, 1 + text.length, seed)).toBe(hashText(text, seed));
      }),
    );
  });

  it('stays what it is: balancers of different versions agree', () => {
    expect(['', 'a', 'session-17'].map((text) => hashText(text))).toEqual([
      2872998923, 444641715, 1079280914,
    ]);
  });

  it('spreads keys that are alike evenly', () => {
    const counts = new Array(64).fill(0);
    for (let n = 0; n < 64_000; n++) counts[hashText(`192.0.2.${n}`) % 64] += 1;
    const chiSquare = counts.reduce(
      (sum, count) => sum + ((count - 1000) * (count - 1000)) / 1000,
      0,
    );
    // 99.9 % of fair draws with 63 degrees of freedom are below.
    expect(chiSquare).toBeLessThan(103.4);
  });

  it('with another beside it tells names apart of which one hash is the same', () => {
    const results = [
      [1, 7, 8],
      [2, 7, 8],
      [1, 7, 9],
      [1, 6, 8],
    ].map(([number, hash, other]) => mixWith(number, hash, other));
    expect(new Set(results).size).toBe(4);
    for (const result of results) expect(Number.isInteger(result) && result >= 0).toBe(true);
  });

  it('moves half of its bits for each bit that differs', () => {
    let moved = 0;
    for (let n = 0; n < 500; n++) {
      for (let bit = 0; bit < 32; bit++) {
        let differing = mix(n * 7919) ^ mix((n * 7919) ^ (1 << bit));
        for (; differing !== 0; differing &= differing - 1) moved += 1;
      }
    }
    expect(Math.abs(moved / (500 * 32) - 16)).toBeLessThan(0.2);
  });
});
