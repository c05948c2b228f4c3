/**
 * Latencies in bins of about 1.6 % each, from a microsecond to half an hour: exact enough for any
 * percentile, however many there are, in a fixed memory.
 */

/** Bins for each doubling, as a power of 2. */
const BITS = 6;
const PER_DOUBLING = 1 << BITS;
const MOST_US = 0x7fffffff;
/** So many bins a histogram has. */
export const BINS = (31 - BITS) * PER_DOUBLING + PER_DOUBLING;

/** Up to 64 us there is a bin for each microsecond. */
export function binOf(ms: number): number {
  const us = Math.min(MOST_US, Math.round(ms * 1000));
  if (us < PER_DOUBLING) return us;
  const shift = 31 - Math.clz32(us) - BITS;
  return (shift + 1) * PER_DOUBLING + (us >>> shift) - PER_DOUBLING;
}

/** The middle of a bin. */
export function msOf(bin: number): number {
  if (bin < PER_DOUBLING) return bin / 1000;
  const shift = Math.floor(bin / PER_DOUBLING) - 1;
  const low = ((bin % PER_DOUBLING) + PER_DOUBLING) * (1 << shift);
  return (low + ((1 << shift) - 1) / 2) / 1000;
}

/**
 * The least latency, in milliseconds, that this share (0 to 1) of all does not exceed; 0 where
 * there are none. `bins`: how many there are in each.
 */
export function quantileOf(bins: Uint32Array, share: number): number {
  const total = bins.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  const rank = Math.max(1, Math.ceil(share * total - 1e-9));
  let seen = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    seen += bins[bin];
    if (seen >= rank) return msOf(bin);
  }
  return msOf(bins.length - 1);
}
