import { expect, it } from 'vitest';
import { spread } from './statistics.ts';

it('takes the middle value, whatever the order', () => {
  expect(spread([9, 1, 10])).toEqual({ median: 9, least: 1, most: 10 });
});

it('takes the mean of the two in the middle of an even number', () => {
  expect(spread([4, 100, 2, 1])).toEqual({ median: 3, least: 1, most: 100 });
});
