import { beforeEach, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import { nobodyWaits, poolConfig } from '../../../test/fixtures/control-world.ts';
import type { PolicyFunction } from '../policy-function.ts';
import type { EventFields } from '../telemetry/log.ts';
import type { Pool } from './members.ts';
import { PolicyWatch } from './policy-watch.ts';

let clock: SimClock;
let said: { message: string; fields: EventFields }[];
let watch: PolicyWatch;
let pool: Pool;

const pickNearest: PolicyFunction = () => null;
const poolWith = (choose: PolicyFunction | null): Pool => ({
  config: poolConfig([], { name: 'web', policy: choose === null ? 'random' : 'function', choose }),
  members: [],
  waiting: nobodyWaits(),
});

beforeEach(() => {
  clock = createSimClock();
  said = [];
  watch = new PolicyWatch(clock, {
    exchange: () => {},
    event: (level, event, message, fields = {}) => {
      expect([level, event]).toEqual(['error', 'policy_failed']);
      said.push({ message, fields });
    },
  });
  pool = poolWith(pickNearest);
  watch.configured([pool]);
});

const pass = (ms: number): void => clock.run(clock.nowMs() + ms);
const messages = (): string[] => said.map(({ message }) => message);

it('says the first failure with its stack, and the others once a minute', () => {
  watch.failed(pool, 1, 'TypeError: no luck\n  at pickNearest');
  expect(said).toEqual([
    {
      message:
        'pool web: the policy function pickNearest failed, ' +
        'so round robin chose instead: TypeError: no luck',
      fields: { pool: 'web', failures: 1, total: 1, stack: 'TypeError: no luck\n  at pickNearest' },
    },
  ]);
  watch.failed(pool, 40, 'again');
  watch.failed(pool, 2, 'and again');
  pass(59_000);
  expect(said).toHaveLength(1);
  pass(2000);
  expect(said[1]).toEqual({
    message:
      'pool web: the policy function pickNearest failed 42 times more in 60 s, ' +
      'so round robin chose instead: and again',
    fields: { pool: 'web', failures: 42, total: 43, stack: 'and again' },
  });
});

it('says it at once again when it was quiet for a minute', () => {
  watch.failed(pool, 1, 'first');
  pass(61_000);
  watch.failed(pool, 3, 'later');
  expect(messages()[1]).toContain('failed 3 times, so round robin chose instead: later');
});

it('counts over all workers, until another function comes', () => {
  expect(watch.failures(pool)).toBe(0);
  watch.failed(pool, 1, 'first');
  watch.failed(pool, 5, 'of another worker');
  expect(watch.failures(pool)).toBe(6);
  watch.configured([pool]);
  expect(watch.failures(pool)).toBe(6);
  pool.config = { ...pool.config, choose: () => null };
  watch.configured([pool]);
  expect(watch.failures(pool)).toBe(0);
  watch.failed(pool, 1, 'of the new one');
  expect(messages()[1]).toContain('of the new one');
});

it('has nothing to say of pools that have no function, or are gone', () => {
  const plain = poolWith(null);
  watch.configured([plain]);
  expect([watch.failures(plain), watch.failures(pool)]).toEqual([null, null]);
  watch.failed(plain, 1, 'late');
  watch.failed(pool, 1, 'late');
  expect(said).toEqual([]);
});

it('says nothing after it was stopped', () => {
  watch.failed(pool, 1, 'first');
  watch.failed(pool, 1, 'second');
  watch.stop();
  pass(120_000);
  expect(said).toHaveLength(1);
});
