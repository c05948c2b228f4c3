/** When everything works again, the balancer soon knows: whoever can be reached is up. */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createConvergence(_world: World, fail: Fail): Checker {
  return {
    name: 'convergence',
    atRest(world) {
      if (world.stopping) return;
      for (const { backends } of world.balancer.controller.status()) {
        for (const { name, state, why } of backends) {
          if (state !== 'up') fail(`${name} is ${state} (${why}), long after everything healed`);
        }
      }
    },
  };
}
