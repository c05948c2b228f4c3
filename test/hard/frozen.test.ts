import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { frozen } from './frozen.ts';

it('a balancer that was frozen blames no backend', { timeout: shortPatienceMs }, async () => {
  expect(misses(await frozen('short'))).toEqual([]);
});
