import { beforeEach, describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import { config, NO_LIMITS, occupy, poolConfig } from '../../../test/fixtures/control-world.ts';
import { plainMemory } from '../../../test/fixtures/drawn-order.ts';
import { FakeFleet, ONE_BACKEND, WEB } from '../../../test/fixtures/fake-fleet.ts';
import { identitySchedule } from '../balancing/schedule.ts';
import { latin1 } from '../base/bytes.ts';
import { failure } from '../base/failure.ts';
import { State, Table } from '../table/table.ts';
import type { ToWorker } from './messages.ts';

const inUse = failure('address_in_use', 'us', 'accept', 'never', 'another process has it');
const refused = failure('refused', 'backend', 'connect', 'safe', '10.0.0.1:9000 refused');

let world: FakeFleet;

beforeEach(() => {
  world = new FakeFleet(2);
});

describe('what the control thread asks', () => {
  it('goes to every worker, in the order in which it was asked', () => {
    const { fleet } = world;
    world.configure();
    fleet.schedule('default', identitySchedule([], plainMemory));
    fleet.addressed(world.backend);
    fleet.backendDown(world.backend);
    fleet.cut(world.backend, 'exchanges');
    fleet.cut(world.backend, 'tunnels');
    fleet.unlisten(WEB);
    fleet.beginStop();
    fleet.cutAll();
    const kinds = ['configure', 'schedule', 'addressed', 'down', 'cut', 'cut', 'unlisten'];
    const all = [...kinds, 'begin_stop', 'cut_all'];
    expect(world.taken()).toEqual([all, all]);
  });

  it('names backends by slot and generation, with all that a worker needs', () => {
    const { fleet, table } = world;
    table.claim(1, State.draining);
    table.free(0);
    world.configure();
    fleet.cut(world.backend, 'tunnels');
    const id = { slot: 0, generation: 1 };
    const [pool] = ONE_BACKEND.pools;
    const view = { ...id, config: pool.backends[0], addresses: ['10.0.0.1'] };
    const expected: ToWorker[] = [
      {
        kind: 'configure',
        config: ONE_BACKEND,
        functions: null,
        pools: [
          {
            config: pool,
            backends: [view],
            schedule: world.schedule.words.buffer,
            waiting: world.waiting,
          },
        ],
        memories: NO_LIMITS,
      },
      { kind: 'cut', id, what: 'tunnels' },
    ];
    expect(world.thread(1).told).toEqual(expected);
  });

  it('can be cloned, as between threads', () => {
    world.configure();
    world.listenAll();
    world.fleet.addressed(world.backend);
    for (const { told } of world.threads) expect(structuredClone(told)).toEqual(told);
  });

  it('tells of a schedule only when it is another than before', () => {
    const { fleet } = world;
    world.configure();
    world.taken();
    fleet.schedule('default', world.schedule);
    expect(world.taken()).toEqual([[], []]);
    const other = identitySchedule([world.backend.slot], plainMemory);
    fleet.schedule('default', other);
    fleet.schedule('default', other);
    expect(world.taken()).toEqual([['schedule'], ['schedule']]);
    fleet.schedule('default', world.schedule);
    fleet.schedule('no such pool', other);
    expect(world.taken()).toEqual([['schedule'], ['schedule']]);
  });
});

describe('a connection that a worker wants', () => {
  const wanted = (): void =>
    world.thread(0).say({ kind: 'connection_wanted', id: { slot: 0, generation: 0 } });

  it('is asked of whoever else has the most that carry nothing', () => {
    world = new FakeFleet(4);
    world.configure();
    world.taken();
    const has = (worker: number, connections: number, exchanges: number): void => {
      const table = new Table(
        { capacity: world.table.capacity, workers: 4 },
        world.table.buffer,
        worker,
      );
      for (let n = 0; n < connections; n++) table.openConnection(0, 0);
      for (let n = 0; n < exchanges; n++) occupy(table, 0);
    };
    has(0, 9, 0);
    has(1, 5, 5);
    has(2, 3, 1);
    has(3, 1, 0);
    wanted();
    expect(world.taken()).toEqual([[], [], ['give_connection'], []]);
  });

  it('is asked of nobody where none is spare, or the backend is another one by now', () => {
    world.configure();
    world.taken();
    wanted();
    world.thread(0).say({ kind: 'connection_wanted', id: { slot: 0, generation: 7 } });
    expect(world.taken()).toEqual([[], []]);
  });
});

describe('a listener of several workers', () => {
  it('is asked for when its port has been claimed, and open when all listen', () => {
    const answers = world.listen();
    expect(world.claims.map(({ listener }) => listener)).toEqual([WEB]);
    expect(world.taken()).toEqual([[], []]);
    world.claims[0].done(null, 8080);
    expect(world.taken()).toEqual([['listen'], ['listen']]);
    world.thread(1).answer();
    expect([answers, world.fleet.listening()]).toEqual([[], []]);
    world.thread(0).answer();
    expect(answers).toEqual([{ failure: null, port: 8080 }]);
    expect(world.fleet.listening()).toEqual([WEB]);
  });

  it('on port 0 is asked for with the port that the system chose, the same for all', () => {
    const any = listenerConfig(0);
    const answers = world.listen(any);
    world.claims[0].done(null, 41_234);
    expect(world.threads.map((thread) => thread.portsAsked)).toEqual([[41_234], [41_234]]);
    for (const thread of world.threads) thread.answer(null, any, 41_234);
    expect(answers).toEqual([{ failure: null, port: 41_234 }]);
    expect(world.fleet.listening()).toEqual([{ ...any, port: 41_234 }]);
  });

  it('whose port somebody has is asked of nobody', () => {
    const answers = world.listen();
    world.claims[0].done(inUse, 0);
    expect(answers.map(({ failure: failed }) => failed)).toEqual([inUse]);
    expect(world.threads.flatMap((thread) => thread.portsAsked)).toEqual([]);
    expect(world.fleet.listening()).toEqual([]);
  });

  it('that one of them cannot open is closed by all', () => {
    const answers = world.listen();
    world.claims[0].done(null, 8080);
    world.thread(0).answer();
    world.thread(1).answer(inUse);
    expect(answers.map(({ failure: failed }) => failed)).toEqual([inUse]);
    expect(world.taken()).toEqual([
      ['listen', 'unlisten'],
      ['listen', 'unlisten'],
    ]);
    world.thread(0).answer(inUse);
    expect([answers.length, world.fleet.listening()]).toEqual([1, []]);
  });

  it('that is closed while its port is being claimed is asked of nobody any more', () => {
    const answers = world.listen();
    world.fleet.unlisten(WEB);
    expect(answers.map(({ failure: failed }) => failed?.kind)).toEqual(['stopping']);
    world.claims[0].done(null, 8080);
    expect(world.threads.flatMap((thread) => thread.portsAsked)).toEqual([]);
    expect(answers).toHaveLength(1);
  });

  it('that is closed before all have answered is not open, whatever they answer', () => {
    const answers = world.listen();
    world.claims[0].done(null, 8080);
    world.thread(0).answer();
    world.fleet.unlisten(WEB);
    world.thread(1).answer();
    expect(answers.map(({ failure: failed }) => failed?.kind)).toEqual(['stopping']);
    expect(world.fleet.listening()).toEqual([]);
    expect(world.thread(0).take().at(-1)).toBe('unlisten');
  });

  it('can be opened again after it was closed', () => {
    world.listenAll();
    world.fleet.unlisten(WEB);
    expect(world.fleet.listening()).toEqual([]);
    world.listenAll();
    expect(world.fleet.listening()).toEqual([WEB]);
  });
});

describe('the listener of a single worker', () => {
  it('is asked for at once: nobody shares its port', () => {
    world = new FakeFleet(1);
    const any = listenerConfig(0);
    const answers = world.listen(any);
    expect(world.claims).toEqual([]);
    expect(world.thread(0).portsAsked).toEqual([0]);
    world.thread(0).answer(null, any, 40_321);
    expect(answers).toEqual([{ failure: null, port: 40_321 }]);
    expect(world.fleet.listening()[0].port).toBe(40_321);
  });

  it('keeps its port when the worker is replaced', () => {
    world = new FakeFleet(1);
    const any = listenerConfig(0);
    world.listen(any);
    world.thread(0).answer(null, any, 40_321);
    world.thread(0).die('an error');
    expect(world.thread(0).portsAsked).toEqual([40_321]);
  });
});

describe('what workers tell', () => {
  it('is told as if one engine had seen it', () => {
    world.configure();
    const { slot, generation } = world.backend;
    const id = { slot, generation };
    const [one, other] = world.threads;
    one.say({ kind: 'suspected', id, failure: refused });
    other.say({ kind: 'connect_failed', id, address: '10.0.0.1', failure: refused });
    one.say({ kind: 'connected', id, address: '10.0.0.2' });
    other.say({ kind: 'released', id });
    one.say({ kind: 'failing', id, why: 'because it answered 503' });
    other.say({ kind: 'tried', id, failed: null });
    expect(world.evidence).toEqual([
      'suspected server-1: refused',
      'connectFailed server-1 10.0.0.1',
      'connected server-1 10.0.0.2',
      'released server-1',
      'failing server-1 because it answered 503',
      'tried server-1 well',
    ]);
  });

  it('about a slot of another generation, or of nobody, is ignored', () => {
    world.configure();
    const { slot, generation } = world.backend;
    for (const id of [
      { slot, generation: generation + 1 },
      { slot, generation: generation - 1 },
      { slot: slot + 1, generation },
    ]) {
      world.thread(0).say({ kind: 'released', id });
      world.thread(0).say({ kind: 'suspected', id, failure: refused });
    }
    expect(world.evidence).toEqual([]);
  });

  it('about a backend that left the configuration is still heard: it drains', () => {
    world.configure();
    const { slot, generation } = world.backend;
    const members = { backends: [], schedule: world.schedule, waiting: world.waiting };
    world.fleet.configure(config([poolConfig([])]), new Map([['default', members]]), NO_LIMITS);
    world.thread(0).say({ kind: 'released', id: { slot, generation } });
    expect(world.evidence).toEqual(['released server-1']);
  });

  it('about its counts is the sum over all, as of their last beats', () => {
    world.show(0, { listeners: 1, connections: 5, exchanges: 2, tunnels: 1 });
    world.show(1, { listeners: 1, connections: 7, exchanges: 3 });
    const sum = { listeners: 2, connections: 12, exchanges: 5, tunnels: 1 };
    expect(world.fleet.open()).toEqual(sum);
  });

  it('in its log is passed on, and taken from what waits', () => {
    world.slabs.handOverLog(1, 10, 100);
    world.thread(1).say({ kind: 'log', bytes: latin1('a\nb\n'), lines: 2 });
    expect(world.logLines).toEqual([['a\nb\n', 2]]);
    expect(world.slabs.logWaiting(1)).toBe(6);
  });
});
