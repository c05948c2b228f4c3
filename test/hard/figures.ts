/** What a part of the suite has measured, and whether that is good enough. */

export interface Figure {
  readonly what: string;
  readonly value: number;
  /** In words: `at most 16`, or empty when the figure is only told. */
  readonly bound: string;
  readonly good: boolean;
}

/** What is measured at which size: `short` in every test run, `full` by `npm run hard`. */
export type Scale = 'short' | 'full';

/** How long a short part may take where everything else runs at the same time, milliseconds. */
export const shortPatienceMs = 300_000;

const round = (value: number): number => Math.round(value * 1000) / 1000;

export const atMost = (what: string, value: number, most: number): Figure => ({
  what,
  value: round(value),
  bound: `at most ${round(most)}`,
  good: value <= most,
});

export const atLeast = (what: string, value: number, least: number): Figure => ({
  what,
  value: round(value),
  bound: `at least ${round(least)}`,
  good: value >= least,
});

/** A figure without a bound. */
export const told = (what: string, value: number): Figure => ({
  what,
  value: round(value),
  bound: '',
  good: true,
});

/** The figures that miss their bounds, as lines. */
export const misses = (figures: readonly Figure[]): string[] =>
  figures
    .filter(({ good }) => !good)
    .map(({ what, value, bound }) => `${what}: ${value}, ${bound}`);

/** Figures as a table, one line each. */
export function table(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ what }) => what.length));
  return figures
    .map(({ what, value, bound, good }) => {
      const line = `  ${what.padEnd(width)}  ${String(value).padStart(12)}  ${bound}`;
      return good ? line.trimEnd() : `${line}   MISSED`;
    })
    .join('\n');
}

/** The value below which this part of them lies; 0 of none. Sorts them. */
export function quantile(values: number[], part: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(part * values.length))] ?? 0;
}

export const mebibytes = (bytes: number): number => bytes / (1024 * 1024);

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
