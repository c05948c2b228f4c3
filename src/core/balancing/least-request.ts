/**
 * Least request: of two backends at random the one with fewer exchanges in flight for its weight.
 * Costs the same for any number of backends, and many balancers may do it without herding.
 */
import { either } from '../base/math.ts';
import type { Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { isLessBusy, type Loads } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** Over the exchanges of all workers. */
export function createLeastRequest({ loads, rng }: PolicyDeps): Policy {
  return new LeastRequest(loads, new Choices(loads, rng));
}

class LeastRequest implements Policy {
  private readonly loads: Loads;
  private readonly two: Choices;

  constructor(loads: Loads, two: Choices) {
    this.loads = loads;
    this.two = two;
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { loads, two } = this;
    two.drawTwo(schedule, tried);
    const { first, second } = two;
    if (second === -1) return first;
    // Equal ones: the first, which was drawn by weight.
    return either(first, second, Number(isLessBusy(loads, second, first, schedule.isEven)));
  }
}
