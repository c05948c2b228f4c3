import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  FakeEngine,
  healthCheck,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { HealthCheckConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, stateName, Table } from '../table/table.ts';
import { HealthWatch } from './health-watch.ts';
import type { Member, Pool } from './members.ts';
import type { Outcome } from './probe.ts';
import { Prober } from './prober.ts';
import { Schedules } from './schedules.ts';

const pass: Outcome = { kind: 'passed', what: 'GET /health answered 200' };
const why = 'GET /health took longer than 2 s';
const slow: Outcome = { kind: 'failed', how: 'timeout', why };
const refused: Outcome = { kind: 'failed', how: 'refused', why: 'a:1 refused the connection' };

/** What the watch asks of the prober, instead of probing. */
class RecordingProber extends Prober {
  readonly asked: string[] = [];

  override schedule(backend: Backend, delayMs: number, tookMs = 0): void {
    this.asked.push(`${backend.config.name} in ${delayMs - tookMs}`);
  }

  override soon(backend: Backend): void {
    this.asked.push(`${backend.config.name} soon`);
  }

  override forget(backend: Backend): void {
    this.asked.push(`${backend.config.name} never`);
  }
}

let world: ControlWorld;
let engine: FakeEngine;
let table: Table;
let prober: RecordingProber;
let watch: HealthWatch;

beforeEach(() => {
  world = new ControlWorld();
  engine = new FakeEngine(world.clock);
  table = new Table({ capacity: 16, workers: 1 });
  prober = new RecordingProber(world.transport, world.clock, world.rng, {
    connected: () => {},
    connectFailed: () => {},
    probed: () => {},
    reported: () => {},
  });
  watch = new HealthWatch(
    table,
    world.clock,
    world.log,
    engine,
    prober,
    new Schedules(table, world.clock, world.log, engine),
  );
});

function poolOf(size: number, check: HealthCheckConfig | null = healthCheck()): Pool {
  const backends = Array.from({ length: size }, (_, index) => backendConfig(index + 1));
  const config = poolConfig(backends, { healthCheck: check });
  const pool = emptyPool(config);
  for (const each of backends) {
    const tracker = new Tracker(check, true, world.clock.wallMs());
    const slot = table.claim(1, tracker.state) ?? -1;
    const backend = new Backend(slot, 0, each, config);
    backend.addresses = ['10.0.0.1'];
    pool.members.push({ backend, tracker, pool, drain: null, turnedMs: null, pardoned: false });
  }
  return pool;
}

/** A pool whose members are all up. */
function passing(size: number, check: HealthCheckConfig = healthCheck()): Pool {
  const pool = poolOf(size, check);
  for (const member of pool.members) watch.probed(member, pass, 1);
  take();
  world.events.length = 0;
  return pool;
}

const states = (pool: Pool): string[] =>
  pool.members.map(({ backend }) => stateName(table.state(backend.slot)));

/** What was asked of prober and engine since the last time. */
const take = (): string[] => [...prober.asked.splice(0), ...engine.take()];

const nobody = '10.0.0.1:9000 refused';

describe('a verdict', () => {
  it('goes to the table, the engine and the log', () => {
    const [first] = poolOf(2).members;
    watch.probed(first, pass, 20);
    expect(table.state(first.backend.slot)).toBe(State.up);
    expect(take()).toEqual(['server-1 in 4980', 'refresh default']);
    expect(world.events).toEqual([
      {
        level: 'info',
        event: 'backend_up',
        message: 'server-1 is up: GET /health answered 200 (1 of 2 up)',
      },
    ]);
  });

  it('of being down tells the engine after the schedule is rebuilt, and reads well', () => {
    const pool = passing(3);
    const member = pool.members[1];
    watch.probed(member, slow, 2000);
    watch.probed(member, slow, 2000);
    expect(take()).toEqual(['server-2 in 3000', 'server-2 in 3000']);
    watch.probed(member, slow, 2000);
    expect(take()).toEqual(['server-2 in 3000', 'refresh default', 'backendDown server-2']);
    expect(world.events).toEqual([
      {
        level: 'warn',
        event: 'backend_down',
        message: `server-2 is down: 3 probes failed, the last because ${why} (2 of 3 up)`,
      },
    ]);
  });

  it('is an error when nobody is left', () => {
    const pool = passing(1);
    watch.probed(pool.members[0], refused, 1);
    expect(world.events).toMatchObject([{ level: 'error', event: 'backend_down' }]);
  });
});

