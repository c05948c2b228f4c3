import { afterEach, describe, expect, it } from 'vitest';
import { Room } from '../src/core/balancing/bounded-load.ts';
import { PassiveWatch } from '../src/core/control/passive-watch.ts';
import { Attempt } from '../src/core/engine/attempt.ts';
import { BackendConnection } from '../src/core/engine/backend-connection.ts';
import { Pool } from '../src/core/engine/pool.ts';
import { RetryRule } from '../src/core/engine/retry-rule.ts';
import { StickyCookie } from '../src/core/engine/sticky-cookie.ts';
import { StickySessions } from '../src/core/engine/sticky-sessions.ts';
import { BodyReader } from '../src/core/http1/body-reader.ts';
import { Circuit } from '../src/core/resilience/circuit.ts';
import { SessionTable } from '../src/core/table/session-table.ts';
import { Table } from '../src/core/table/table.ts';
import { isLimited, optionsOf, type SimOptions } from './options.ts';
import { type RunResult, runSeed } from './run.ts';

/** Seeds that a planted bug may need until it is found. */
const ENOUGH = 16;

const run = (seed: number): RunResult => runSeed(seed, { forMs: null, print: null });

const SEEDS = Array.from({ length: ENOUGH }, (_, i) => i + 1);

/** Of worlds like that, which are few, the first ones. */
const seedsWith = (isSo: (options: SimOptions) => boolean, number: number): number[] =>
  Array.from({ length: 3000 }, (_, seed) => seed)
    .filter((seed) => isSo(optionsOf(seed)))
    .slice(0, number);

/** The first seed whose run breaks a promise, as `checker: sentence`; null: none does. */
function firstViolation(seeds: readonly number[] = SEEDS): string | null {
  for (const seed of seeds) {
    const { violation } = run(seed);
    if (violation !== null) return `${violation.checker}: ${violation.sentence}`;
  }
  return null;
}

type Method = (this: Record<string, unknown>, ...args: unknown[]) => unknown;
const planted: (() => void)[] = [];

/** Puts a bug in the place of a method, until the test is over. */
function plant(type: { readonly prototype: object }, name: string, bug: (old: Method) => Method) {
  const prototype = type.prototype as Record<string, Method>;
  const old = prototype[name];
  if (typeof old !== 'function') throw new Error(`there is no ${name} to plant a bug in`);
  prototype[name] = bug(old);
  planted.push(() => {
    prototype[name] = old;
  });
}

afterEach(() => {
  for (const undo of planted.splice(0)) undo();
});

describe('a run', () => {
  it('of any of these seeds breaks no promise, and has seen enough', () => {
    for (let seed = 1; seed <= ENOUGH; seed++) {
      const result = run(seed);
      expect(result.violation, `seed ${seed}`).toBeNull();
      expect(result.exchanges, `seed ${seed}`).toBeGreaterThanOrEqual(200);
      if (!result.calm) expect(result.hits, `seed ${seed}`).toBeGreaterThanOrEqual(5);
    }
  });

  it('of the same seed is the same to the last line', () => {
    const [first, second] = [run(42), run(42)];
    expect(second.hash).toBe(first.hash);
    expect(second.lines).toEqual(first.lines);
    expect(run(43).hash).not.toBe(first.hash);
  });
});

const COOKIES = seedsWith(({ sticky }) => sticky?.kind === 'cookie', 20);
const SESSIONS = seedsWith(({ sticky }) => sticky?.kind === 'sessions' && !sticky.learn, 20);
const LEARNED = seedsWith(({ sticky }) => sticky?.kind === 'sessions' && sticky.learn, 20);

