/** With the world healed, everything that is pending ends, and whatever was asked for is done. */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createLiveness(_world: World, fail: Fail): Checker {
  return {
    name: 'liveness',
    atRest(world) {
      const pending = world.pending().map(({ nonce }) => nonce);
      if (pending.length > 0)
        fail(`still pending long after everything healed: ${pending.join(' ')}`);
    },
    atEnd(world) {
      if (!world.stopped) fail('the balancer has not stopped');
    },
  };
}
