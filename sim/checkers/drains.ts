/**
 * A backend that drains is chosen for nothing any more, unless it keeps its clients; and once its
 * deadline is over, nothing comes to it from anybody.
 */
import { State } from '../../src/core/table/table.ts';
import type { Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** What was on its way by then, clogged and behind a black hole, has arrived, or never does. */
const SLACK_MS = 40_000;

export function createDrains(world: World, fail: Fail): Checker {
  const { drainMs, namesChangeEveryMs } = world.options;
  return {
    name: 'drains',
    picked(slot) {
      const { table } = world.balancer;
      if (table.state(slot) !== State.draining || table.keeps(slot)) return;
      fail(`slot ${slot} is picked while it drains`);
    },
    arrived(request: Request | null, _head: StrictHead, { backend }: Arrival) {
      const sinceMs = world.drainedSinceMs.get(backend);
      // Where names change their addresses it may be meant for another.
      if (request === null || sinceMs === undefined || namesChangeEveryMs !== null) return;
      const agoMs = world.clock.nowMs() - sinceMs;
      if (agoMs <= drainMs + SLACK_MS) return;
      fail(`${backend.name} got ${request.nonce}, ${Math.round(agoMs)} ms after its drain began`);
    },
  };
}
