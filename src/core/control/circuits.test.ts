import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import type { CircuitBreakerConfig } from '../config.ts';
import { Tracker } from '../health/tracker.ts';
import { Circuit } from '../resilience/circuit.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { Circuits } from './circuits.ts';
import type { Pool } from './members.ts';

const BREAKER: CircuitBreakerConfig = {
  failureRatio: 0.5,
  minimumRequests: 20,
  intervalMs: 10_000,
  openMs: 5000,
};

let world: ControlWorld;
let table: Table;
let circuits: Circuits;
let pool: Pool;
/** As a worker looks at it. */
let worker: Circuit;
const memories = new Map<string, ArrayBufferLike>();

beforeEach(() => {
  world = new ControlWorld();
  table = new Table({ capacity: 4, workers: 2 });
  circuits = new Circuits(table, world.clock, world.log);
  const configs = [1, 2].map((number) => backendConfig(number));
  const config = poolConfig(configs, { circuitBreaker: BREAKER });
  pool = emptyPool(config);
  pool.members = configs.map((each) => {
    const backend = new Backend(table.claim(1, State.up)!, 0, each, config);
    const tracker = new Tracker(null, true, 0);
    return { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  });
  const memory = new ArrayBuffer(Circuit.BYTES);
  memories.set('default', memory);
  worker = new Circuit(memory);
  circuits.configured([pool], memories);
});

/** So many attempts end, at both backends and in both workers. */
function traffic(answers: number, failures: number): void {
  const other = new Table({ capacity: 4, workers: 2 }, table.buffer, 1);
  for (let i = 0; i < failures; i++) (i % 2 ? table : other).noteFailure(i % 2);
  for (let i = 0; i < answers; i++) (i % 2 ? table : other).noteAnswer(i % 2, 1);
}

function trip(): void {
  traffic(0, 20);
  world.pass(1001);
}

/** The trial is taken, and ends. */
function tryOut(failed: boolean): void {
  expect(worker.admits()).toBe(true);
  worker.ended(worker.beginTrial(), failed);
  world.pass(51);
}

const state = (): string | null => circuits.stateOf(pool);

describe('a circuit breaker', () => {
  it('opens when the share of failures is there, of all backends together', () => {
    traffic(11, 10);
    world.pass(1001);
    expect(state()).toBe('closed');
    traffic(0, 1);
    world.pass(1000);
    expect(state()).toBe('open');
    expect(worker.refuses).toBe(true);
    expect(worker.retryAfterSeconds(world.clock.wallMs())).toBe(5);
    expect(world.events.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        event: 'circuit_opened',
        message:
          'pool default: the circuit is open, its exchanges are answered with 503 for 5 s: ' +
          '11 of 22 attempts failed within 10 s',
      },
    ]);
  });

  it('stays closed with few attempts, or when they are further apart than its interval', () => {
    traffic(0, 19);
    world.pass(11_000);
    traffic(0, 19);
    world.pass(11_000);
    expect(state()).toBe('closed');
  });

  it('counts nothing that came before it was configured', () => {
    circuits.configured([], memories);
    traffic(0, 100);
    circuits.configured([pool], memories);
    world.pass(2000);
    expect(state()).toBe('closed');
  });

  it('offers a trial when its time is over, and is closed by one that is answered', () => {
    trip();
    world.pass(4900);
    expect(state()).toBe('open');
    world.pass(200);
    expect(state()).toBe('half_open');
    expect(world.logged('circuit_trial')).toHaveLength(1);
    tryOut(false);
    expect(state()).toBe('closed');
    expect(world.logged('circuit_closed')).toEqual([
      'pool default: the circuit is closed, the exchange on trial was answered',
    ]);
    // What opened it is forgotten.
    world.pass(20_000);
    expect(state()).toBe('closed');
  });

  it('is open again for as long when the trial fails', () => {
    trip();
    world.pass(5100);
    tryOut(true);
    expect(state()).toBe('open');
    expect(world.logged('circuit_opened')[1]).toBe(
      'pool default: the circuit is open, its exchanges are answered with 503 for 5 s: ' +
        'the exchange on trial failed',
    );
    world.pass(5100);
    expect(state()).toBe('half_open');
  });

  it('waits for the trial as long as nobody comes', () => {
    trip();
    world.pass(60_000);
    expect(world.logged('circuit_trial')).toHaveLength(1);
    tryOut(false);
    expect(state()).toBe('closed');
  });

  it('offers another trial when one that was taken comes to nothing', () => {
    trip();
    world.pass(5100);
    worker.admits();
    world.pass(4000);
    expect(worker.admits()).toBe(false);
    world.pass(1100);
    expect(worker.admits()).toBe(true);
  });

  it('stays as it is over a reload, and is gone with its key or its pool', () => {
    trip();
    pool.config = { ...pool.config, circuitBreaker: { ...BREAKER, openMs: 100 } };
    circuits.configured([pool], memories);
    expect(state()).toBe('open');
    world.pass(5100);
    tryOut(true);
    world.pass(200);
    expect(state()).toBe('half_open');
    pool.config = { ...pool.config, circuitBreaker: null };
    circuits.configured([pool], memories);
    expect(state()).toBeNull();
    world.events.length = 0;
    traffic(0, 100);
    world.pass(20_000);
    expect(world.events).toEqual([]);
  });

  it('does nothing any more when all stops', () => {
    circuits.stop();
    trip();
    expect(worker.refuses).toBe(false);
  });
});
