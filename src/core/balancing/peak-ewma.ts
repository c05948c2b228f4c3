/**
 * Peak EWMA (Finagle): of two backends at random the one whose expected latency, times what is in
 * flight there for its weight, is less. What is expected: `latency.ts`.
 */
import { either } from '../base/math.ts';
import type { Observation, Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { noteLatency } from './latency.ts';
import { kept, type Loads } from './loads.ts';
import type { Schedule } from './schedule.ts';

/**
 * Of one that has not answered yet, or not for minutes: it gets its first exchange, and then waits
 * for the answer.
 */
const UNKNOWN = 0x10000000000;

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
    const { loads, two, expected } = this;
    two.drawTwo(schedule, tried);
    const { first, second } = two;
    if (second === -1) return first;
    const nowMs = this.wallMs();
    const weight = schedule.isEven ? 1 : loads.weight(first);
    const otherWeight = schedule.isEven ? 1 : loads.weight(second);
    this.expect(0, first, nowMs, weight, otherWeight);
    this.expect(1, second, nowMs, otherWeight, weight);
    // Of two that have nothing to do one must have been faster, too: that it was not heard of for
    // longer is because it is lighter, and it was drawn by weight.
    const isBusy = loads.busy(first) + loads.busy(second) > 0;
    const isFaster = loads.cost(second) < loads.cost(first);
    const isLess = expected[1] < expected[0];
    return either(first, second, Number(isLess) & (Number(isBusy) | Number(isFaster)));
  }

  /**
   * What an exchange would take on `slot`, in a unit that is the same for the other: of what is in
   * flight there each weighs less the heavier it is; the one that is to come weighs the same for
   * both. With nothing in flight they differ by latency alone: they were drawn by weight.
   * Noted in `expected`: a fraction that a call returns is an object on the heap.
   */
  private expect(
    at: number,
    slot: number,
    nowMs: number,
    weight: number,
    otherWeight: number,
  ): void {
    const { loads } = this;
    const inFlight = loads.busy(slot);
    const known = loads.cost(slot) * kept(loads, slot, nowMs);
    if (known === 0 && inFlight === 0) {
      this.expected[at] = 0;
      return;
    }
    const queue = (inFlight * (weight + otherWeight) + 2 * weight) * otherWeight;
    this.expected[at] = (known === 0 ? UNKNOWN : known) * queue;
  }

  observe(attempt: Observation): void {
    noteLatency(this.loads, attempt, this.wallMs());
  }
}
