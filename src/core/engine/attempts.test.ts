import { describe, expect, it } from 'vitest';
import { failure, type Retry } from '../base/failure.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { Attempts } from './attempts.ts';
import type { Pool } from './pool.ts';

const failed = (retry: Retry) => failure('reset', 'backend', 'relay', retry, 'gone');

/** A pool of so many backends, as far as attempts look at it. */
const poolOf = (backends: number): Pool =>
  ({
    budget: new RetryBudget(),
    hasUntried: (tried: readonly number[]) => tried.length < backends,
  }) as unknown as Pool;

describe('the attempts of an exchange', () => {
  it('go on for 5 s while no application was reached', () => {
    const attempts = new Attempts();
    attempts.begin(1000);
    expect(attempts.mayRetry(failed('safe'), 1, false, poolOf(3), 6000)).toBe('any');
    expect(attempts.mayRetry(failed('safe'), 2, false, poolOf(3), 6001)).toBe('no');
    expect(attempts.tried).toEqual([1, 2]);
  });

  it('are two when one may have reached an application, the second on a fresh connection', () => {
    const attempts = new Attempts();
    attempts.begin(0);
    expect(attempts.mayRetry(failed('if-idempotent'), 1, true, poolOf(3), 0)).toBe('fresh');
    expect(attempts.mayRetry(failed('if-idempotent'), 2, true, poolOf(3), 0)).toBe('no');
    attempts.begin(1);
    expect(attempts.tried).toEqual([]);
    expect(attempts.mayRetry(failed('if-idempotent'), 1, false, poolOf(3), 1)).toBe('no');
    attempts.begin(2);
    expect(attempts.mayRetry(failed('never'), 1, true, poolOf(3), 2)).toBe('no');
  });

  it('may come back to the same backend when there is no other', () => {
    const attempts = new Attempts();
    attempts.begin(0);
    expect(attempts.mayRetry(failed('if-idempotent'), 7, true, poolOf(1), 0)).toBe('fresh');
    expect(attempts.tried).toEqual([]);
  });

  it('end where the budget of the pool ends', () => {
    const pool = poolOf(3);
    const attempts = new Attempts();
    const answers = [1, 2, 3, 4].map(() => {
      attempts.begin(0);
      return attempts.mayRetry(failed('if-idempotent'), 1, true, pool, 0);
    });
    expect(answers).toEqual(['fresh', 'fresh', 'fresh', 'no']);
  });
});
