/**
 * How a pool chooses a backend: membership x eligibility x load x choice. The control thread
 * decides who is eligible and makes a schedule of them (`round-robin.ts`), which all workers share;
 * a policy is how a worker chooses from it. One small file per policy.
 */
import type { Rng } from '../base/rng.ts';
import type { PolicyName } from '../config.ts';
import type { PolicyFunction, PolicyRequest } from '../policy-function.ts';
import { createAdaptive } from './adaptive.ts';
import { createByFunction } from './by-function.ts';
import type { Placed } from './by-key.ts';
import { createInTurn } from './in-turn.ts';
import { createLeastConnections } from './least-connections.ts';
import { createLeastRequest } from './least-request.ts';
import type { Loads } from './loads.ts';
import { createMaglev, maglevTable } from './maglev.ts';
import { createPeakEwma } from './peak-ewma.ts';
import { createPrequal } from './prequal.ts';
import { createRandom } from './random.ts';
import { createRendezvous, rendezvousTable } from './rendezvous.ts';
import { createRingHash, ringTable } from './ring-hash.ts';
import type { Schedule } from './schedule.ts';

export interface Policy {
  /**
   * A slot of the schedule; -1: nobody of it can be had. The answer may have become ineligible
   * meanwhile, or be among `tried`: then it is asked again. `key`: a hash of 31 bits, for those
   * that choose by it; -1: there is none. Allocates nothing.
   */
  pick(schedule: Schedule, tried: readonly number[], key: number): number;
  /** Of every attempt, once. Policies that do not look at it have no such method. */
  observe?(attempt: Observation): void;
  /** It looks at `load` there, which is read for those alone. */
  readonly readsReports?: boolean;
}

/** What a policy hears of an attempt. Reused by the caller after the call. */
export interface Observation {
  slot: number;
  /**
   * `answered`: its response's head is there. `failed`: so it is, and says 5xx or 429, or the
   * backend broke off, refused or let the time run out. `abandoned`: the client left before.
   */
  outcome: 'answered' | 'failed' | 'abandoned';
  /** Until then, from when the backend had the whole request. */
  elapsedMs: number;
  /** Other exchanges in flight there when it began, over all workers. */
  others: number;
  /** How long the backend asks to be left alone (`Retry-After`); 0: it does not. */
  retryAfterMs: number;
  /** What the backend says of itself in its response. */
  readonly load: ReportedLoad;
}

/** A backend's report about itself. */
export interface ReportedLoad {
  /** Requests in flight there, whoever sent them; -1: it says nothing. */
  readonly inFlight: number;
  /** How long requests take there now; microseconds. */
  readonly latencyUs: number;
}

/** What a worker gives its policies. */
export interface PolicyDeps {
  readonly loads: Loads;
  readonly rng: Rng;
  /** The clock that all threads share: others start anew in each on some runtimes. */
  readonly wallMs: () => number;
  /** Tells the operator. `event`: a stable name; `message`: a sentence about the pool. */
  readonly warn: (event: string, message: string) => void;
  /** For those that go by a key: how many times its share a backend may have; null: any number. */
  readonly boundedLoad: number | null;
  /** For a function of the user's own; null: it is another policy. */
  readonly own: FunctionNeeds | null;
}

/** What a policy function needs besides. */
export interface FunctionNeeds {
  readonly choose: PolicyFunction;
  /** What a backend is picked for now. Reused. */
  readonly request: PolicyRequest;
  /** Who is in this slot of the schedule: the same object as long as nothing changes there. */
  readonly named: (slot: number) => Named;
  /** Round robin has chosen instead. `why`: what was thrown, or a text: what it answered. */
  readonly failed: (why: unknown) => void;
}

/** How a backend is called. */
export interface Named {
  readonly name: string;
  readonly url: string;
}

/** Policies that need a table by hash, which the control thread makes with the schedule. */
export const placers: Partial<Record<PolicyName, (backends: readonly Placed[]) => Int32Array>> = {
  maglev: maglevTable,
  ring_hash: ringTable,
  rendezvous: rendezvousTable,
};

/** Whether `hash_key` and `bounded_load` mean anything to this policy. */
export const goesByKey = (policy: PolicyName): boolean => placers[policy] !== undefined;

/** Whether what backends say of their load means anything to this policy. */
export const goesByReports = (policy: PolicyName): boolean => policy === 'prequal';

export type PolicyFactory = (deps: PolicyDeps) => Policy;

/** Every policy there is, by its name in YAML. */
export const policies = {
  round_robin: createInTurn,
  random: createRandom,
  least_connections: createLeastConnections,
  least_request: createLeastRequest,
  peak_ewma: createPeakEwma,
  adaptive: createAdaptive,
  prequal: createPrequal,
  maglev: createMaglev,
  ring_hash: createRingHash,
  rendezvous: createRendezvous,
  function: createByFunction,
} satisfies Record<PolicyName, PolicyFactory>;
