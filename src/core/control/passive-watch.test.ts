import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  FakeEngine,
  healthCheck,
  passiveHealth,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { HealthCheckConfig, PassiveHealthConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, stateName, Table } from '../table/table.ts';
import { HealthWatch } from './health-watch.ts';
import type { Member, Pool } from './members.ts';
import { mostEjected, PassiveWatch } from './passive-watch.ts';
import { Prober } from './prober.ts';
import { Schedules } from './schedules.ts';

const BAD = 'because it answered 503';
/** Past an ejection of 10 s, whatever its jitter, and the second until somebody looks. */
const OVER_MS = 12_100;

let world: ControlWorld;
let table: Table;
let engine: FakeEngine;
let health: HealthWatch;
let watch: PassiveWatch;
let pool: Pool;

beforeEach(() => {
  world = new ControlWorld();
  const { transport, clock, rng, log } = world;
  engine = new FakeEngine(clock);
  table = new Table({ capacity: 16, workers: 2 });
  const silent = {
    connected: () => {},
    connectFailed: () => {},
    probed: () => {},
    reported: () => {},
  };
  const prober = new Prober(transport, clock, rng, silent);
  health = new HealthWatch(
    table,
    clock,
    log,
    engine,
    prober,
    new Schedules(table, clock, log, engine),
  );
  watch = new PassiveWatch(table, clock, rng, log, health);
});

/** So many backends, up, under this watch. */
function begin(
  size: number,
  passive: Partial<PassiveHealthConfig> = {},
  check: HealthCheckConfig | null = null,
): readonly Member[] {
  const configs = Array.from({ length: size }, (_, index) => backendConfig(index + 1));
  const config = poolConfig(configs, {
    healthCheck: check,
    passiveHealth: passiveHealth(passive),
  });
  pool = emptyPool(config);
  pool.members = configs.map((each) => {
    const tracker = new Tracker(check, true, 0);
    if (check !== null) tracker.probed({ kind: 'passed', what: 'fine' }, 0);
    const backend = new Backend(table.claim(1, tracker.state)!, 0, each, config);
    return { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  });
  watch.configured([pool]);
  return pool.members;
}

function configure(passive: PassiveHealthConfig | null): void {
  pool.config = { ...pool.config, passiveHealth: passive };
  watch.configured([pool]);
}

const states = (): string[] =>
  pool.members.map((each) => stateName(table.state(each.backend.slot)));

/** An exchange enters and is answered after so long, or fails. As seen by one worker or another. */
function traffic(member: Member, answers: number, failures: number, headMs = 1): void {
  const { slot } = member.backend;
  const other = new Table({ capacity: 16, workers: 2 }, table.buffer, 1);
  for (let i = 0; i < failures; i++) (i % 2 ? table : other).noteFailure(slot);
  for (let i = 0; i < answers; i++) (i % 2 ? table : other).noteAnswer(slot, headMs);
}

describe('a row of failures', () => {
  it('ejects at once, and the log says for how long and why', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    expect(states()).toEqual(['ejected', 'up', 'up']);
    expect(world.logged('backend_ejected')).toEqual([
      expect.stringMatching(
        /^server-1 is ejected for (9\.\d|1[01](\.\d)?|9|10) s: 5 attempts in a row failed, the last because it answered 503 \(2 of 3 up\)$/,
      ),
    ]);
    expect(first.tracker.why).toBe('5 attempts in a row failed, the last because it answered 503');
  });

  it('of one is not called a row', () => {
    const [first] = begin(2, { consecutiveFailures: 1 });
    watch.failing(first, BAD);
    expect(first.tracker.why).toBe('an attempt failed because it answered 503');
  });

  it('changes nothing about one that is down', () => {
    const [first] = begin(3, {}, healthCheck());
    const refused = { kind: 'failed', how: 'refused', why: 'refused' } as const;
    health.apply(first, first.tracker.probed(refused, 1)!);
    watch.failing(first, BAD);
    expect(states()).toEqual(['down', 'up', 'up']);
  });
});

