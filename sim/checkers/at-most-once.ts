/** What is not idempotent reaches one application at most, once at most; the rest twice at most. */
import type { Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createAtMostOnce(_world: World, fail: Fail): Checker {
  return {
    name: 'at most once',
    arrived(request: Request | null, _head: StrictHead, arrival: Arrival) {
      if (request === null || request.arrivals.length < (request.idempotent ? 2 : 1)) return;
      const before = request.arrivals.map(({ backend }) => backend.name).join(' and ');
      fail(`${request.method} ${request.nonce} came to ${arrival.backend.name} after ${before}`);
    },
  };
}