describe('a planted bug is found:', () => {
  it('a cookie that names a backend is not looked at', () => {
    plant(Pool, 'enterHome', () => () => -1);
    expect(firstViolation(COOKIES)).toMatch(/^stickiness: .* is up, and went to/);
  });

  it('a session is looked for in vain', () => {
    plant(SessionTable, 'find', () => () => false);
    expect(firstViolation(SESSIONS)).toMatch(/^sessions: .* belongs to .*, and went to/);
  });

  it('a session that a backend makes is not learned', () => {
    plant(StickySessions, 'placeMade', () => () => -1);
    expect(firstViolation(LEARNED)).toMatch(/^sessions: /);
  });

  it('a cookie that anybody has made counts', () => {
    plant(
      StickyCookie,
      'taken',
      () =>
        function (this: Record<string, unknown>) {
          this.found = (this.backends as unknown[])[0];
        },
    );
    expect(firstViolation(COOKIES)).toMatch(/^stickiness: /);
  });

  it('a connection with bytes nobody asked for stays in the pool', () => {
    plant(BackendConnection, 'unasked', () => () => {});
    expect(firstViolation()).not.toBeNull();
  });

  it('a connection whose response is not whole goes into the pool', () => {
    plant(
      BackendConnection,
      'onEnd',
      (old) =>
        function (this) {
          if (this.state === 2) (this.complete as Method).call(this, false);
          else old.call(this);
        },
    );
    expect(firstViolation()).not.toBeNull();
  });

  it('what was in flight on a dead worker is counted for ever', () => {
    const seeds = seedsWith(({ workerDiesEveryMs }) => workerDiesEveryMs?.[0] === 500, 40).filter(
      (seed) => optionsOf(seed).workers > 1,
    );
    expect(firstViolation(seeds)).toBeNull();
    plant(Table, 'clearLedger', () => () => {});
    expect(firstViolation(seeds)).toMatch(/^(leaks|limits|convergence|liveness): /);
  });

  it('too many backends are ejected', () => {
    plant(PassiveWatch, 'obstacle', () => () => null);
    expect(firstViolation()).toMatch(/^ejections: /);
  });

  it('a backend gets more connections than it may have', () => {
    const seeds = seedsWith(
      (options) =>
        options.maxBackendConnections > 0 &&
        options.operatorEveryMs === null &&
        options.workerDiesEveryMs === null,
      4,
    );
    expect(firstViolation(seeds)).toBeNull();
    plant(
      Table,
      'openConnection',
      (old) =>
        function (slot) {
          return old.call(this, slot, 0);
        },
    );
    expect(firstViolation(seeds)).toMatch(/^limits: .* connections, \d are allowed$/);
  });

  it('a circuit that is open lets exchanges through', () => {
    const seeds = seedsWith(({ circuit }) => circuit !== null, 8);
    plant(Circuit, 'admits', () => () => true);
    expect(firstViolation(seeds)).toMatch(
      /^circuits: slot \d+ is picked while the circuit is open$/,
    );
  });

  it('a request is tried again however often it was', () => {
    plant(RetryRule, 'hasLeft', () => () => true);
    expect(firstViolation()).toMatch(/^at most once: /);
  });

  it('the body of an answer that nobody wants goes to the client', () => {
    const seeds = seedsWith(({ retries }) => retries?.statuses.includes(500) ?? false, 8);
    plant(BackendConnection, 'discard', () => () => {});
    expect(firstViolation(seeds)).not.toBeNull();
  });

  it('an attempt whose answer nobody wants keeps its place at the backend', () => {
    const seeds = seedsWith(({ retries }) => retries?.statuses.includes(500) ?? false, 8);
    plant(Attempt, 'discard', () => {
      return function (this) {
        (this.side as { discard(): void }).discard();
        this.side = null;
        this.inTable = false;
      };
    });
    expect(firstViolation(seeds)).toMatch(/^leaks: /);
  });

  describe('of two attempts the one that has lost', () => {
    const seeds = seedsWith(({ hedge, backends }) => hedge?.afterMs === 1 && backends > 2, 8);

    it('is not called off', () => {
      plant(Attempt, 'cancel', () => {
        return function (this) {
          (this.leave as Method).call(this);
        };
      });
      expect(firstViolation(seeds)).not.toBeNull();
    });

    it('keeps its place at the backend', () => {
      plant(Attempt, 'cancel', () => {
        return function (this) {
          (this.abandon as Method).call(this);
          this.inTable = false;
        };
      });
      expect(firstViolation(seeds)).toMatch(/^leaks: /);
    });
  });

  it('a backend that is full is sent more', () => {
    const seeds = seedsWith(
      (options) =>
        options.calm &&
        options.boundedLoad !== null &&
        options.sticky === null &&
        !isLimited(options),
      8,
    );
    expect(firstViolation(seeds)).toBeNull();
    plant(Room, 'has', () => () => true);
    expect(firstViolation(seeds)).toContain('bounded load: slot');
  });

  it('a chunk is taken to be one byte shorter than its size says', () => {
    plant(BodyReader, 'onSize', (old) => {
      return function (this, byte) {
        const refusal = old.call(this, byte);
        const size = this.remaining as number;
        if (byte === 13 && size > 64) this.remaining = size - 1;
        return refusal;
      };
    });
    expect(firstViolation()).not.toBeNull();
  });
});