describe('the guards', () => {
  it('allow a count: none of one, one of two and three, half of more, one at least', () => {
    const most = (members: number, maxEjected: number): number =>
      mostEjected(members, passiveHealth({ maxEjected }));
    expect([1, 2, 3, 4, 5, 10].map((n) => most(n, 0.5))).toEqual([0, 1, 1, 2, 2, 5]);
    expect([1, 2, 5, 10, 100].map((n) => most(n, 0.1))).toEqual([0, 1, 1, 1, 10]);
    expect([1, 2, 3].map((n) => most(n, 1))).toEqual([0, 2, 3]);
    // 28.999... as a product of doubles.
    expect([most(100, 0.29), most(50, 0.58)]).toEqual([29, 29]);
  });

  it.each([
    [1, 0.5, 0],
    [2, 0.5, 1],
    [3, 0.5, 1],
    [10, 0.5, 5],
    [3, 1, 2],
  ])('of %i, at most %f: %i are ejected when all fail', (size, maxEjected, ejected) => {
    for (const member of begin(size, { maxEjected })) watch.failing(member, BAD);
    expect(states().filter((state) => state === 'ejected')).toHaveLength(ejected);
  });

  it('say why somebody stays, once, and let him be ejected later', () => {
    const [first, second] = begin(2);
    watch.failing(first, BAD);
    for (let i = 0; i < 7; i++) traffic(second, 0, 1);
    watch.failing(second, BAD);
    watch.failing(second, BAD);
    expect(world.logged('backend_not_ejected')).toEqual([
      'server-2 is not ejected although 5 attempts in a row failed, the last because it answered ' +
        '503: nobody else is up',
    ]);
    expect(second.tracker.why).toMatch(/^nothing is known against it; not ejected although 5 /);
    world.pass(OVER_MS);
    watch.tried(first, null);
    world.pass(10_000);
    expect(states()).toEqual(['up', 'ejected']);
    expect(second.tracker.why).toBe('7 attempts in a row failed');
  });

  it('forget whom they spared when he answers again', () => {
    const [only] = begin(1);
    traffic(only, 0, 5);
    watch.failing(only, BAD);
    traffic(only, 1, 0);
    world.pass(10_000);
    expect(only.tracker.why).toBe('nothing is known against it');
  });

  it('count nobody as up who is suspect', () => {
    const [first, second] = begin(2);
    table.suspect(second.backend.slot);
    watch.failing(first, BAD);
    expect(states()).toEqual(['up', 'suspect']);
  });
});

describe('once an interval', () => {
  it('who has failed too large a share is ejected, over all workers together', () => {
    const [first, second] = begin(3);
    traffic(first, 10, 10);
    traffic(second, 19, 1);
    world.pass(10_000);
    expect(states()).toEqual(['ejected', 'up', 'up']);
    expect(first.tracker.why).toBe('10 of 20 attempts failed within 10 s');
  });

  it('what came in intervals before does not count, nor what was seen of a backend before', () => {
    table.noteFailure(0);
    const [first] = begin(2);
    traffic(first, 9, 9);
    world.pass(10_000);
    traffic(first, 9, 9);
    world.pass(10_000);
    expect(states()).toEqual(['up', 'up']);
  });

  it('what a worker saw before it died counts, and its successor goes on from there', () => {
    const [first] = begin(3);
    traffic(first, 10, 10);
    table.clearLedger(1);
    traffic(first, 1, 1);
    world.pass(10_000);
    expect(first.tracker.why).toBe('11 of 22 attempts failed within 10 s');
  });

  it('counts are right across the end of their 32 bits', () => {
    const ledgers = 3 * 16 * 2;
    new Int32Array(table.buffer, table.buffer.byteLength - ledgers * 4).fill(0x7ffffffa);
    const [first, second] = begin(3);
    traffic(first, 20, 20);
    traffic(second, 20, 10);
    world.pass(10_000);
    expect(states()).toEqual(['ejected', 'up', 'up']);
    expect(first.tracker.why).toBe('20 of 40 attempts failed within 10 s');
  });

  it('who is slow against the others is ejected, if that is asked for', () => {
    const members = begin(4, { slowerThan: 5 });
    for (const member of members) traffic(member, 20, 0, member === members[3] ? 500 : 10);
    world.pass(10_000);
    expect(states()).toEqual(['up', 'up', 'up', 'ejected']);
  });
});

