/** What a scenario is made of. */
import type { Ability } from '../contestants/contestant.ts';
import type { FigureName, Figures } from '../figures.ts';
import type { LoadReport } from '../load/report.ts';
import type { Stage } from '../stage.ts';

export interface Settings {
  readonly rounds: number;
  /** Length of a run. */
  readonly seconds: number;
  /** Load before a contestant's first run of a scenario, so that its code is compiled. */
  readonly warmUpSeconds: number;
  /** Of the load generator, where the scenario does not say. */
  readonly connections: number;
  readonly idleConnections: number;
  /** How long memory is given to settle before it is read. */
  readonly settleMs: number;
  /** Of the rates that open loops should offer. */
  readonly rateFactor: number;
  /** All contestants at once, for a test that only wants to see them work. */
  readonly simultaneous: boolean;
}

/** Who is loaded. */
export interface Target {
  readonly port: number;
  readonly pid: number;
}

/** What a scenario works with. */
export interface Bench {
  readonly stage: Stage;
  readonly loadCpu: number;
  readonly settings: Settings;
  /** Descriptors that each process may have. */
  readonly descriptors: number;
  /** nginx's requests per second under the small GET, taken once in each benchmark. */
  nginxPeak(): Promise<number>;
}

/** What one run gave, apart from what the contestant itself has used. */
export interface Sample {
  /** Over which its processor time is divided; 0: that would mean nothing. */
  readonly requests: number;
  readonly errors: number;
  readonly figures: Partial<Figures>;
}

export interface Scenario {
  /** For `--scenarios` and in the JSON. */
  readonly id: string;
  readonly name: string;
  /** What of contestants: those that lack it go without the scenario. */
  readonly needs: readonly Ability[];
  readonly backends: 'files' | 'talker';
  /** Bodies of 64 KiB and more, for which peers may be tuned. */
  readonly isBulk: boolean;
  /** Each run meets a process that has just started. */
  readonly isFresh: boolean;
  /** One of each kind is in `--quick`: of load, of backends, of abilities. */
  readonly isQuick: boolean;
  /** Figures of which ratios to nginx and HAProxy are given; the picture shows the first. */
  readonly compares: readonly FigureName[];
  /** What the machine lacks for it, with what to install; null: nothing. */
  lacking(): string | null;
  /** Load that is not measured. */
  warmUp(target: Target, bench: Bench): Promise<void>;
  run(target: Target, bench: Bench): Promise<Sample>;
}

/** What a load generator's report says; `sentBytes`: bodies sent with each request. */
export function sampleOf(report: LoadReport, sentBytes = 0): Sample {
  const { requests, errors, seconds, bytes, p50, p99, p999, max } = report;
  return {
    requests,
    errors,
    figures: {
      requestsPerSecond: requests / seconds,
      bytesPerSecond: (bytes + requests * sentBytes) / seconds,
      p50Microseconds: p50,
      p99Microseconds: p99,
      p999Microseconds: p999,
      maxMicroseconds: max,
    },
  };
}
