/** Round robin as a worker sees it: the next turn of the schedule that all workers draw from. */
import type { Policy } from './balancing.ts';

/** Looks at no load: who has its turn when is in the schedule. */
export function createInTurn(): Policy {
  return { pick: (schedule) => schedule.draw() };
}
