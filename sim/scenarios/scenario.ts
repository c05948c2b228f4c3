/** What a scenario is: a pool, what comes to it, and what befalls it. */
import type { BackendConfig, PolicyName, PoolConfig } from '../../src/core/config.ts';
import type { Stage } from './stage.ts';

/** How long an exchange takes on a server that has nothing else to do, on average. */
export const SERVICE_MS = 20;

export interface Scenario {
  /** As in `npm run sim -- scenarios one_slow`. */
  readonly name: string;
  /** In the table. */
  readonly title: string;
  /** What comes, as a part of what all servers can do while all is well. */
  readonly load: number;
  /** 10 unless set. */
  readonly servers?: number;
  /** Exchanges at once on each server; what is more waits there. 4 unless set. */
  readonly hands?: number;
  /** That know nothing of each other; each gets the same part of what comes. 1 unless set. */
  readonly balancers?: number;
  /** Until the figures begin; the first exchanges find an empty pool. */
  readonly warmUpMs: number;
  readonly lastsMs: number;
  readonly pool?: Partial<PoolConfig>;
  readonly backend?: Partial<BackendConfig>;
  /** Whose part of the exchanges is looked at; the last server unless set. */
  readonly bad?: (server: number) => boolean;
  /** Called when it begins: plans what goes wrong, and when. */
  readonly act?: (stage: Stage) => void;
}

/** A scenario as it went with one policy. */
export interface Outcome {
  readonly policy: PolicyName;
  /** Those that began when the figures had begun. */
  readonly exchanges: number;
  /**
   * Milliseconds until the good answer, the quantile of 0 to 1; those that had none count as
   * infinitely late.
   */
  readonly quantile: (q: number) => number;
  /** Until the refusal, of those that were refused (503). */
  readonly refusedQuantile: (q: number) => number;
  /** Of all: those that were not answered well, refused ones among them. */
  readonly errors: number;
  readonly refused: number;
  /** What reached the bad servers, of all that reached any, tried again or not. */
  readonly badShare: number;
  /** Good answers, of what all servers can give while all is well. */
  readonly goodput: number;
  /** Times that a server was tried, for each exchange. */
  readonly amplification: number;
}
