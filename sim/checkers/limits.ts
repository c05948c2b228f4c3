/** No backend ever has more exchanges and tunnels than `max_requests` says. */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createLimits(world: World, fail: Fail): Checker {
  const { maxRequests } = world.options;
  return {
    name: 'limits',
    picked(slot) {
      const { table } = world.balancer;
      const busy = table.inFlight(slot) + table.tunnels(slot);
      if (maxRequests > 0 && busy > maxRequests) {
        fail(`slot ${slot} has ${busy} in flight, ${maxRequests} are allowed`);
      }
    },
  };
}