describe('a suspicion', () => {
  it('has the backend probed at once', () => {
    const pool = passing(2);
    watch.suspected(pool.members[0], nobody);
    watch.suspected(pool.members[0], nobody);
    expect(take()).toEqual(['server-1 soon', 'refresh default']);
    expect(world.logged('backend_suspect')).toEqual([
      'server-1 is suspect: 10.0.0.1:9000 refused (1 of 2 up)',
    ]);
    watch.probed(pool.members[0], pass, 0);
    expect(states(pool)).toEqual(['up', 'up']);
  });

  it('that a worker has put into the table and told nobody of is heard of when it died', () => {
    const pool = passing(3);
    const [first, second] = pool.members;
    table.suspect(first.backend.slot);
    table.suspect(second.backend.slot);
    watch.suspected(second, nobody);
    take();
    for (const member of pool.members) watch.workerDied(member);
    expect(take()).toEqual(['server-1 soon', 'refresh default']);
    expect(world.logged('backend_suspect').slice(1)).toEqual([
      'server-1 is suspect: a worker could not connect to it and has not said why (1 of 3 up)',
    ]);
    watch.probed(first, pass, 0);
    expect(states(pool)).toEqual(['up', 'suspect', 'up']);
  });

  it('without a health check has it probed after a second, and then less often', () => {
    const pool = poolOf(2, null);
    const [first] = pool.members;
    watch.begin(pool, pool.members);
    expect(take()).toEqual([]);
    watch.suspected(first, nobody);
    watch.probed(first, refused, 0);
    watch.probed(first, refused, 0);
    watch.probed(first, pass, 0);
    expect(prober.asked).toEqual(['server-1 in 1000', 'server-1 in 2000', 'server-1 in 4000']);
    expect(states(pool)).toEqual(['up', 'up']);
  });
});

describe('a probe that says nothing', () => {
  it('changes nothing, is sent again, and is logged now and then', () => {
    const pool = passing(1);
    const [member] = pool.members;
    for (let probe = 0; probe < 5; probe++) {
      watch.probed(member, { kind: 'void', why: 'no descriptors are left' }, 0);
    }
    expect(states(pool)).toEqual(['up']);
    expect(take()).toHaveLength(5);
    expect(world.logged('probe_void')).toEqual([
      'a probe of server-1 says nothing about it, the trouble is ours: no descriptors are left',
    ]);
  });
});

describe('before the first verdicts', () => {
  it('those that are checking are not overdue until the timeout has passed', () => {
    const pool = poolOf(3);
    watch.begin(pool, pool.members);
    expect(take()).toEqual(['server-1 soon', 'server-2 soon', 'server-3 soon']);
    watch.probed(pool.members[0], pass, 0);
    take();
    const overdue = (): boolean[] => pool.members.map(({ backend }) => backend.verdictOverdue);
    world.pass(1999);
    expect(overdue()).toEqual([false, false, false]);
    world.pass(2);
    expect(overdue()).toEqual([false, true, true]);
    expect(take()).toEqual(['refresh default']);
    watch.probed(pool.members[1], pass, 0);
    expect(overdue()).toEqual([false, false, true]);
  });

  it('nothing is rebuilt when all verdicts came in time', () => {
    const pool = poolOf(1);
    watch.begin(pool, pool.members);
    watch.probed(pool.members[0], pass, 0);
    take();
    world.pass(5000);
    expect(take()).toEqual([]);
  });
});

describe('a name', () => {
  it('that cannot be resolved takes the backend down until it can', () => {
    const pool = poolOf(1);
    const [member] = pool.members;
    watch.unresolved(member, 'cannot resolve web: no such name');
    expect(states(pool)).toEqual(['down']);
    expect(world.logged('backend_down')).toEqual([
      'server-1 is down: cannot resolve web: no such name (0 of 1 up)',
    ]);
    take();
    watch.resolved(member);
    expect(states(pool)).toEqual(['checking']);
    expect(take()).toEqual(['server-1 soon', 'refresh default']);
    world.pass(2001);
    expect(member.backend.verdictOverdue).toBe(true);
  });

  it('that has new addresses has its backend probed unless that is up', () => {
    const pool = passing(2);
    watch.probed(pool.members[1], refused, 0);
    take();
    watch.resolved(pool.members[0]);
    watch.resolved(pool.members[1]);
    expect(take()).toEqual(['server-2 soon']);
  });
});

describe('another health check', () => {
  it('is tried at once', () => {
    const pool = passing(1);
    pool.config = { ...pool.config, healthCheck: healthCheck({ path: '/up' }) };
    watch.reconfigured(pool.members[0]);
    expect(take()).toEqual(['server-1 soon']);
  });

  it('of none at all ends the probes, and turns down into suspect', () => {
    const pool = passing(2);
    watch.probed(pool.members[1], refused, 0);
    take();
    pool.config = { ...pool.config, healthCheck: null };
    for (const member of pool.members) watch.reconfigured(member);
    expect(states(pool)).toEqual(['up', 'suspect']);
    expect(prober.asked).toEqual(['server-1 never', 'server-2 soon']);
  });
});

