/** What a load generator says at its end, a JSON object; both kinds print the first part. */

export interface LoadReport {
  /** Answered as they should be. */
  readonly requests: number;
  /** Broken connections, timeouts, wrong answers, and what was not answered at all. */
  readonly errors: number;
  readonly seconds: number;
  /** Read from the balancer, heads included. */
  readonly bytes: number;
  /** Latency that half, 99 of 100, and 999 of 1000 stayed below, and the worst; microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What our own generator says besides. */
export interface OwnReport extends LoadReport {
  /** Latency of good answers alone; microseconds. */
  readonly servedP50: number;
  readonly servedP99: number;
  /** Answers of 502 or 503, which are among the errors, and their latency. */
  readonly refused: number;
  readonly refusedP50: number;
  readonly refusedP99: number;
}

const common = ['requests', 'errors', 'seconds', 'bytes', 'p50', 'p99', 'p999', 'max'] as const;
const own = ['servedP50', 'servedP99', 'refused', 'refusedP50', 'refusedP99'] as const;

/** Reads the last line. Throws, with the whole text, when that is no report. */
export const readReport = (text: string): LoadReport => read<LoadReport>(text, common);

/** The same of what our own generator says. */
export const readOwnReport = (text: string): OwnReport =>
  read<OwnReport>(text, [...common, ...own]);

function read<T>(text: string, fields: readonly (keyof T & string)[]): T {
  const last = text.trimEnd().split('\n').at(-1)!;
  try {
    const report = JSON.parse(last);
    if (fields.every((field) => typeof report[field] === 'number')) return report;
  } catch {
    // Told below.
  }
  throw new Error(`the load generator said something else:\n${text}`);
}
