/** What a load generator says at its end; both kinds print the same JSON object. */

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

const fields = ['requests', 'errors', 'seconds', 'bytes', 'p50', 'p99', 'p999', 'max'] as const;

/** Reads the last line. Throws, with the whole text, when that is no report. */
export function readReport(text: string): LoadReport {
  const last = text.trimEnd().split('\n').at(-1)!;
  try {
    const report = JSON.parse(last);
    if (fields.every((field) => typeof report[field] === 'number')) return report;
  } catch {
    // Told below.
  }
  throw new Error(`the load generator said something else:\n${text}`);
}
