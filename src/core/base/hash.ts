/**
 * Hashes of 32 bits that are the same everywhere, for choosing by a key: FNV-1a, with the last
 * step of MurmurHash3 behind it, which spreads what differs in few bits over all of them. Not
 * for secrets, and no protection against keys that somebody chose so that they meet.
 */

import { lower } from './bytes.ts';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Every bit of `hash` moves half of the bits of the result. 0 .. 2^32 - 1. */
export function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A number and two independent hashes of one name as one. Names of which one hash is the same
 * still have results that have nothing to do with one another.
 */
export function mixWith(number: number, hash: number, otherHash: number): number {
  return mix(mix(number ^ hash) ^ otherHash);
}

/** Of bytes[start, end). Different seeds: hashes that have nothing to do with one another. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let h = FNV_OFFSET ^ seed;
  for (let at = start; at < end; at++) h = Math.imul(h ^ bytes[at]!, FNV_PRIME);
  return mix(h);
}

/** The same of bytes[start, end) with A to Z as small letters. */
export function hashLower(bytes: Uint8Array, start: number, end: number): number {
  let h = FNV_OFFSET;
  for (let at = start; at < end; at++) h = Math.imul(h ^ lower(bytes[at]!), FNV_PRIME);
  return mix(h);
}

/** Of a text's UTF-16 units, each as one byte where it fits. */
export function hashText(text: string, seed = 0): number {
  let h = FNV_OFFSET ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return mix(h);
}
