import { beforeEach, describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import type { SimWorker } from '../../../sim/worker.ts';
import { get, ok, type RawBackend } from '../../../test/engine-stage/engine-stage.ts';
import {
  backendConfig,
  config,
  NO_LIMITS,
  nobodyWaits,
  passiveHealth,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { addressOf, Ground, startWorker } from '../../../test/fixtures/sim-workers.ts';
import { identitySchedule, type Schedule } from '../balancing/schedule.ts';
import type { Config, PoolConfig } from '../config.ts';
import type { PoolMembers } from '../engine/engine.ts';
import type { Backend } from '../table/backend.ts';
import { State, statesOf } from '../table/table.ts';
import type { Imported } from './function-imports.ts';
import type { BackendView, FromWorker, FunctionsView, ToWorker } from './messages.ts';

const WORKER = 1;
const WEB = listenerConfig(8080);
const UPGRADE = 'Connection: upgrade\r\nUpgrade: odd\r\n';
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}\r\n`;

let ground: Ground;
let thread: SimWorker;
let heard: FromWorker[];
/** What the engine was configured with, in order. */
let configured: ReadonlyMap<string, PoolMembers>[];

const of = (...numbers: number[]): Config =>
  config([poolConfig(numbers.map((number) => backendConfig(number)))]);

beforeEach(() => {
  ground = new Ground(2, of(1, 2));
  heard = [];
  configured = [];
  thread = startWorker(ground, WORKER, {
    message: (message) => void heard.push(message),
    ended: () => {},
  });
  const { engine } = thread;
  const configure = engine.configure.bind(engine);
  engine.configure = (whole, pools, memories) => {
    configured.push(pools);
    configure(whole, pools, memories);
  };
});

/** The worker gets these, and has a little time. */
function tell(...messages: ToWorker[]): void {
  for (const message of messages) thread.post(message);
  ground.pass(2);
}

/** A backend takes a slot. */
function seat(number: number, addresses = [`10.0.0.${number}`]): BackendView {
  const { table } = ground;
  const slot = table.claim(1, State.up)!;
  const generation = table.generation(slot);
  return { slot, generation, config: backendConfig(number), addresses };
}

function scheduleOf(...slots: number[]): Schedule {
  const schedule = identitySchedule(slots, (bytes) => ground.table.allocate(bytes));
  schedule.setStates(statesOf(State.up, State.checking));
  return schedule;
}

/** The memory of a schedule that lets this one be tried. */
function trialOf(slot: number): ArrayBufferLike {
  const schedule = scheduleOf(slot);
  schedule.setStates(statesOf(State.up, State.trial));
  return schedule.words.buffer;
}

const configuration = (
  backends: readonly BackendView[],
  changes: Partial<Config> = {},
  ofPool: Partial<PoolConfig> = {},
): ToWorker => {
  const pool = poolConfig(
    backends.map((backend) => backend.config),
    ofPool,
  );
  const schedule = scheduleOf(...backends.map(({ slot }) => slot));
  const pools = [
    { config: pool, backends, schedule: schedule.words.buffer, waiting: nobodyWaits() },
  ];
  const whole = config([pool], changes);
  return { kind: 'configure', config: whole, functions: null, pools, memories: NO_LIMITS };
};

/** Backends with these numbers, in slots 0 and up; it listens. */
function begin(...numbers: number[]): BackendView[] {
  const views = numbers.map((number) => seat(number));
  tell(configuration(views), { kind: 'listen', listener: WEB });
  heard.length = 0;
  return views;
}

const known = (at = configured.length - 1): readonly Backend[] =>
  configured[at].get('default')!.backends;
const ask = (text = get()) => ground.ask(WORKER, text);
const idOf = ({ slot, generation }: BackendView) => ({ slot, generation });
const stale = ({ slot, generation }: BackendView) => ({ slot, generation: generation + 1 });

describe('a configuration', () => {
  it('is what the engine works with from then on', () => {
    const backend = ground.backend(1).answering();
    begin(1);
    expect(ask().statuses).toEqual([200]);
    expect(backend.connections).toHaveLength(1);
    expect(known()[0]).toMatchObject({ slot: 0, generation: 0, addresses: ['10.0.0.1'] });
  });

  it('keeps the same object for the same backend, with what is new about it', () => {
    const [one, two] = begin(1, 2);
    const heavier = { ...one.config, weight: 7 };
    tell(configuration([two, { ...one, config: heavier, addresses: ['10.9.9.9'] }]));
    const [before, after] = [known(0), known(1)];
    expect(after[0]).toBe(before[1]);
    expect(after[1]).toBe(before[0]);
    expect(after[1]).toMatchObject({ config: { weight: 7 }, addresses: ['10.9.9.9'] });
    expect(after[1].pool.backends[1].weight).toBe(7);
  });

  it('makes another object for another backend in the same slot', () => {
    const [one] = begin(1);
    ground.table.setState(one.slot, State.draining);
    ground.table.free(one.slot);
    const next = seat(2);
    expect(next).toMatchObject({ slot: one.slot, generation: 1 });
    tell(configuration([next]));
    expect(known(1)[0]).not.toBe(known(0)[0]);
    expect(known(1)[0].config.name).toBe('server-2');
  });

  it('brings a schedule from which all draw, and another may follow', () => {
    const backends = [1, 2].map((number) => ground.backend(number).answering());
    const [one, two] = begin(1, 2);
    const only = scheduleOf(two.slot);
    tell({ kind: 'schedule', pool: 'default', schedule: only.words.buffer });
    for (let turn = 0; turn < 3; turn++) expect(ask().statuses).toEqual([200]);
    expect(backends.map(({ connections }) => connections.length)).toEqual([0, 1]);
    expect(only.cursor).toBe(3);
    expect(ground.table.state(one.slot)).toBe(State.up);
  });
});

describe('messages about a backend', () => {
  let backend: RawBackend;

  beforeEach(() => {
    backend = ground.backend(1);
  });

  it('tell where it is to be found', () => {
    const [one] = begin(1);
    const other = ground.backend(9).answering();
    tell({ kind: 'addressed', id: stale(one), addresses: ['10.0.0.5'] });
    expect(known()[0].addresses).toEqual(['10.0.0.1']);
    tell({ kind: 'addressed', id: idOf(one), addresses: ['10.0.0.9'] });
    expect(ask().statuses).toEqual([200]);
    expect([backend.connections.length, other.connections.length]).toEqual([0, 1]);
  });

  it('take it down: its idle connections go', () => {
    backend.answering();
    const [one] = begin(1);
    ask();
    tell({ kind: 'down', id: stale(one) });
    tell({ kind: 'down', id: { slot: one.slot + 1, generation: 0 } });
    expect(backend.last.ended).toBe(false);
    tell({ kind: 'down', id: idOf(one) });
    expect(backend.last.ended).toBe(true);
  });

  it('cut exchanges', () => {
    const [one] = begin(1);
    const client = ask();
    tell({ kind: 'cut', id: stale(one), what: 'exchanges' });
    tell({ kind: 'cut', id: idOf(one), what: 'tunnels' });
    expect(client.received).toBe('');
    tell({ kind: 'cut', id: idOf(one), what: 'exchanges' });
    expect(client.statuses).toEqual([503]);
    expect(ground.table.inFlight(one.slot)).toBe(0);
  });

  it('cut tunnels', () => {
    backend.answering(SWITCH);
    const [one] = begin(1);
    const client = ask(get('/', UPGRADE));
    expect(ground.table.tunnels(one.slot)).toBe(1);
    tell({ kind: 'cut', id: stale(one), what: 'tunnels' });
    tell({ kind: 'cut', id: idOf(one), what: 'exchanges' });
    expect([client.statuses, client.closed]).toEqual([[101], undefined]);
    tell({ kind: 'cut', id: idOf(one), what: 'tunnels' });
    expect(client.closed).not.toBeUndefined();
    expect(ground.table.tunnels(one.slot)).toBe(0);
  });

  it('are heeded after it left the configuration: it drains', () => {
    const [one] = begin(1);
    const client = ask();
    tell(configuration([]), { kind: 'cut', id: idOf(one), what: 'exchanges' });
    expect(client.statuses).toEqual([503]);
  });
});

describe('listening', () => {
  it('is answered with the identity that was asked for, and the port', () => {
    const any = listenerConfig(0);
    tell({ kind: 'listen', listener: any });
    const [message] = heard;
    expect(message).toMatchObject({ kind: 'listening', address: any.address, failure: null });
    expect((message as { port: number }).port).toBeGreaterThan(0);
  });

  it('that fails says why', () => {
    const stranger = ground.world.network.transport(addressOf(WORKER));
    stranger.listen(
      { host: null, port: WEB.port },
      () => {
        throw new Error('nobody connects');
      },
      () => {},
    );
    tell({ kind: 'listen', listener: WEB });
    const inUse = { kind: 'address_in_use' };
    expect(heard).toMatchObject([{ kind: 'listening', address: '*:8080', failure: inUse }]);
    expect(ground.slabs.open(WORKER).listeners).toBe(0);
  });

  it('shows in the slab at once, and ends when it is asked to', () => {
    ground.pass(10);
    thread.post({ kind: 'listen', listener: WEB });
    // One turn: it has been told, and has not been answered by the network.
    ground.clock.step();
    expect([ground.slabs.open(WORKER).listeners, heard]).toEqual([1, []]);
    ground.pass(1);
    tell({ kind: 'unlisten', listener: WEB });
    expect(ask().closed).toMatchObject({ kind: 'refused' });
    ground.pass(100);
    expect(ground.slabs.open(WORKER).listeners).toBe(0);
  });
});

describe('what the engine sees', () => {
  it('is told with slot and generation: a backend that refuses', () => {
    const [one] = begin(1);
    ask();
    const id = idOf(one);
    expect(heard).toMatchObject([
      { kind: 'connect_failed', id, address: '10.0.0.1', failure: { kind: 'refused' } },
      { kind: 'suspected', id, failure: { kind: 'refused' } },
    ]);
    expect(ground.table.state(one.slot)).toBe(State.suspect);
  });

  it('is told: another address works', () => {
    ground.backend(9).answering();
    const one = seat(1, ['10.0.0.1', '10.0.0.9']);
    tell(configuration([one]), { kind: 'listen', listener: WEB });
    heard.length = 0;
    expect(ask().statuses).toEqual([200]);
    const id = idOf(one);
    expect(heard.map(({ kind }) => kind)).toEqual(['connect_failed', 'connected']);
    expect(heard[1]).toEqual({ kind: 'connected', id, address: '10.0.0.9' });
  });

  it('is told: a row of failures, and how a trial ended', () => {
    const backend = ground.backend(1);
    const one = seat(1);
    const passive = passiveHealth({ consecutiveFailures: 2 });
    tell(configuration([one], {}, { passiveHealth: passive }), { kind: 'listen', listener: WEB });
    heard.length = 0;
    backend.answering('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n');
    for (let i = 0; i < 3; i++) ask();
    const id = idOf(one);
    const why = 'because it answered 503';
    expect(heard).toEqual([{ kind: 'failing', id, why }]);
    for (const answer of ['HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n', ok()]) {
      backend.answering(answer);
      ground.table.offerTrial(one.slot);
      tell({ kind: 'schedule', pool: 'default', schedule: trialOf(one.slot) });
      ask();
    }
    expect(heard.slice(1)).toEqual([
      { kind: 'tried', id, failed: why },
      { kind: 'tried', id, failed: null },
    ]);
  });

  it('is told: the last exchange has left a backend that drains', () => {
    const backend = ground.backend(1);
    const [one] = begin(1);
    ask();
    ask();
    ground.table.setState(one.slot, State.draining);
    const [first, second] = backend.connections;
    first.send(ok());
    ground.pass(2);
    expect(heard).toEqual([]);
    second.send(ok());
    ground.pass(2);
    expect(heard).toEqual([{ kind: 'released', id: idOf(one) }]);
  });
});

describe('signs of life', () => {
  const beatsIn = (ms: number): number => {
    const before = ground.slabs.beats(WORKER);
    ground.pass(ms);
    return ground.slabs.beats(WORKER) - before;
  };

  it('come ten times a second from the beginning, in its own slab alone', () => {
    expect(ground.slabs.beats(WORKER)).toBe(1);
    expect(beatsIn(10_000)).toBe(100);
    expect(ground.slabs.beats(0)).toBe(0);
  });

  it('tell what is open', () => {
    const backend = ground.backend(1);
    begin(1);
    ask();
    ask();
    ground.pass(100);
    const open = { listeners: 1, connections: 2, exchanges: 2, tunnels: 0 };
    expect(ground.slabs.open(WORKER)).toEqual(open);
    backend.connections[0].send(ok());
    ground.pass(100);
    expect(ground.slabs.open(WORKER)).toEqual({ ...open, exchanges: 1 });
  });

  it('come faster while it stops, when somebody waits for them', () => {
    tell({ kind: 'begin_stop' });
    ground.pass(100);
    expect(beatsIn(1000)).toBe(50);
  });
});

describe('a stop', () => {
  it('closes the listeners, and says so in the slab', () => {
    begin(1);
    tell({ kind: 'begin_stop' });
    ground.pass(100);
    expect(ground.slabs.open(WORKER).listeners).toBe(0);
    expect(ask().closed).toMatchObject({ kind: 'refused' });
  });

  it('cuts what is still there when it is asked to', () => {
    const backend = ground.backend(1);
    begin(1);
    const client = ask();
    tell({ kind: 'begin_stop' }, { kind: 'cut_all' });
    ground.pass(100);
    expect([client.wasReset, backend.last.closed === undefined]).toEqual([true, false]);
    const nothing = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };
    expect(ground.slabs.open(WORKER)).toEqual(nothing);
  });

  it('ends with what is left of the log, and then the last word', () => {
    expect(thread.finishes).toBe(0);
    tell({ kind: 'finish' });
    expect(thread.finishes).toBe(1);
    expect(heard).toEqual([{ kind: 'finished' }]);
  });
});

describe('policy functions', () => {
  const FUNCTIONS: FunctionsView = {
    id: 1,
    module: { path: '/etc/evenkeel.config.mjs', digest: '' },
    texts: new Map([['default', '']]),
  };
  /** Imports that wait for their end. */
  let imports: ((imported: Imported) => void)[];
  beforeEach(() => {
    imports = [];
    ground.importFunctions = (_, done) => void imports.push(done);
  });

  const own = { policy: 'function' } as const;
  const ofSecond: Imported = {
    functions: new Map([['default', (candidates) => candidates.at(-1)]]),
  };
  const withFunctions = (views: readonly BackendView[]): ToWorker => ({
    ...(configuration(views, {}, own) as ToWorker & { readonly kind: 'configure' }),
    functions: FUNCTIONS,
  });

  it('are imported when they are asked for, and used with their configuration', () => {
    const backends = [ground.backend(1).answering(), ground.backend(2).answering()];
    const views = [seat(1), seat(2)];
    tell({ kind: 'prepare', functions: FUNCTIONS });
    expect(heard).toEqual([]);
    imports[0](ofSecond);
    ground.pass(2);
    expect(heard).toEqual([{ kind: 'prepared', id: 1, problem: null }]);
    tell(withFunctions(views), { kind: 'listen', listener: WEB });
    expect(imports).toHaveLength(1);
    for (let n = 0; n < 4; n++) ask();
    expect(backends.map(({ connections }) => connections.length > 0)).toEqual([false, true]);
  });

  it('that cannot be imported are told why', () => {
    tell({ kind: 'prepare', functions: FUNCTIONS });
    imports[0]({ problem: 'no luck' });
    ground.pass(2);
    expect(heard).toEqual([{ kind: 'prepared', id: 1, problem: 'no luck' }]);
  });

  it('are waited for by one that has just begun, and with them all that comes after', () => {
    const views = [seat(1)];
    tell(withFunctions(views), { kind: 'listen', listener: WEB });
    expect([configured.length, heard]).toEqual([0, []]);
    imports[0](ofSecond);
    ground.pass(2);
    expect(configured).toHaveLength(1);
    expect(heard).toEqual([{ kind: 'listening', address: WEB.address, failure: null, port: 8080 }]);
  });

  it('that one which has just begun cannot import are done without, by round robin', () => {
    const backends = [ground.backend(1).answering(), ground.backend(2).answering()];
    tell(withFunctions([seat(1), seat(2)]), { kind: 'listen', listener: WEB });
    imports[0]({ problem: 'no luck' });
    ground.pass(2);
    expect(heard[0]).toEqual({ kind: 'prepared', id: 1, problem: 'no luck' });
    for (let n = 0; n < 4; n++) ask();
    expect(backends.every(({ connections }) => connections.length > 0)).toBe(true);
  });

  it('keep nobody from ending', () => {
    tell(withFunctions([seat(1)]), { kind: 'finish' });
    expect(heard).toEqual([{ kind: 'finished' }]);
  });

  it('that fail are told with their pool, and why', () => {
    ground.backend(1).answering();
    tell(withFunctions([seat(1)]), { kind: 'listen', listener: WEB });
    imports[0]({
      functions: new Map([
        [
          'default',
          () => {
            throw 'no luck';
          },
        ],
      ]),
    });
    ground.pass(2);
    heard.length = 0;
    ask();
    const told = { kind: 'policy_failed', pool: 'default', failures: 1, why: 'no luck' };
    expect(heard).toEqual([told]);
  });
});
