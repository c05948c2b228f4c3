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
    const inFlight = loads.busy(first);
    const otherInFlight = loads.busy(second);
    const cost = loads.cost(first);
    const otherCost = loads.cost(second);
    const sum = weight + otherWeight;
    // What an exchange would take on one, in a unit that is the same for the other: of what is in
    // flight there each weighs less the heavier it is; the one that is to come weighs the same for
    // both. With nothing in flight they differ by latency alone: they were drawn by weight.
    this.expect(
      0,
      cost * kept(loads, first, nowMs),
      inFlight,
      (inFlight * sum + 2 * weight) * otherWeight,
    );
    this.expect(
      1,
      otherCost * kept(loads, second, nowMs),
      otherInFlight,
      (otherInFlight * sum + 2 * otherWeight) * weight,
    );
    // Of two that have nothing to do one must have been faster, too: that it was not heard of for
    // longer is because it is lighter, and it was drawn by weight.
    const isBusy = inFlight + otherInFlight > 0;
    const isFaster = otherCost < cost;
    const isLess = expected[1] < expected[0];
    return either(first, second, Number(isLess) & (Number(isBusy) | Number(isFaster)));
  }

  /** Noted in `expected`: a fraction that a call returns is an object on the heap. */
  private expect(at: number, known: number, inFlight: number, queue: number): void {
    this.expected[at] = known > 0 ? known * queue : inFlight === 0 ? 0 : UNKNOWN * queue;
  }

  observe(attempt: Observation): void {
    noteLatency(this.loads, attempt, this.wallMs());
  }
}
