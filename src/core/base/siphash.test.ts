import { describe, expect, it } from 'vitest';
import { createRng } from './rng.ts';
import { type SipKey, sipHash, sipKeyOf } from './siphash.ts';

const KEY: SipKey = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];

const bytesUpTo = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

const hex = ({ high, low }: { high: number; low: number }): string =>
  [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');

const M = 0xffffffffffffffffn;

/** The paper's, word for word, in numbers of any size. */
function reference(key: SipKey, bytes: Uint8Array): bigint {
  const [k0, k1] = [0, 2].map((i) => (BigInt(key[i + 1] >>> 0) << 32n) | BigInt(key[i] >>> 0));
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const rotate = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & M;
  const round = (): void => {
    v[0] = (v[0] + v[1]) & M;
    v[2] = (v[2] + v[3]) & M;
    v[1] = rotate(v[1], 13n) ^ v[0];
    v[3] = rotate(v[3], 16n) ^ v[2];
    v[0] = rotate(v[0], 32n);
    v[2] = (v[2] + v[1]) & M;
    v[0] = (v[0] + v[3]) & M;
    v[1] = rotate(v[1], 17n) ^ v[2];
    v[3] = rotate(v[3], 21n) ^ v[0];
    v[2] = rotate(v[2], 32n);
  };
  const padded = [...bytes, ...new Array(7 - (bytes.length % 8)).fill(0), bytes.length & 255];
  for (let at = 0; at < padded.length; at += 8) {
    const m = padded.slice(at, at + 8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    v[3] ^= m;
    round();
    round();
    v[0] ^= m;
  }
  v[2] ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

describe('SipHash-2-4', () => {
  // Appendix A of the paper, and the first of the vectors that come with its reference code.
  it.each([
    [0, '726fdb47dd0e0e31'],
    [1, '74f839c593dc67fd'],
    [2, '0d6c8009d9a94f5a'],
    [8, '93f5f5799a932462'],
    [15, 'a129ca6149be45e5'],
  ])('of the %i bytes 0, 1, 2, ... is what its authors say', (length, expected) => {
    expect(hex(sipHash(KEY, bytesUpTo(length)))).toBe(expected);
  });

  it('is that of a slow one in numbers of any size, for any key and length', () => {
    const rng = createRng(7);
    const draw = (): number => rng.below(0x100000000) | 0;
    for (let length = 0; length < 100; length++) {
      const key: SipKey = [draw(), draw(), draw(), draw()];
      const bytes = Uint8Array.from({ length }, () => rng.below(256));
      expect(BigInt(`0x${hex(sipHash(key, bytes))}`)).toBe(reference(key, bytes));
    }
  });
});

describe('a key made of a text', () => {
  it('is the same for the same text, and another for another', () => {
    expect(sipKeyOf('open sesame')).toEqual(sipKeyOf('open sesame'));
    expect(sipKeyOf('open sesame')).not.toEqual(sipKeyOf('open sesamf'));
  });

  it('has four words that differ', () => {
    expect(new Set(sipKeyOf('')).size).toBe(4);
  });
});
