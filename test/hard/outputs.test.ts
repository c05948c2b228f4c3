import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { outputs } from './outputs.ts';

it('an output that takes nothing stops no traffic', { timeout: shortPatienceMs }, async () => {
  expect(misses(await outputs('short'))).toEqual([]);
});
