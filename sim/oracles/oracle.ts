/**
 * An oracle: a figure that is known, from theory or from a publication, and what the product's own
 * code comes to. Measured ones must agree within three standard errors, or within what the
 * published figure leaves open; exact ones to the letter; those of a world that was not published
 * within a factor.
 */
import type { Estimate } from '../queueing.ts';
import { table } from '../table.ts';

interface Measured {
  readonly kind: 'measured';
  readonly about: string;
  readonly published: number;
  /**
   * As a part of `published`: what it leaves open, being a simulation itself or that of a larger
   * system.
   */
  readonly open: number;
  readonly measure: () => Estimate;
}

interface Exact {
  readonly kind: 'exact';
  readonly about: string;
  readonly published: string;
  readonly measure: () => string;
}

interface Similar {
  readonly kind: 'similar';
  readonly about: string;
  readonly published: number;
  /** So many times as much, or as little, ours may be. */
  readonly factor: number;
  readonly measure: () => number;
}

export type Oracle = Measured | Exact | Similar;

export interface Finding {
  readonly about: string;
  readonly ours: string;
  readonly published: string;
  readonly deviation: string;
  readonly agrees: boolean;
}

/** Student's t for 20 batches: 95 % of all runs are within so many standard errors. */
const T_95 = 2.09;

/** What comes out today. */
export function consult(oracle: Oracle): Finding {
  const { about } = oracle;
  if (oracle.kind === 'exact') {
    const ours = oracle.measure();
    const agrees = ours === oracle.published;
    return {
      about,
      ours,
      published: oracle.published,
      deviation: agrees ? '0' : 'DIFFERS',
      agrees,
    };
  }
  if (oracle.kind === 'similar') {
    const { published, factor } = oracle;
    const ours = oracle.measure();
    const times = ours / published;
    return {
      about,
      ours: ours < 10 ? ours.toFixed(2) : ours.toFixed(0),
      published: String(published),
      deviation: `x ${times.toFixed(2)}, of ${factor}`,
      agrees: times <= factor && times >= 1 / factor,
    };
  }
  const { published, open } = oracle;
  const { value, standardError } = oracle.measure();
  const off = value - published;
  const agrees = Math.abs(off) <= Math.max(3 * standardError, open * published);
  return {
    about,
    ours: `${value.toFixed(4)} ± ${(T_95 * standardError).toFixed(4)}`,
    published: String(published),
    deviation: `${off < 0 ? '' : '+'}${((100 * off) / published).toFixed(2)} %`,
    agrees,
  };
}

/** Ours with a confidence of 95 %, published, and how far one is from the other. */
export function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ about, ours, published, deviation, agrees }) => [
    about,
    ours,
    published,
    agrees ? deviation : `${deviation} !`,
  ]);
  return table(['what', 'ours', 'published', 'deviation'], rows);
}
