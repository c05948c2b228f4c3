/** Random: each pick for itself, in proportion to the weights. */
import { Dice } from '../base/dice.ts';
import type { Policy, PolicyDeps } from './balancing.ts';

/** Looks at no load. */
export function createRandom({ rng }: PolicyDeps): Policy {
  const dice = new Dice(rng);
  return { pick: (schedule) => schedule.any(dice) };
}
