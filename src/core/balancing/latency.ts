/**
 * Latency as a peak-sensitive average (Finagle's peak EWMA): the time to the response's head; it
 * rises with a peak at once and comes down slowly, and forgets while nothing is heard. A failure
 * counts as a very slow answer, or fast errors would draw all traffic (Linkerd).
 */
import type { Observation } from './balancing.ts';
import { kept, type Loads } from './loads.ts';

/** A failure counts as this slow (Linkerd's default). */
const FAILURE_MS = 5000;
/** Costs are microseconds; half an hour is the most they can say. */
const MOST_US = 0x7fffffff;

/** Makes the attempt part of its backend's cost, in microseconds. */
export function noteLatency(loads: Loads, attempt: Observation, nowMs: number): void {
  const { slot, outcome, elapsedMs } = attempt;
  if (outcome === 'abandoned') return;
  const tookMs = outcome === 'failed' ? Math.max(elapsedMs, FAILURE_MS) : elapsedMs;
  const us = Math.min(tookMs * 1000, MOST_US);
  const before = loads.cost(slot);
  const share = kept(loads, slot, nowMs);
  const cost = us > before ? us : before * share + us * (1 - share);
  // 0 would say that it has not answered yet.
  loads.setCost(slot, Math.max(1, Math.round(cost)), nowMs);
}
