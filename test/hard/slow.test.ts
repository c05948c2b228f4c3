import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { slowClients } from './slow.ts';

it('slow clients are dropped, and nobody suffers', { timeout: shortPatienceMs }, async () => {
  expect(misses(await slowClients('short'))).toEqual([]);
});