describe('the way back', () => {
  it('is one trial when the time is over', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    world.pass(8900);
    expect(states()[0]).toBe('ejected');
    world.pass(OVER_MS - 8900);
    expect(states()[0]).toBe('trial');
    expect(world.logged('backend_trial')).toEqual([
      'server-1 is on trial: its ejection is over, and the next exchange decides (2 of 3 up)',
    ]);
    watch.tried(first, null);
    expect(states()[0]).toBe('up');
    expect(world.logged('backend_up')).toEqual([
      'server-1 is up: the exchange it got on trial was answered (3 of 3 up)',
    ]);
  });

  it('is twice as long after a trial that failed', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    watch.tried(first, BAD);
    expect(first.tracker.why).toBe('its trial failed because it answered 503');
    world.pass(17_900);
    expect(states()[0]).toBe('ejected');
    world.pass(5000);
    expect(states()[0]).toBe('trial');
  });

  it('is offered again when the trial came to nothing', () => {
    const [first] = begin(3);
    const { slot } = first.backend;
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    expect(table.enter(slot, 0, ~0)).toBe(true);
    const trial = table.beginTrial();
    world.pass(60_000);
    expect(states()[0]).toBe('ejected');
    table.leave(slot, trial);
    world.pass(1000);
    expect(states()[0]).toBe('trial');
  });

  it('waits then for nobody who has been there since before the ejection', () => {
    const [first] = begin(3);
    const { slot } = first.backend;
    expect(table.enter(slot, 0, ~0)).toBe(true);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    expect(table.enter(slot, 0, ~0)).toBe(true);
    table.leave(slot, table.beginTrial());
    world.pass(1000);
    expect(states()[0]).toBe('trial');
  });

  it('is offered again when a worker died that may have had the trial', () => {
    const [first] = begin(3);
    const { slot } = first.backend;
    const dying = new Table({ capacity: 16, workers: 2 }, table.buffer, 1);
    expect(table.enter(slot, 0, ~0)).toBe(true);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    watch.workerDied(first);
    expect(dying.enter(slot, 0, ~0)).toBe(true);
    table.clearLedger(1);
    watch.workerDied(first);
    world.pass(1000);
    expect(states()[0]).toBe('trial');
    expect(dying.enter(slot, 0, ~0)).toBe(true);
    expect(table.noteAnswer(slot, 1, dying.beginTrial())).toBe(true);
  });

  it('is in the schedule again with that, whatever changed while the trial was taken', () => {
    const [first, second] = begin(4);
    const { slot } = first.backend;
    const scheduled = () => [...engine.schedules.get('default')!.slots];
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    expect(scheduled()).toContain(slot);
    expect(table.enter(slot, 0, ~0)).toBe(true);
    watch.failing(second, BAD);
    expect(scheduled()).not.toContain(slot);
    table.leave(slot, table.beginTrial());
    world.pass(1000);
    expect(states()[0]).toBe('trial');
    expect(scheduled()).toContain(slot);
  });

  it('is a trial for one worker, of all that come', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    const other = new Table({ capacity: 16, workers: 2 }, table.buffer, 1);
    const mask = ~(1 << State.ejected);
    expect(other.enter(first.backend.slot, 0, mask)).toBe(true);
    expect(table.enter(first.backend.slot, 0, mask)).toBe(false);
    expect(table.inFlight(first.backend.slot)).toBe(1);
  });

  it('is not shortened by probes that pass, and waits while they fail', () => {
    const [first] = begin(3, {}, healthCheck());
    const probed = (kind: 'passed' | 'failed'): void => {
      const evidence =
        kind === 'passed'
          ? ({ kind, what: 'GET /health answered 200' } as const)
          : ({ kind, how: 'other', why: 'GET /health answered 500' } as const);
      const verdict = first.tracker.probed(evidence, 1);
      if (verdict !== null) health.apply(first, verdict);
    };
    watch.failing(first, BAD);
    probed('passed');
    expect(states()[0]).toBe('ejected');
    probed('failed');
    world.pass(OVER_MS);
    expect(states()[0]).toBe('ejected');
    probed('failed');
    probed('failed');
    expect(states()[0]).toBe('down');
    probed('passed');
    probed('passed');
    expect(states()[0]).toBe('ejected');
    world.pass(1000);
    expect(states()[0]).toBe('trial');
  });

  it('costs what it is later: healthy intervals shorten the next ejection again', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    watch.tried(first, null);
    world.pass(20_000);
    watch.failing(first, BAD);
    world.pass(OVER_MS);
    expect(states()[0]).toBe('trial');
  });
});

