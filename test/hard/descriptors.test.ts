import { expect, it } from 'vitest';
import { descriptors } from './descriptors.ts';
import { misses, shortPatienceMs } from './figures.ts';

it('far more clients than descriptors do no harm', { timeout: shortPatienceMs }, async () => {
  expect(misses(await descriptors('short'))).toEqual([]);
});
