import { beforeEach, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import { PolicyFailures } from './policy-failures.ts';

let clock: SimClock;
let told: [pool: string, failures: number, why: string][];
let failures: PolicyFailures;
let wheel: TimerWheel;

beforeEach(() => {
  clock = createSimClock();
  told = [];
  const policyFailed = (...about: [string, number, string]): void => void told.push(about);
  wheel = new TimerWheel(clock);
  failures = new PolicyFailures('web', { wheel, control: { policyFailed } });
});

const pass = (ms: number): void => clock.run(clock.nowMs() + ms);

it('are told at once, and then how many there were in a second', () => {
  failures.note('first');
  expect(told).toEqual([['web', 1, 'first']]);
  for (let n = 0; n < 99; n++) failures.note(`number ${n}`);
  expect(told).toHaveLength(1);
  pass(1100);
  expect(told.slice(1)).toEqual([['web', 99, 'number 98']]);
  failures.note('one more');
  expect(told).toHaveLength(2);
  pass(1100);
  expect(told.at(-1)).toEqual(['web', 1, 'one more']);
});

it('are told at once again when it has been quiet', () => {
  failures.note('first');
  pass(3000);
  failures.note('later');
  expect(told).toEqual([
    ['web', 1, 'first'],
    ['web', 1, 'later'],
  ]);
});

it('are all told when it stops, and then each at once, without a timer', () => {
  failures.note('first');
  failures.note('second');
  failures.stop();
  expect(told.slice(1)).toEqual([['web', 1, 'second']]);
  expect(wheel.size).toBe(0);
  failures.note('third');
  failures.note('fourth');
  expect(told.map(([, count]) => count)).toEqual([1, 1, 1, 1]);
  expect(wheel.size).toBe(0);
});

it('come with their stack, or as the text that they are, or without either', () => {
  const why = (thrown: unknown): string => {
    failures.note(thrown);
    pass(3000);
    return told.at(-1)![2];
  };
  expect(why(new RangeError('no luck'))).toMatch(/^RangeError: no luck\n +at .*policy-failures/);
  expect(why(undefined)).toBe('undefined');
  expect(why(Object.create(null))).toBe('something that cannot be written as text');
  expect(why('x'.repeat(10_000))).toHaveLength(4000);
});