describe('a reload', () => {
  it('keeps ejections, and a shorter longest time shortens them', () => {
    const [first] = begin(3, { ejectionMs: 200_000 });
    watch.failing(first, BAD);
    configure(passiveHealth({ ejectionMs: 200_000, consecutiveFailures: 9 }));
    expect(states()[0]).toBe('ejected');
    configure(passiveHealth({ maxEjectionMs: 20_000 }));
    expect(states()[0]).toBe('ejected');
    world.pass(20_000);
    expect(states()[0]).toBe('trial');
  });

  it('that does not look for it any more brings who was ejected for it back', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    configure(passiveHealth({ consecutiveFailures: 0 }));
    expect(states()).toEqual(['up', 'up', 'up']);
    expect(first.tracker.why).toBe('what it was ejected for is allowed now');
  });

  it('without passive health brings everybody back, and leaves no timer', () => {
    const [first, second] = begin(4);
    watch.failing(first, BAD);
    watch.failing(second, BAD);
    world.pass(OVER_MS);
    configure(null);
    expect(states()).toEqual(['up', 'up', 'up', 'up']);
    expect(world.clock.pending()).toBe(0);
    watch.failing(first, BAD);
    watch.tried(first, BAD);
    expect(states()[0]).toBe('up');
  });

  it('without passive health says nothing more of whom it spared', () => {
    const [only] = begin(1);
    watch.failing(only, BAD);
    expect(only.tracker.why).toContain('not ejected');
    configure(null);
    expect(only.tracker.why).toBe('nothing is known against it');
  });

  it('with passive health again counts failures in a row from there', () => {
    const [first] = begin(3);
    traffic(first, 0, 4);
    configure(null);
    configure(passiveHealth());
    expect(table.noteFailure(first.backend.slot)).toBe(1);
    world.pass(10_000);
    expect(states()[0]).toBe('up');
  });

  it('to a smaller pool brings back as many as are too many, who is due first first', () => {
    const [first, second, third] = begin(4);
    watch.failing(second, BAD);
    world.pass(1500);
    watch.failing(first, BAD);
    pool.members = [first, second, third];
    watch.configured([pool]);
    expect(states()).toEqual(['ejected', 'up', 'up']);
  });
});

describe('the end', () => {
  it('of one that drains is quiet: it is neither in nor out', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    watch.forget(first);
    expect(first.tracker.ejection.stage).toBeNull();
  });

  it('leaves no timer', () => {
    const [first] = begin(3);
    watch.failing(first, BAD);
    watch.stop();
    expect(world.clock.pending()).toBe(0);
  });
});
