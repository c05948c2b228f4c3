import { expect, it } from 'vitest';
import { runtimeFacts } from '../e2e/harness/runtime.ts';
import { misses, shortPatienceMs } from './figures.ts';
import { soak } from './soak.ts';

// With one worker the other parts do the same.
const { sharesPorts } = runtimeFacts();

it.skipIf(!sharesPorts)(
  'load, kills and reloads leave nothing behind',
  {
    timeout: shortPatienceMs,
  },
  async () => {
    expect(misses(await soak('short'))).toEqual([]);
  },
);
