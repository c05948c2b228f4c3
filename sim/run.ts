/**
 * One seed, one run, in three acts. Safety: anything may go wrong, and no promise may be broken.
 * Liveness: the world heals, nothing new is begun, and everything pending must end. Recovery: who
 * comes then is served.
 */
import { healWorld, startCalamities, startClockJumps, startWorkerDeaths } from './calamities.ts';
import { createAtMostOnce } from './checkers/at-most-once.ts';
import { createBoundedLoad } from './checkers/bounded-load.ts';
import { createCircuits } from './checkers/circuits.ts';
import { createCleanReuse } from './checkers/clean-reuse.ts';
import { createConservation } from './checkers/conservation.ts';
import { createConvergence } from './checkers/convergence.ts';
import { createDiscovery } from './checkers/discovery.ts';
import { createDrains } from './checkers/drains.ts';
import { createEjections } from './checkers/ejections.ts';
import { createFairness } from './checkers/fairness.ts';
import { createFidelity } from './checkers/fidelity.ts';
import { createLeaks } from './checkers/leaks.ts';
import { createLimits } from './checkers/limits.ts';
import { createLiveness } from './checkers/liveness.ts';
import { createRates } from './checkers/rates.ts';
import { createRecovery } from './checkers/recovery.ts';
import { createRefusals } from './checkers/refusals.ts';
import { createRightAnswer } from './checkers/right-answer.ts';
import { createSessions } from './checkers/sessions.ts';
import { createSmuggling } from './checkers/smuggling.ts';
import { createStickiness } from './checkers/stickiness.ts';
import { Operator } from './operator.ts';
import type { SimOptions } from './options.ts';
import { Visits } from './visits.ts';
import { type CheckerFactory, type PrintLine, type Violation, World } from './world.ts';

const CHECKERS: readonly CheckerFactory[] = [
  createConservation,
  createFidelity,
  createRightAnswer,
  createSmuggling,
  createAtMostOnce,
  createCleanReuse,
  createLiveness,
  createLeaks,
  createLimits,
  createFairness,
  createBoundedLoad,
  createStickiness,
  createSessions,
  createConvergence,
  createRecovery,
  createRates,
  createEjections,
  createCircuits,
  createDrains,
  createDiscovery,
  createRefusals,
];

/** What every run has at least, unless its time is given. */
const EXCHANGES = 200;
const HITS = 5;
/** The safety act is over after so long, whatever it had. */
const SAFETY_LIMIT_MS = 1_800_000;
/** So long after healing everything pending has ended. */
const LIVENESS_MS = 180_000;
/** Within so long everybody is served again. */
const VISITS_MS = 120_000;
/** An answer is there within that, however slow the network is. */
const PATIENT_MS = 2000;
/** From stop to the last closed connection. */
const END_MS = 120_000;
/** Within so long the last lines that come once a second have been written. */
const NOTICES_MS = 1500;
/** Whatever the control thread says is known everywhere by then. */
const NEWS_MS = 100;

export interface RunOptions {
  /** How long the safety act lasts; null: until it has seen enough. */
  readonly forMs: number | null;
  /** Gets every line as it happens; null: nobody does. */
  readonly print: PrintLine | null;
  /** What the world is like, instead of what the seed says; then no number of faults is asked. */
  readonly options?: SimOptions | null;
}

export interface RunResult {
  readonly seed: number;
  /** Null: every promise was kept. */
  readonly violation: Violation | null;
  /** What the world was like. */
  readonly options: SimOptions;
  /** The last lines of what happened. */
  readonly lines: readonly string[];
  /** Of all lines: equal in two runs of the same seed. */
  readonly hash: string;
  readonly calm: boolean;
  readonly exchanges: number;
  readonly hits: number;
  readonly virtualMs: number;
  /** When the safety act was over, or a promise was broken in it. */
  readonly safetyMs: number;
  /** How often exchanges ended in which way, by end code. */
  readonly ends: ReadonlyMap<string, number>;
  /** How often was reached what `coverage.ts` looks for. */
  readonly marks: ReadonlyMap<string, number>;
}

export function runSeed(seed: number, { forMs, print, options }: RunOptions): RunResult {
  const world = new World(seed, CHECKERS, print, options);
  // A world that was made to measure may have no faults at all.
  const hits = world.options.calm || options ? 0 : HITS;
  try {
    playOut(world, forMs, hits);
  } catch (error) {
    // An assertion of the balancer's is a finding like any other.
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.violation ??= { checker: 'assertions', sentence: what };
  }
  return {
    seed,
    violation: world.violation,
    options: world.options,
    lines: world.journal.last(),
    hash: world.journal.hash(),
    calm: world.options.calm,
    exchanges: world.exchanges,
    hits: world.hits,
    virtualMs: world.clock.nowMs(),
    safetyMs: world.healedMs ?? world.clock.nowMs(),
    ends: world.ends,
    marks: world.marks,
  };
}

