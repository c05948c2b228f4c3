/**
 * When everything works again, the balancer soon knows: whoever can be reached is up, or on trial
 * where nobody asks for anything any more; every worker knows them all; and with all of them up the
 * first level gets everything, each by its weight.
 */
import { BACKUP } from '../../src/core/health/levels.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createConvergence({ options }: World, fail: Fail): Checker {
  const first = Math.min(...options.levels);
  return {
    name: 'convergence',
    atRest(world) {
      if (world.stopping) return;
      const schedules = world.balancer.scheduled;
      for (const { backends } of world.balancer.controller.status()) {
        for (const { name, state, why } of backends) {
          if (state !== 'up' && state !== 'trial')
            fail(`${name} is ${state} (${why}), long after everything healed`);
        }
        for (const size of schedules) {
          if (size === backends.length) continue;
          fail(`a worker knows ${size} of ${backends.length}, long after everything healed`);
        }
        if (backends.some(({ state }) => state === 'trial')) continue;
        for (const [i, { name, effectiveWeight }] of backends.entries()) {
          const level = options.levels[i];
          // One that starts slowly has less for a while, and another level has what it lacks.
          if (options.slowStartMs > 0 && (level !== BACKUP || first === BACKUP)) continue;
          const expected = level === first ? undefined : 0;
          if (effectiveWeight === expected) continue;
          fail(`${name} counts ${effectiveWeight}, long after everything healed`);
        }
      }
    },
  };
}
