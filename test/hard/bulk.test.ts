import { expect, it } from 'vitest';
import { bulk } from './bulk.ts';
import { misses, shortPatienceMs } from './figures.ts';

it('much data needs little memory, whoever stands still', {
  timeout: shortPatienceMs,
}, async () => {
  expect(misses(await bulk('short'))).toEqual([]);
});
