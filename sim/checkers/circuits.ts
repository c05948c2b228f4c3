/** While a pool's circuit is open, nothing of it goes to any backend. */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createCircuits(world: World, fail: Fail): Checker {
  const isBroken = world.options.circuit !== null;
  return {
    name: 'circuits',
    picked(slot) {
      if (!isBroken) return;
      const [pool] = world.balancer.controller.status();
      if (pool.circuit === 'open') fail(`slot ${slot} is picked while the circuit is open`);
    },
  };
}
