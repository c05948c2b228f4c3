/**
 * What a run counts: for each part between two events (a phase), and for each of the steps of the
 * pictures (a bucket). A request counts where it arrived, whenever it ends. Counting allocates
 * nothing.
 */
import type { LogLevel, PolicyName } from '../core/config.ts';
import type { SimExchange } from './exchange.ts';
import { BINS, binOf, quantileOf } from './histogram.ts';

/** What each run of a scenario has in common. */
export interface Frame {
  /** When each phase begins; the first with the traffic, at 0. */
  readonly phaseStartsMs: readonly number[];
  readonly durationMs: number;
  readonly buckets: number;
  readonly bucketMs: number;
  /** Names of the backends, also of those that come later. */
  readonly backends: readonly string[];
}

/** One phase, or all of them. */
export interface PhaseResult {
  readonly fromMs: number;
  readonly toMs: number;
  readonly requests: number;
  /** Of the requests, those that got an answer that is no error. */
  readonly answered: number;
  /** Latencies of those, in milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** How many ended otherwise, by how: an end code, or `status_500`. By name. */
  readonly errors: readonly (readonly [how: string, count: number])[];
  readonly retries: number;
  /** Attempts on each backend, in the order of the frame. */
  readonly sent: readonly number[];
}

/** What the log said while it ran. */
export interface Said {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly message: string;
}

/** Of one policy. Series have a value for each bucket. */
export interface RunResult {
  readonly policy: PolicyName;
  readonly phases: readonly PhaseResult[];
  readonly total: PhaseResult;
  readonly p50: readonly number[];
  readonly p99: readonly number[];
  /** Of the requests; 0 to 1. */
  readonly errorShare: readonly number[];
  /** In the balancer or at a backend, on average. */
  readonly inFlight: readonly number[];
  /** For each backend. */
  readonly sentPerBackend: readonly (readonly number[])[];
  readonly inFlightPerBackend: readonly (readonly number[])[];
  readonly said: readonly Said[];
}

export class Measure {
  private readonly frame: Frame;
  private readonly phases: Uint32Array[];
  private readonly buckets: Uint32Array[];
  private readonly requests: Uint32Array;
  private readonly bucketRequests: Uint32Array;
  private readonly bucketErrors: Uint32Array;
  private readonly retries: Uint32Array;
  private readonly errors: Map<string, number>[];
  private readonly sentInPhase: Uint32Array;
  private readonly sentInBucket: Uint32Array;
  private readonly samples: Uint32Array;
  private readonly inFlight: Float64Array;
  private readonly inFlightAt: Float64Array;

  constructor(frame: Frame) {
    this.frame = frame;
    const { buckets, phaseStartsMs, backends } = frame;
    const phases = phaseStartsMs.length;
    this.phases = phaseStartsMs.map(() => new Uint32Array(BINS));
    this.buckets = Array.from({ length: buckets }, () => new Uint32Array(BINS));
    this.requests = new Uint32Array(phases);
    this.retries = new Uint32Array(phases);
    this.errors = phaseStartsMs.map(() => new Map());
    this.bucketRequests = new Uint32Array(buckets);
    this.bucketErrors = new Uint32Array(buckets);
    this.sentInPhase = new Uint32Array(phases * backends.length);
    this.sentInBucket = new Uint32Array(buckets * backends.length);
    this.samples = new Uint32Array(buckets);
    this.inFlight = new Float64Array(buckets);
    this.inFlightAt = new Float64Array(buckets * backends.length);
  }

  bucketOf(atMs: number): number {
    const { bucketMs, buckets } = this.frame;
    return Math.min(buckets - 1, Math.floor(atMs / bucketMs));
  }

  arrived({ phase, bucket }: SimExchange): void {
    this.requests[phase]++;
    this.bucketRequests[bucket]++;
  }

  /** An attempt goes to this backend. */
  sent({ phase, bucket, attemptCount }: SimExchange, backend: number): void {
    const { length } = this.frame.backends;
    this.sentInPhase[phase * length + backend]++;
    this.sentInBucket[bucket * length + backend]++;
    if (attemptCount > 1) this.retries[phase]++;
  }

  /** `error`: null: it was answered. */
  ended({ phase, bucket }: SimExchange, tookMs: number, error: string | null): void {
    if (error === null) {
      const bin = binOf(tookMs);
      this.phases[phase][bin]++;
      this.buckets[bucket][bin]++;
      return;
    }
    const counts = this.errors[phase];
    counts.set(error, (counts.get(error) ?? 0) + 1);
    this.bucketErrors[bucket]++;
  }

  /** So many are in flight now, and at each backend. */
  sample(atMs: number, inFlight: number, at: Int32Array): void {
    const bucket = this.bucketOf(atMs);
    this.samples[bucket]++;
    this.inFlight[bucket] += inFlight;
    const from = bucket * at.length;
    for (let backend = 0; backend < at.length; backend++) {
      this.inFlightAt[from + backend] += at[backend];
    }
  }

  result(policy: PolicyName, said: readonly Said[]): RunResult {
    const { phaseStartsMs, durationMs, backends, buckets } = this.frame;
    const ends = [...phaseStartsMs.slice(1), durationMs];
    const bucketNumbers = Array.from({ length: buckets }, (_, bucket) => bucket);
    const perBackend = (of: (at: number, bucket: number) => number): number[][] =>
      backends.map((_, backend) =>
        bucketNumbers.map((bucket) => of(bucket * backends.length + backend, bucket)),
      );
    const mean = (sum: number, bucket: number): number => sum / Math.max(1, this.samples[bucket]);
    const all = phaseStartsMs.map((_, phase) => phase);
    return {
      policy,
      phases: all.map((phase) => this.summary([phase], phaseStartsMs[phase], ends[phase])),
      total: this.summary(all, 0, durationMs),
      p50: this.buckets.map((bins) => quantileOf(bins, 0.5)),
      p99: this.buckets.map((bins) => quantileOf(bins, 0.99)),
      errorShare: bucketNumbers.map(
        (bucket) => this.bucketErrors[bucket] / Math.max(1, this.bucketRequests[bucket]),
      ),
      inFlight: bucketNumbers.map((bucket) => mean(this.inFlight[bucket], bucket)),
      sentPerBackend: perBackend((at) => this.sentInBucket[at]),
      inFlightPerBackend: perBackend((at, bucket) => mean(this.inFlightAt[at], bucket)),
      said,
    };
  }

  private summary(phases: readonly number[], fromMs: number, toMs: number): PhaseResult {
    const { backends } = this.frame;
    const sum = (of: (phase: number) => number): number =>
      phases.reduce((total, phase) => total + of(phase), 0);
    const bins = new Uint32Array(BINS);
    const errors = new Map<string, number>();
    for (const phase of phases) {
      this.phases[phase].forEach((count, bin) => {
        bins[bin] += count;
      });
      for (const [how, count] of this.errors[phase]) {
        errors.set(how, (errors.get(how) ?? 0) + count);
      }
    }
    return {
      fromMs,
      toMs,
      requests: sum((phase) => this.requests[phase]),
      answered: bins.reduce((total, count) => total + count, 0),
      p50: quantileOf(bins, 0.5),
      p90: quantileOf(bins, 0.9),
      p99: quantileOf(bins, 0.99),
      p999: quantileOf(bins, 0.999),
      errors: [...errors].sort(([a], [b]) => (a < b ? -1 : 1)),
      retries: sum((phase) => this.retries[phase]),
      sent: backends.map((_, at) => sum((phase) => this.sentInPhase[phase * backends.length + at])),
    };
  }
}
