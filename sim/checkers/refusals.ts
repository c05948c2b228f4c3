/** A reload that is refused changes nothing: the same backends, weights and listeners as before. */
import type { PoolStatus } from '../../src/core/control/status.ts';
import { LISTEN_PORT } from '../default-config.ts';
import type { World } from '../world.ts';
import { type Checker, type Fail, hasLeft } from './checker.ts';

/** What is configured, as it can be seen from outside. */
export interface Picture {
  readonly pools: readonly PoolStatus[];
  /** Where those of its threads listen that run. */
  readonly ports: ReadonlySet<number>;
}

export const pictureOf = ({ balancer, network }: World): Picture => ({
  pools: balancer.controller.status(),
  ports: new Set(balancer.runningAddresses.flatMap((address) => network.listening(address))),
});

export function createRefusals(_world: World, fail: Fail): Checker {
  return {
    name: 'refusals',
    refused(before, after, isAtOnce) {
      const was = spell(before, isAtOnce);
      const is = spell(after, isAtOnce);
      if (was !== is) fail(`a reload that was refused made ${is} of ${was}`);
      for (const port of after.ports) {
        // Whoever has taken the place of a dead worker meanwhile opens what is configured.
        if (port === LISTEN_PORT || before.ports.has(port)) continue;
        fail(`a reload that was refused left port ${port} open`);
      }
    },
  };
}

/** `isAtOnce`: no time has passed, in which something else may have changed. */
function spell({ pools }: Picture, isAtOnce: boolean): string {
  const told = pools.map(({ name, backends, ...rest }) => {
    if (isAtOnce) return { name, backends, ...rest };
    // Those that have left may be gone meanwhile.
    const listed = backends.filter((backend) => !hasLeft(backend));
    return { name, backends: listed.map(({ name, url, weight }) => [name, url, weight]) };
  });
  return JSON.stringify(told);
}