function playOut(world: World, forMs: number | null, hits: number): void {
  const operator = new Operator(world);
  for (const client of world.clients) client.begin();
  operator.begin();
  world.names.begin();
  startCalamities(world);
  startWorkerDeaths(world);
  startClockJumps(world);
  const isOver = (): boolean =>
    forMs === null && world.exchanges >= EXCHANGES && world.hits >= hits;
  if (!playUntil(world, forMs ?? SAFETY_LIMIT_MS, isOver)) return;

  healWorld(world);
  if (world.options.stopsEarly) stop(world);
  else operator.heal();
  const isQuiet = lasting(world, noticedWithinMs(world), () => isAtRest(world));
  if (!playUntil(world, LIVENESS_MS, isQuiet)) return;
  world.tell((each) => each.atRest?.(world));
  if (world.violation !== null) return;
  if (mayVisit(world) && !playVisits(world)) return;

  for (const client of world.clients) client.leave();
  if (!world.options.stopsEarly) stop(world);
  if (
    !playUntil(
      world,
      END_MS,
      lasting(world, NOTICES_MS, () => hasStopped(world)),
    )
  )
    return;
  world.tell((each) => each.atEnd?.(world));
  if (world.violation !== null) return;

  world.balancer.end(() => world.note('world', 'ends'));
  if (!playUntil(world, END_MS, () => world.clock.pending() === 0)) return;
  world.tell((each) => each.afterEnd?.(world));
}

/** Whom the balancer may refuse although all is well, or give up too soon, is not to be counted. */
function mayVisit({ stopping, options }: World): boolean {
  const { rateLimit, retries, maxConnections } = options;
  if (stopping || rateLimit !== null || maxConnections !== null) return false;
  return retries === null || retries.attemptTimeoutMs >= PATIENT_MS;
}

function playVisits(world: World): boolean {
  const visits = new Visits(world);
  world.visits = visits;
  visits.begin();
  if (!playUntil(world, VISITS_MS, () => visits.areServed)) return false;
  world.tell((each) => each.revisited?.(world));
  return world.violation === null;
}

/** The balancer says so, and nothing of it is open or under way. */
function hasStopped(world: World): boolean {
  const { openSockets, pendingBytes } = world.network.stats;
  return world.stopped && openSockets + pendingBytes === 0;
}

/** Nothing is pending on either side, and whoever can be reached is known to be up, or on trial. */
function isAtRest(world: World): boolean {
  const { exchanges, tunnels } = world.open();
  if (world.pending().length + exchanges + tunnels > 0) return false;
  const { threads, scheduled } = world.balancer;
  if (threads?.isOneStuck === true) return false;
  if (world.stopping) return true;
  // Who has just taken the place of another imports its functions first.
  if (world.reloads > 0 || scheduled.includes(0)) return false;
  const pools = world.balancer.controller.status();
  return pools.every(({ backends }) => {
    return backends.every(({ state }) => state === 'up' || state === 'trial');
  });
}

/** Whether it has been so for so long, each time that it was asked. */
function lasting(world: World, ms: number, isSo: () => boolean): () => boolean {
  let sinceMs = Number.POSITIVE_INFINITY;
  return () => {
    const nowMs = world.clock.nowMs();
    sinceMs = isSo() ? Math.min(sinceMs, nowMs) : Number.POSITIVE_INFINITY;
    return nowMs - sinceMs >= ms;
  };
}

/**
 * By then what befell backends at the last moment is known and held against them, and the last
 * change has reached all workers.
 */
function noticedWithinMs({ options: { health, passive, mergeWindowMs } }: World): number {
  const probedMs = health === null ? 0 : 2 * health.intervalMs + health.timeoutMs;
  return Math.max(probedMs, passive?.intervalMs ?? 0) + mergeWindowMs + NEWS_MS;
}

function stop(world: World): void {
  world.stopping = true;
  world.note('operator', 'stops the balancer');
  const timeoutMs = world.pick([0, 1000, 25_000, null]);
  world.balancer.controller.stop({ timeoutMs }, () => {
    world.stopped = true;
    world.note('operator', 'hears that it has stopped');
  });
}

/** Lets things happen for so long, or until `isOver`. False: a promise was broken. */
function playUntil(world: World, lastsMs: number, isOver: () => boolean): boolean {
  let late = false;
  const end = world.after(lastsMs, () => {
    late = true;
  });
  let faults = world.network.stats.faultsInjected;
  while (world.violation === null && !late && !isOver()) {
    if (!world.clock.step()) break;
    const { faultsInjected } = world.network.stats;
    if (faultsInjected === faults) continue;
    if (world.open().exchanges > 0) world.hits += faultsInjected - faults;
    faults = faultsInjected;
  }
  end.cancel();
  return world.violation === null;
}
