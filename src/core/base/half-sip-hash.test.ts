import { describe, expect, it } from 'vitest';
import { HalfSipHash } from './half-sip-hash.ts';

/** As bytes: the first half, then the second, the least byte first. */
function hashed(hash: HalfSipHash, bytes: readonly number[]): string {
  hash.begin();
  for (const byte of bytes) hash.add(byte);
  const out = new DataView(new ArrayBuffer(8));
  out.setUint32(0, hash.end(), true);
  out.setUint32(4, hash.other, true);
  return Array.from({ length: 8 }, (_, i) => out.getUint8(i).toString(16).padStart(2, '0')).join(
    '',
  );
}

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

describe('the keyed hash', () => {
  /** Those of its authors: the key is 0, 1, ... 7, the inputs are of 0, 1, ... bytes. */
  it.each([
    [0, '218d1f59b9b83cc8'],
    [1, 'be552412f8387315'],
    [2, '064f39ef7c50eb57'],
    [3, 'ce0f1a45f7060679'],
    [4, 'd5e78a175be52ea1'],
    [5, 'cb9d7c3f2f3db580'],
    [8, 'edfee820bce4858c'],
    [9, '5b51cccc13888307'],
    [15, '217d0bcb4e81c902'],
  ])('of %i bytes is %s', (length, expected) => {
    expect(hashed(new HalfSipHash(0x03020100, 0x07060504), count(length))).toBe(expected);
  });

  it('can be used again, and is another one with another key', () => {
    const hash = new HalfSipHash(0xffffffff, 1);
    const first = hashed(hash, count(7));
    expect(hashed(hash, count(9))).not.toBe(first);
    expect(hashed(hash, count(7))).toBe(first);
    expect(hashed(new HalfSipHash(0xffffffff, 2), count(7))).not.toBe(first);
  });
});
