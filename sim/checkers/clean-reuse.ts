/**
 * A connection over which bytes came that nobody had asked for, or less than was announced, carries
 * no further request.
 */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createCleanReuse(_world: World, fail: Fail): Checker {
  return {
    name: 'clean reuse',
    reusedDirty(port) {
      fail(`a request went out from port ${port}, where an answer too many had come before`);
    },
    reusedUnfinished(backend, nonce) {
      fail(`${nonce} came to ${backend} where the answer before it is not whole`);
    },
  };
}
