import { describe, expect, it } from 'vitest';
import { backendConfig, poolConfig } from '../../test/fixtures/control-world.ts';
import { plainMemory } from '../../test/fixtures/drawn-order.ts';
import { identitySchedule, smoothSchedule } from '../core/balancing/schedule.ts';
import type { PoolConfig } from '../core/config.ts';
import { type Choice, failedHow, howChosen } from './how.ts';

const how = (pool: Partial<PoolConfig>, changes: Partial<Choice> = {}): string =>
  howChosen({
    pool: poolConfig([backendConfig(1)], pool),
    schedule: identitySchedule([0, 1, 2], plainMemory),
    cursor: 4,
    hasKey: true,
    considered: ['a', 'b', 'c'],
    seed: 9,
    unanswered: null,
    ...changes,
  });

describe('how a policy chose', () => {
  it('is a turn, of so many, in some order', () => {
    expect(how({ policy: 'round_robin' })).toBe('turn 2 of 3, in the order of the file');
    const schedule = smoothSchedule([0, 1], [3, 1], [0, 0], plainMemory);
    const smooth = 'turn 1 of 4, in smooth weighted order';
    expect(how({ policy: 'round_robin' }, { schedule })).toBe(smooth);
    const nobody = identitySchedule([], plainMemory);
    expect(how({ policy: 'round_robin' }, { schedule: nobody })).toBe('nobody has a turn');
  });

  it('names those that were drawn, and the seed', () => {
    expect(how({ policy: 'adaptive' })).toContain(
      'of a, b and c, drawn by weight from seed 9, the',
    );
    const alone = { considered: ['a'] };
    expect(how({ policy: 'least_request' }, alone)).toBe('there was nobody else to draw');
  });

  it('is what a function answered, or why that does not count, and then a turn', () => {
    const own = { policy: 'function', choose: () => null } as const;
    expect(how(own)).toBe('what it answered');
    expect(how(own, { unanswered: 'it chose nobody' })).toBe(
      'it chose nobody; so it is turn 2 of 3, in the order of the file',
    );
    expect(how(own, { considered: [] })).toBe('it was not asked: nobody could be picked');
  });

  it('is a turn for requests without a key', () => {
    expect(how({ policy: 'maglev' })).toBe('whose place it is');
    expect(how({ policy: 'maglev' }, { hasKey: false })).toContain('without a key: turn 2 of 3');
    expect(how({ policy: 'ring_hash', boundedLoad: 1.5 })).toContain('unless it has 1.5 times');
  });
});

describe('why a function failed', () => {
  it('is what it threw, and where in the configuration', () => {
    const error = new RangeError('boom\nand more');
    error.stack = `RangeError: boom
    at helper (file:///etc/helper.mjs:1:2)
    at policy (file:///etc/lb/own.mjs?import=3:5:11)
    at ask (file:///usr/evenkeel/by-function.js:9:9)`;
    expect(failedHow(error)).toBe('it threw RangeError: boom (own.mjs:5:11)');
    error.stack = 'RangeError: boom\n    at policy (/etc/lb/own.ts?import=1:5:11)';
    expect(failedHow(error)).toBe('it threw RangeError: boom (own.ts:5:11)');
    error.stack = 'RangeError: boom';
    expect(failedHow(error)).toBe('it threw RangeError: boom');
  });

  it('is what it answered, or threw without an error', () => {
    expect(failedHow('it answered a string; it')).toBe('it answered a string; it');
    expect(failedHow('boom')).toBe('it threw boom');
    expect(failedHow(undefined)).toBe('it threw undefined');
    expect(failedHow(Object.create(null))).toBe(
      'it threw something that cannot be written as text',
    );
  });
});
