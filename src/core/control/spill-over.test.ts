import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { type Eligible, eligible, WARM } from '../health/eligibility.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State } from '../table/table.ts';
import { levelOf, type Pool } from './members.ts';
import { SpillOver } from './spill-over.ts';

const { up, down } = State;

let world: ControlWorld;
let spillOver: SpillOver;
let pool: Pool;

beforeEach(() => {
  world = new ControlWorld();
  spillOver = new SpillOver(world.log);
  pool = poolOf({}, {}, { priority: 1 }, { backup: true });
});

function poolOf(...changes: readonly Parameters<typeof backendConfig>[1][]): Pool {
  const made = emptyPool(poolConfig([]));
  made.members = changes.map((each, slot) => {
    const backend = new Backend(slot, 0, backendConfig(slot + 1, each), made.config);
    const tracker = new Tracker(null, true, 0);
    return { backend, tracker, pool: made, drain: null, turnedMs: null, pardoned: false };
  });
  return made;
}

const among = (...states: readonly State[]): Eligible =>
  eligible(
    pool.members.map(({ backend }, slot) => ({
      slot,
      state: states[slot],
      verdictOverdue: false,
      level: levelOf(backend.config),
      warmth: WARM,
    })),
    false,
  );

/** The pool is noted with its backends in these states; the lines that makes, with their level. */
function noted(...states: readonly State[]): string[] {
  spillOver.note(pool, among(...states));
  return world.events.splice(0).map(({ level, message }) => `${level} ${message}`);
}

describe('the log', () => {
  it('says nothing while all goes to the first level', () => {
    expect(noted(up, up, up, up)).toEqual([]);
    expect(noted(up, up, down, down)).toEqual([]);
  });

  it('says once when exchanges spill over, and once when they do not any more', () => {
    expect(noted(up, down, up, up)).toEqual([
      'warn pool default spills over: of its exchanges go 70 % to priority 0 (1 of 2 can be ' +
        'chosen) and 30 % to priority 1 (1 of 1 can be chosen)',
    ]);
    expect(noted(down, up, up, up)).toEqual([]);
    expect(noted(up, up, up, up)).toEqual([
      'info pool default does not spill over any more: all of its exchanges go to priority 0 again',
    ]);
    expect(noted(up, up, up, up)).toEqual([]);
  });

  it('says when backups are used, and when they are not any more', () => {
    expect(noted(down, down, down, up)).toEqual([
      'warn pool default uses its backups (1 of 1 can be chosen): nobody else can be chosen',
    ]);
    expect(noted(down, down, down, up)).toEqual([]);
    expect(noted(up, up, down, up)).toEqual([
      'info pool default does not use its backups any more: all of its exchanges go to ' +
        'priority 0 again',
    ]);
  });

  it('says when they spill over from the next level on', () => {
    noted(up, down, up, up);
    expect(noted(down, down, up, up)).toEqual([
      'warn pool default spills over: of its exchanges go 100 % to priority 1 (1 of 1 can be ' +
        'chosen)',
    ]);
  });

  it('says nothing about a pool without anybody, and remembers what was before', () => {
    noted(down, down, down, up);
    expect(noted(down, down, down, down)).toEqual([]);
    expect(noted(down, down, down, up)).toEqual([]);
  });

  it('takes the lowest priority there is for the first', () => {
    pool = poolOf({ priority: 3 }, { priority: 7 });
    expect(noted(up, up)).toEqual([]);
    expect(noted(down, up)).toHaveLength(1);
    expect(noted(up, up)).toHaveLength(1);
  });
});
