/** A backend that drains gets nothing any more once its deadline is over, from nobody. */
import type { Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** What was on its way to it by then has arrived, or never does. */
const SLACK_MS = 20_000;

export function createDrains(world: World, fail: Fail): Checker {
  const { drainMs, namesChangeEveryMs } = world.options;
  return {
    name: 'drains',
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
