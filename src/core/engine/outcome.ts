/**
 * What becomes of attempts: the pool's policy hears how long the answer took, and it is counted in
 * the table where the control thread goes by it (passive health, adaptive limits, circuit
 * breakers). That is told only when it is to decide something at once.
 */
import type { Failure } from '../base/failure.ts';
import type { Head } from '../http/head.ts';
import type { Backend } from '../table/backend.ts';
import { TRIAL_FAILED } from '../table/streaks.ts';
import type { Engine } from './engine.ts';
import type { Began, Pool } from './pool.ts';

/** What of an engine it takes. */
export type Informed = Pick<Engine, 'wheel' | 'table' | 'control'>;

/**
 * An attempt of an exchange of this pool has been answered with this head, or has failed: then
 * there is none, and `why` says how.
 */
export function tellOutcome(
  engine: Informed,
  pool: Pool,
  backend: Backend,
  began: Began,
  head: Head | null,
  why: Failure | null,
): void {
  const nowMs = engine.wheel.nowMs();
  pool.tell(backend.slot, began, nowMs, head ?? 'failed');
  if (!pool.countsOutcomes) return;
  const status = head?.status ?? 0;
  pool.circuit?.ended(began.circuitTrial, !isAnswer(status));
  const enough = pool.config.passiveHealth?.consecutiveFailures ?? 0;
  count(engine, enough, backend, began, nowMs, status, why);
}

/**
 * A failure is an answer of 5xx, and what a backend did instead of answering. Connections that
 * cannot be made have a mechanism of their own (`suspect`); they only decide a trial.
 */
function count(
  { table, control }: Informed,
  consecutiveFailures: number,
  backend: Backend,
  { askedMs, trial }: Began,
  nowMs: number,
  status: number,
  why: Failure | null,
): void {
  const { slot } = backend;
  if (isAnswer(status)) {
    if (table.noteAnswer(slot, nowMs - askedMs, trial)) control.tried(backend, null);
    return;
  }
  if (why !== null && makesSuspect(why)) {
    if (table.streaks.endTrial(slot, trial)) control.tried(backend, wordsFor(status, why));
    return;
  }
  const streak = table.noteFailure(slot, trial);
  if (streak === TRIAL_FAILED) control.tried(backend, wordsFor(status, why));
  else if (streak === consecutiveFailures) control.failing(backend, wordsFor(status, why));
}

/** 0: there was none. */
const isAnswer = (status: number): boolean => status !== 0 && status < 500;

/** A failed handshake makes nobody suspect. */
const makesSuspect = ({ phase, kind }: Failure): boolean => phase === 'connect' && kind !== 'tls';

/** Follows a sentence that something failed. */
const wordsFor = (status: number, why: Failure | null): string =>
  why === null ? `because it answered ${status}` : `because of: ${why.cause}`;
