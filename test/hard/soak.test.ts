import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { soak } from './soak.ts';

it('load, kills and reloads leave nothing behind', { timeout: shortPatienceMs }, async () => {
  expect(misses(await soak('short'))).toEqual([]);
});
