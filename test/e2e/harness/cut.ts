/** The three ways bytes are fed: whole, one byte per write, cut at seeded random places. */
import { createRng } from '../../../src/core/base/rng.ts';

/** A number is the seed of random cuts. */
export type Cut = 'whole' | 'bytes' | number;

/** From here on, single bytes show nothing new: what is long is long because of repetition. */
const singleBytes = 2048;

/**
 * Cuts bytes into pieces. Single bytes are used for the first and last 2 KiB; what lies between
 * (a long field, a flood) goes in a few large pieces, so that a case takes milliseconds.
 */
export function cutBytes(bytes: Buffer, cut: Cut): Buffer[] {
  if (cut === 'whole' || bytes.length < 2) return bytes.length === 0 ? [] : [bytes];
  const pieces: Buffer[] = [];
  const take = (from: number, to: number): void => {
    if (to > from) pieces.push(bytes.subarray(from, to));
  };
  if (cut === 'bytes') {
    const head = Math.min(bytes.length, singleBytes);
    const tail = Math.max(head, bytes.length - singleBytes);
    for (let at = 0; at < head; at++) take(at, at + 1);
    for (let at = head; at < tail; at += 16_384) take(at, Math.min(at + 16_384, tail));
    for (let at = tail; at < bytes.length; at++) take(at, at + 1);
    return pieces;
  }
  const rng = createRng(cut);
  const cuts = new Set<number>();
  for (let n = 1 + rng.below(8); n > 0; n--) cuts.add(1 + rng.below(bytes.length - 1));
  let from = 0;
  for (const at of [...cuts].sort((a, b) => a - b)) {
    take(from, at);
    from = at;
  }
  take(from, bytes.length);
  return pieces;
}