describe('when more than half of a pool stop answering within one interval', () => {
  const timeOut = (pool: Pool, ...indices: number[]): void => {
    for (const index of indices) watch.probed(pool.members[index], slow, 2000);
  };
  const drain = (member: Member): void => {
    const untilMs = { exchangesUntilMs: 30_000, tunnelsUntilMs: 600_000 };
    member.drain = { sinceWallMs: 0, sinceMs: 0, ...untilMs, removed: false, empty: false };
    table.setState(member.backend.slot, State.draining);
  };

  it('they stay up, are probed again at once, and the log asks whether it is us', () => {
    const pool = passing(4);
    timeOut(pool, 0, 1);
    expect(take()).toEqual(['server-1 in 3000', 'server-2 in 3000']);
    timeOut(pool, 2);
    expect(take()).toEqual(['server-1 soon', 'server-2 soon', 'server-3 soon']);
    timeOut(pool, 3);
    expect(take()).toEqual(['server-4 soon']);
    expect(states(pool)).toEqual(['up', 'up', 'up', 'up']);
    expect(world.events).toEqual([
      {
        level: 'warn',
        event: 'probes_timed_out_together',
        message:
          '3 of 4 backends of pool default stopped answering probes within 5.5 s: is it us? ' +
          'They stay up and are probed again at once',
      },
    ]);
  });

  it('they are let off once: who goes on being silent goes down', () => {
    const pool = passing(4);
    timeOut(pool, 0, 1, 2);
    for (let round = 0; round < 3; round++) timeOut(pool, 0, 1, 2);
    expect(states(pool)).toEqual(['down', 'down', 'down', 'up']);
    expect(world.logged('probes_timed_out_together')).toHaveLength(1);
  });

  it('those that one timeout had already taken down are up again', () => {
    const pool = passing(4, healthCheck({ unhealthyThreshold: 1 }));
    timeOut(pool, 0, 1);
    expect(states(pool)).toEqual(['down', 'down', 'up', 'up']);
    timeOut(pool, 2);
    expect(states(pool).slice(0, 2)).toEqual(['up', 'up']);
    expect(states(pool)[2]).toBe('up');
  });

  it.each([
    ['a pool of three', 3, [0, 1, 2], 0],
    ['half of the pool', 4, [0, 1], 0],
    ['more than half, but slowly', 4, [0, 1, 2], 3000],
  ])('not for %s', (_case, size, indices, gapMs) => {
    const pool = passing(size);
    for (const index of indices) {
      timeOut(pool, index);
      world.pass(gapMs);
    }
    expect(world.logged('probes_timed_out_together')).toEqual([]);
    expect(prober.asked.filter((asked) => asked.endsWith('soon'))).toEqual([]);
  });

  it('those that drain are neither let off nor counted', () => {
    const pool = passing(5);
    timeOut(pool, 0);
    drain(pool.members[0]);
    timeOut(pool, 1, 2);
    expect(world.logged('probes_timed_out_together')).toEqual([]);
    timeOut(pool, 3);
    expect(states(pool)).toEqual(['draining', 'up', 'up', 'up', 'up']);
    expect(take().slice(-3)).toEqual(['server-2 soon', 'server-3 soon', 'server-4 soon']);
    expect(world.logged('probes_timed_out_together')).toEqual([
      '3 of 4 backends of pool default stopped answering probes within 5.5 s: is it us? ' +
        'They stay up and are probed again at once',
    ]);
  });

  it('who drains stays draining, also when one timeout had taken it down', () => {
    const pool = passing(5, healthCheck({ unhealthyThreshold: 1 }));
    timeOut(pool, 0);
    drain(pool.members[0]);
    timeOut(pool, 1, 2, 3);
    expect(states(pool)).toEqual(['draining', 'up', 'up', 'up', 'up']);
  });

  it('not for refusals: somebody said no', () => {
    const pool = passing(4);
    for (const member of pool.members) watch.probed(member, refused, 0);
    expect(states(pool)).toEqual(['down', 'down', 'down', 'down']);
  });

  it('again after they have passed', () => {
    const pool = passing(4);
    timeOut(pool, 0, 1, 2);
    for (const member of pool.members) watch.probed(member, pass, 0);
    timeOut(pool, 1, 2, 3);
    expect(world.logged('probes_timed_out_together')).toHaveLength(2);
  });
});

describe('stopping', () => {
  it('leaves no timer', () => {
    const pool = poolOf(2);
    watch.begin(pool, pool.members);
    watch.stop();
    expect(world.clock.pending()).toBe(0);
  });
});
