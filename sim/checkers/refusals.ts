/** A reload that is refused changes nothing: the same backends, weights and listeners as before. */
import type { PoolStatus } from '../../src/core/control/controller.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** What is configured, as it can be seen from outside. */
export interface Picture {
  readonly pools: readonly PoolStatus[];
  /** Where it listens: `10.9.0.1:8080`. */
  readonly listening: readonly string[];
}

export const pictureOf = ({ balancer, network }: World): Picture => ({
  pools: balancer.controller.status(),
  listening: balancer.addresses.flatMap((address) =>
    network.listening(address).map((port) => `${address}:${port}`),
  ),
});

export function createRefusals(_world: World, fail: Fail): Checker {
  return {
    name: 'refusals',
    refused(before, after, isAtOnce) {
      const was = spell(before, isAtOnce);
      const is = spell(after, isAtOnce);
      if (was !== is) fail(`a reload that was refused made ${is} of ${was}`);
    },
  };
}

/** `isAtOnce`: no time has passed, in which something else may have changed. */
function spell({ pools, listening }: Picture, isAtOnce: boolean): string {
  const told = pools.map(({ name, backends, ...rest }) => {
    if (isAtOnce) return { name, backends, ...rest };
    // Those that have left may be gone meanwhile.
    const listed = backends.filter(({ why }) => !why.startsWith('it left the configuration'));
    return { name, backends: listed.map(({ name, url, weight }) => [name, url, weight]) };
  });
  return JSON.stringify({ pools: told, listening: isAtOnce ? listening : [...listening].sort() });
}
