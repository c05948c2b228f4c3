/** Ejection keeps its guard: never more than `maxEjected` of the pool are ejected or on trial. */
import { mostEjected } from '../../src/core/control/passive-watch.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createEjections(world: World, fail: Fail): Checker {
  return {
    name: 'ejections',
    picked() {
      const { passive } = world.options;
      if (passive === null) return;
      const [{ backends }] = world.balancer.controller.status();
      const members = backends.filter(({ why }) => !why.startsWith('it left the configuration'));
      const out = members.filter(({ state }) => state === 'ejected' || state === 'trial');
      const most = mostEjected(members.length, passive);
      if (out.length <= most) return;
      fail(`${out.map(({ name }) => name).join(' ')} of ${members.length} are out, not ${most}`);
    },
  };
}
