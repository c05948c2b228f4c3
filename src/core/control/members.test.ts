import { expect, it } from 'vitest';
import { backendConfig, emptyPool, poolConfig } from '../../../test/fixtures/control-world.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { upCount } from './members.ts';

it('counts those that are up among those that are configured', () => {
  const table = new Table({ capacity: 4, workers: 1 });
  const config = poolConfig([1, 2, 3].map((number) => backendConfig(number)));
  const pool = emptyPool(config);
  for (const [index, state] of [State.up, State.suspect, State.up].entries()) {
    const slot = table.claim(1, state) ?? -1;
    pool.members.push({
      backend: new Backend(slot, 0, config.backends[index], config),
      tracker: new Tracker(null, true, 0),
      pool,
      drain: null,
      turnedMs: null,
      pardoned: false,
    });
  }
  expect(upCount(table, pool)).toEqual({ up: 2, of: 3 });
});
