import { describe, expect, it } from 'vitest';
import { retriesConfig } from '../../../test/fixtures/control-world.ts';
import { limits } from '../../../test/fuzz/heads.ts';
import { latin1 } from '../base/bytes.ts';
import { type FailureKind, failure, type Retry } from '../base/failure.ts';
import type { RetriesConfig } from '../config.ts';
import { Head } from '../http/head.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { Pool } from './pool.ts';
import { RetryRule } from './retry-rule.ts';

const failed = (retry: Retry) => failure('reset', 'backend', 'relay', retry, 'gone');

/** A pool of so many backends, as far as attempts look at it. */
const poolOf = (backends: number, retries: RetriesConfig | null = null): Pool =>
  ({
    config: { retries },
    budget: new RetryBudget(),
    backoffMs: (already: number) => 10 * (already + 1),
    hasUntried: (tried: readonly number[]) => tried.length < backends,
  }) as unknown as Pool;

describe('the attempts of an exchange', () => {
  it('go on for 5 s while no application was reached', () => {
    const rule = new RetryRule();
    rule.begin(1000);
    expect(rule.mayRetry(failed('safe'), 1, false, poolOf(3), 6000)).toBe('any');
    expect(rule.mayRetry(failed('safe'), 2, false, poolOf(3), 6001)).toBe('no');
    expect(rule.tried).toEqual([1, 2]);
  });

  it('are two when one may have reached an application, the second on a fresh connection', () => {
    const rule = new RetryRule();
    rule.begin(0);
    expect(rule.mayRetry(failed('if-idempotent'), 1, true, poolOf(3), 0)).toBe('fresh');
    expect(rule.mayRetry(failed('if-idempotent'), 2, true, poolOf(3), 0)).toBe('no');
    rule.begin(1);
    expect(rule.tried).toEqual([]);
    expect(rule.mayRetry(failed('if-idempotent'), 1, false, poolOf(3), 1)).toBe('no');
    rule.begin(2);
    expect(rule.mayRetry(failed('never'), 1, true, poolOf(3), 2)).toBe('no');
  });

  it('may come back to the same backend when there is no other', () => {
    const rule = new RetryRule();
    rule.begin(0);
    expect(rule.mayRetry(failed('if-idempotent'), 7, true, poolOf(1), 0)).toBe('fresh');
    expect(rule.tried).toEqual([]);
  });

  it('would move on where there is somebody else, and nothing is spent by asking', () => {
    const rule = new RetryRule();
    rule.begin(0);
    expect([1, 2].map((backends) => rule.mayMove(7, poolOf(backends), 0))).toEqual([false, true]);
    expect(rule.tried).toEqual([]);
    const pool = poolOf(2);
    for (let n = 0; n < 4; n++) rule.mayMove(7, pool, 0);
    expect(rule.mayRetry(failed('if-idempotent'), 7, true, pool, 0)).toBe('fresh');
  });

  it('would not move on where no more may be lost, or none is left, or the budget is spent', () => {
    const late = failure('timeout_head', 'backend', 'relay', 'if-idempotent', 'late');
    const mayMoveAfter = (why: typeof late, attempts: number): boolean => {
      const [rule, pool] = [new RetryRule(), poolOf(5, retriesConfig({ attempts }))];
      rule.begin(0);
      rule.mayRetry(why, 1, true, pool, 0);
      return rule.mayMove(2, pool, 0);
    };
    expect([
      mayMoveAfter(failed('if-idempotent'), 5),
      mayMoveAfter(late, 5),
      mayMoveAfter(late, 1),
    ]).toEqual([false, true, false]);
    const pool = poolOf(5);
    for (let n = 0; n < 3; n++) pool.budget.tryWithdraw(0);
    expect(new RetryRule().mayMove(1, pool, 0)).toBe(false);
  });

  it('end where the budget of the pool ends', () => {
    const pool = poolOf(3);
    const rule = new RetryRule();
    const answers = [1, 2, 3, 4].map(() => {
      rule.begin(0);
      return rule.mayRetry(failed('if-idempotent'), 1, true, pool, 0);
    });
    expect(answers).toEqual(['fresh', 'fresh', 'fresh', 'no']);
  });

  const answer = (status: number, fields = ''): Head => {
    const bytes = latin1(`HTTP/1.1 ${status} X\r\n${fields}\r\n`);
    const head = new Head(10);
    const parser = new HeadParser(limits);
    parser.begin('response', head, 0);
    expect(parser.parse(bytes, bytes.length)).toBe(bytes.length);
    return head;
  };

  it('follow an answer only if the pool says so', () => {
    const rule = new RetryRule();
    const pool = poolOf(3, retriesConfig());
    rule.begin(0);
    expect(rule.mayRetryAnswer(answer(503), 1, poolOf(3), 0)).toBe(false);
    expect(rule.mayRetryAnswer(answer(500), 1, pool, 0)).toBe(false);
    expect(rule.mayRetryAnswer(answer(503), 1, pool, 0)).toBe(true);
    expect(rule).toMatchObject({ tried: [1], pauseMs: 0 });
    rule.spend(pool, 0);
    expect(rule.mayRetryAnswer(answer(503), 2, pool, 0)).toBe(false);
  });

  it('are as many as the pool says, but none after a second lost connection', () => {
    const rule = new RetryRule();
    const pool = poolOf(9, retriesConfig({ attempts: 3 }));
    const late = failure('timeout_head', 'backend', 'relay', 'if-idempotent', 'late');
    rule.begin(0);
    expect(rule.mayRetry(late, 1, true, pool, 0)).toBe('any');
    expect(rule.mayRetry(failed('if-idempotent'), 2, true, pool, 0)).toBe('fresh');
    expect(rule.mayRetry(failed('if-idempotent'), 3, true, pool, 0)).toBe('no');
    rule.begin(20_000);
    for (const slot of [1, 2, 3]) {
      expect(rule.mayRetry(late, slot, true, pool, 20_000)).toBe('any');
    }
    expect(rule.mayRetry(late, 4, true, pool, 20_000)).toBe('no');
  });

  it('wait, longer each time, when all have been tried', () => {
    const rule = new RetryRule();
    const pool = poolOf(1, retriesConfig({ attempts: 5 }));
    rule.begin(0);
    for (const pauseMs of [10, 20, 30]) {
      expect(rule.mayRetryAnswer(answer(503), 1, pool, 0)).toBe(true);
      expect(rule).toMatchObject({ tried: [], pauseMs });
      rule.spend(pool, 0);
    }
  });

  it('leave a backend alone for as long as it asks, or for good', () => {
    const rule = new RetryRule();
    const pool = poolOf(1, retriesConfig({ attempts: 5 }));
    rule.begin(0);
    expect(rule.mayRetryAnswer(answer(503, 'Retry-After: 1\r\n'), 1, pool, 0)).toBe(true);
    expect(rule.pauseMs).toBe(1010);
    rule.spend(pool, 0);
    expect(rule.mayRetryAnswer(answer(503), 1, pool, 0)).toBe(true);
    expect(rule.pauseMs).toBe(20);
    rule.spend(pool, 0);
    expect(rule.mayRetryAnswer(answer(503, 'Retry-After: 2\r\n'), 1, pool, 0)).toBe(false);
    rule.begin(20_000);
    const two = poolOf(2, retriesConfig({ attempts: 5 }));
    const date = answer(503, 'Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n');
    expect(rule.mayRetryAnswer(date, 1, two, 20_000)).toBe(true);
    expect(rule.mayRetryAnswer(answer(503), 2, two, 20_000)).toBe(true);
    expect(rule).toMatchObject({ tried: [1], pauseMs: 10 });
  });

  it('count one that failed beside another, and only if its connection was lost', () => {
    const beside = (kind: FailureKind, retry: Retry) => {
      const rule = new RetryRule();
      rule.begin(0);
      rule.failedBesideAnother(failure(kind, 'backend', 'relay', retry, 'gone'), 2);
      expect(rule).toMatchObject({ tried: [2], lastFailure: { kind } });
      return rule.mayRetry(failed('if-idempotent'), 1, true, poolOf(3), 0);
    };
    expect(beside('reset', 'if-idempotent')).toBe('no');
    expect(beside('refused', 'safe')).toBe('fresh');
    expect(beside('timeout_head', 'if-idempotent')).toBe('fresh');
    expect(beside('malformed', 'never')).toBe('fresh');
  });

  it('leave the others alone that were tried when only the last one may be tried again', () => {
    const rule = new RetryRule();
    rule.begin(0);
    for (const slot of [1, 2, 1]) rule.failedBesideAnother(failed('safe'), slot);
    expect(rule.tried).toEqual([1, 2]);
    expect(rule.mayRetry(failed('if-idempotent'), 1, true, poolOf(2), 0)).toBe('fresh');
    expect(rule.tried).toEqual([2]);
  });
});
