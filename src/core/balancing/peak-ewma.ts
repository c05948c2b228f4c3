/**
 * Peak EWMA (Finagle): of two backends at random the one whose expected latency, times what is in
 * flight there, is less for its weight. Latency is the time to the response's head; the average
 * rises with a peak at once and comes down slowly, and forgets while nothing is heard. A failure
 * counts as a very slow answer, or fast errors would draw all traffic (Linkerd).
 */
import { expOfNegative } from '../base/math.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import type { Loads } from './loads.ts';
import type { Schedule } from './schedule.ts';
import { TwoChoices } from './two-choices.ts';

/** What is this old counts 1/e (Finagle's default). */
const DECAY_MS = 10_000;
/** A failure counts as this slow (Linkerd's default). */
const FAILURE_MS = 5000;
/** Of one that has not answered yet: it gets its first exchange, and then waits for the answer. */
const UNKNOWN = 0x10000000000;
/** Costs are microseconds; half an hour is the most they can say. */
const MOST_US = 0x7fffffff;

/** Latencies of all workers together. */
export function createPeakEwma(deps: PolicyDeps): Policy {
  return new PeakEwma(deps);
}

class PeakEwma implements Policy {
  private readonly loads: Loads;
  private readonly wallMs: () => number;
  private readonly two: TwoChoices;

  constructor({ loads, rng, wallMs }: PolicyDeps) {
    this.loads = loads;
    this.wallMs = wallMs;
    this.two = new TwoChoices(loads, rng);
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { loads, two } = this;
    two.draw(schedule, tried);
    const { first, second } = two;
    if (second === -1) return first;
    const nowMs = this.wallMs();
    const secondIsBetter =
      this.expected(second, nowMs) * loads.weight(first) <
      this.expected(first, nowMs) * loads.weight(second);
    return secondIsBetter ? second : first;
  }

  private expected(slot: number, nowMs: number): number {
    const { loads } = this;
    const inFlight = loads.busy(slot);
    const cost = loads.cost(slot);
    if (cost === 0) return inFlight === 0 ? 0 : UNKNOWN + inFlight;
    return cost * this.kept(slot, nowMs) * (inFlight + 1);
  }

  /** How much of the cost of a backend still counts. */
  private kept(slot: number, nowMs: number): number {
    // Of 32 bits each: the difference is right across their end.
    const ageMs = ((nowMs | 0) - this.loads.costAtMs(slot)) | 0;
    return ageMs <= 0 ? 1 : expOfNegative(-ageMs / DECAY_MS);
  }

  observe(slot: number, elapsedMs: number, failed: boolean): void {
    const { loads } = this;
    const nowMs = this.wallMs();
    const us = Math.min((failed ? Math.max(elapsedMs, FAILURE_MS) : elapsedMs) * 1000, MOST_US);
    const before = loads.cost(slot);
    const kept = this.kept(slot, nowMs);
    const cost = us > before ? us : before * kept + us * (1 - kept);
    // 0 would say that it has not answered yet.
    loads.setCost(slot, Math.max(1, Math.round(cost)), nowMs);
  }
}
