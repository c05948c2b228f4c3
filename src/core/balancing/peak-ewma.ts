/**
 * Peak EWMA (Finagle): of two backends at random the one whose expected latency, times what is in
 * flight there for its weight, is less. Latency is the time to the response's head; the average
 * rises with a peak at once and comes down slowly, and forgets while nothing is heard. A failure
 * counts as a very slow answer, or fast errors would draw all traffic (Linkerd).
 */
import type { Observation, Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { kept, type Loads } from './loads.ts';
import type { Schedule } from './schedule.ts';

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
  private readonly expected = new Float64Array(2);
  private readonly loads: Loads;
  private readonly wallMs: () => number;
  private readonly two: Choices;

  constructor({ loads, rng, wallMs }: PolicyDeps) {
    this.loads = loads;
    this.wallMs = wallMs;
    this.two = new Choices(loads, rng);
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { two } = this;
    two.drawTwo(schedule, tried);
    const { first, second } = two;
    if (second === -1) return first;
    const nowMs = this.wallMs();
    const { expected } = this;
    this.expect(0, first, second, nowMs);
    this.expect(1, second, first, nowMs);
    return expected[1] < expected[0] ? second : first;
  }

  /**
   * What an exchange would take on `slot`, in a unit that is the same for `other`: of what is in
   * flight there each weighs less the heavier it is; the one that is to come weighs the same for
   * both. With nothing in flight they differ by latency alone: they were drawn by weight.
   * Noted in `expected`: a fraction that a call returns is an object on the heap.
   */
  private expect(at: number, slot: number, other: number, nowMs: number): void {
    const { loads } = this;
    const inFlight = loads.busy(slot);
    const cost = loads.cost(slot);
    if (cost === 0 && inFlight === 0) {
      this.expected[at] = 0;
      return;
    }
    const weight = loads.weight(slot);
    const otherWeight = loads.weight(other);
    const queue = (inFlight * (weight + otherWeight) + 2 * weight) * otherWeight;
    const each = cost === 0 ? UNKNOWN : cost * kept(loads, slot, nowMs);
    this.expected[at] = each * queue;
  }

  observe({ slot, outcome, elapsedMs }: Observation): void {
    if (outcome === 'abandoned') return;
    const { loads } = this;
    const nowMs = this.wallMs();
    const tookMs = outcome === 'failed' ? Math.max(elapsedMs, FAILURE_MS) : elapsedMs;
    const us = Math.min(tookMs * 1000, MOST_US);
    const before = loads.cost(slot);
    const share = kept(loads, slot, nowMs);
    const cost = us > before ? us : before * share + us * (1 - share);
    // 0 would say that it has not answered yet.
    loads.setCost(slot, Math.max(1, Math.round(cost)), nowMs);
  }
}
