/**
 * What is not idempotent reaches one application at most, once at most; the rest twice at most, or
 * as often as `retries` allows.
 */
import type { Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createAtMostOnce({ options }: World, fail: Fail): Checker {
  const most = 1 + (options.retries?.attempts ?? 1);
  return {
    name: 'at most once',
    arrived(request: Request | null, _head: StrictHead, arrival: Arrival) {
      if (request === null || request.arrivals.length < (request.idempotent ? most : 1)) return;
      const before = request.arrivals.map(({ backend }) => backend.name).join(' and ');
      fail(`${request.method} ${request.nonce} came to ${arrival.backend.name} after ${before}`);
    },
  };
}
