import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { workers } from './workers.ts';

it('threads that enter, leave and die leave a table in order behind', {
  timeout: shortPatienceMs,
}, async () => {
  expect(misses(await workers('short'))).toEqual([]);
});
