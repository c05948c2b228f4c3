/** wrk's report, read. */

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Latency that half, and 99 of 100, stayed below; microseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Broken connections, timeouts, and answers other than 2xx and 3xx. */
  readonly errors: number;
}

const MICROSECONDS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 6e7 };

/** Throws when the text is not what wrk 4 prints with `--latency`. */
export function readWrk(text: string): Load {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(text)?.[1];
    if (found === undefined) throw new Error(`wrk said something else:\n${text}`);
    return Number(found);
  };
  const percentile = (percent: number): number => {
    const found = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m) *$`, 'm').exec(text);
    if (found === null) throw new Error(`wrk gave no ${percent}% latency:\n${text}`);
    return Number(found[1]) * MICROSECONDS[found[2]!]!;
  };
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  const failed = [...(broken ?? []).slice(1), ...(refused ?? []).slice(1)].map(Number);
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: percentile(50),
    p99: percentile(99),
    errors: failed.reduce((sum, each) => sum + each, 0),
  };
}
