import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { hostileAnswers, hostileExtras } from './hostile.ts';

it('bytes after a response reach nobody', { timeout: shortPatienceMs }, async () => {
  expect(misses(await hostileExtras('short'))).toEqual([]);
});

it('early answers and floods of interim ones mix nothing up', {
  timeout: shortPatienceMs,
}, async () => {
  expect(misses(await hostileAnswers('short'))).toEqual([]);
});
