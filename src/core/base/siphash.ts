/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short hash that nobody can make who has not got the
 * key. Its words of 64 bits are two of 32 here, low half first.
 */
import { utf8 } from './bytes.ts';

/** 128 bits, as four words. */
export type SipKey = readonly [number, number, number, number];

/** 64 bits. Each half is a signed word. */
export interface SipHash {
  readonly high: number;
  readonly low: number;
}

/** v0 to v3, each as low and high half; used within one call. */
const state = new Int32Array(8);
const V0 = 0;
const V1 = 2;
const V2 = 4;
const V3 = 6;

/** Of a whole array. */
export function sipHash(key: SipKey, bytes: Uint8Array): SipHash {
  const [k0, k1, k2, k3] = key;
  state.set([0x70736575 ^ k0, 0x736f6d65 ^ k1, 0x6e646f6d ^ k2, 0x646f7261 ^ k3]);
  state.set([0x6e657261 ^ k0, 0x6c796765 ^ k1, 0x79746573 ^ k2, 0x74656462 ^ k3], V2);
  const whole = bytes.length & ~7;
  for (let at = 0; at < whole; at += 8) absorb(word(bytes, at), word(bytes, at + 4));
  // What is left over, and the length in the last byte.
  absorb(word(bytes, whole), word(bytes, whole + 4) | (bytes.length << 24));
  state[V2] ^= 0xff;
  for (let i = 0; i < 4; i++) round();
  return {
    low: state[V0] ^ state[V1] ^ state[V2] ^ state[V3],
    high: state[V0 + 1] ^ state[V1 + 1] ^ state[V2 + 1] ^ state[V3 + 1],
  };
}

const HALVES: readonly SipKey[] = [
  [0, 0, 0, 0],
  [1, 0, 0, 0],
];

/** A key made of a text. It is as hard to guess as the text is. */
export function sipKeyOf(secret: string): SipKey {
  const [a, b] = HALVES.map((half) => sipHash(half, utf8(secret)));
  return [a.low, a.high, b.low, b.high];
}

/** Four bytes, the first one lowest; those behind the end are zero. */
function word(bytes: Uint8Array, at: number): number {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24);
}

function absorb(low: number, high: number): void {
  state[V3] ^= low;
  state[V3 + 1] ^= high;
  round();
  round();
  state[V0] ^= low;
  state[V0 + 1] ^= high;
}

function round(): void {
  step(V0, V1, 13);
  swap(V0);
  step(V2, V3, 16);
  step(V0, V3, 21);
  step(V2, V1, 17);
  swap(V2);
}

/** a += b; b = (b rotated left) ^ a. `bits` < 32. */
function step(a: number, b: number, bits: number): void {
  const sum = (state[a] >>> 0) + (state[b] >>> 0);
  state[a + 1] += state[b + 1] + (sum > 0xffffffff ? 1 : 0);
  state[a] = sum;
  const low = state[b];
  const high = state[b + 1];
  state[b] = ((low << bits) | (high >>> (32 - bits))) ^ state[a];
  state[b + 1] = ((high << bits) | (low >>> (32 - bits))) ^ state[a + 1];
}

/** Rotates by 32. */
function swap(a: number): void {
  const low = state[a];
  state[a] = state[a + 1];
  state[a + 1] = low;
}
