import { expect, it } from 'vitest';
import { BUCKETS, FailureWindow } from './failure-window.ts';

it('a window counts what came within its ten parts, and forgets the oldest', () => {
  const window = new FailureWindow();
  window.add(1, 2);
  for (let part = 1; part < BUCKETS; part++) window.add(10, 1);
  expect([window.total, window.failed]).toEqual([3 + 9 * 11, 2 + 9]);
  window.add(0, 0);
  expect([window.total, window.failed]).toEqual([9 * 11, 9]);
  window.clear();
  expect([window.total, window.failed]).toEqual([0, 0]);
});
