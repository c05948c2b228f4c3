/** Policy functions, which every worker imports for itself. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  config,
  NO_LIMITS,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { FakeFleet } from '../../../test/fixtures/fake-fleet.ts';
import type { Config } from '../config.ts';
import type { PolicyFunction } from '../policy-function.ts';

const choose: PolicyFunction = () => null;
const module = { path: '/etc/evenkeel.config.mjs', digest: 'abc' };
const pools = [poolConfig([backendConfig(1)], { policy: 'function', choose })];
const OWN = config(pools, { functions: module });

let world: FakeFleet;
let ends: (string | null)[];
beforeEach(() => {
  world = new FakeFleet(2);
  ends = [];
});

const prepare = (whole: Config = OWN): void =>
  world.fleet.prepare(whole, (problem) => void ends.push(problem));

const say = (worker: number, id: number, problem: string | null = null): void =>
  world.thread(worker).say({ kind: 'prepared', id, problem });

/** As the controller does when all are ready. */
function configure(whole: Config = OWN): void {
  const { backends } = { backends: [world.backend] };
  const members = { backends, schedule: world.schedule, waiting: world.waiting };
  world.fleet.configure(whole, new Map([['default', members]]), NO_LIMITS);
}

describe('a configuration with policy functions', () => {
  it('is ready when every worker has imported them', () => {
    prepare();
    const functions = { id: 1, module, texts: new Map([['default', String(choose)]]) };
    for (const thread of world.threads) {
      expect(thread.told.splice(0)).toEqual([{ kind: 'prepare', functions }]);
    }
    say(0, 1);
    expect(ends).toEqual([]);
    say(1, 1);
    expect(ends).toEqual([null]);
  });

  it('goes to workers without them, and with the module', () => {
    world.configure();
    world.taken();
    prepare();
    configure();
    const [, told] = world.thread(0).told;
    expect(told).toMatchObject({ kind: 'configure', functions: { id: 1, module } });
    expect(structuredClone(told)).toMatchObject({
      config: { pools: [{ policy: 'function', choose: null }] },
      pools: [{ config: { policy: 'function', choose: null } }],
    });
  });

  it('is not ready when one worker cannot import them, or dies of it', () => {
    prepare();
    say(1, 1, 'could not be loaded');
    say(0, 1);
    prepare();
    world.thread(0).die('out of memory');
    const died = 'worker 0: it died as it imported the configuration: out of memory';
    expect(ends).toEqual(['worker 1: could not be loaded', died]);
  });

  it('that is tried again at once is asked of the worker that takes the place of the dead', () => {
    world.fleet.prepare(OWN, (problem) => {
      ends.push(problem);
      prepare({ ...OWN });
    });
    world.thread(0).die('out of memory');
    expect(world.thread(0).take()).toEqual(['prepare']);
    for (const worker of [0, 1]) say(worker, 2);
    expect(ends).toEqual([expect.stringContaining('out of memory'), null]);
  });

  it('is not ready when all ends before', () => {
    prepare();
    world.fleet.end(() => {});
    expect(ends).toEqual(['it is stopping']);
  });

  it('cannot be used by workers if it was read from nowhere', () => {
    prepare(config(pools));
    expect(ends).toEqual([
      expect.stringContaining('read it with loadConfig, or carry the traffic'),
    ]);
    expect(world.taken()).toEqual([[], []]);
  });

  it('is asked of nobody where there are none', () => {
    prepare(config([]));
    expect([ends, world.taken()]).toEqual([[null], [[], []]]);
  });
});

describe('a worker that takes the place of another', () => {
  beforeEach(() => {
    world.configure();
    prepare();
    for (const worker of [0, 1]) say(worker, 1);
    configure();
  });

  const functionsTold = (): unknown => {
    const told = world.thread(1).told.find(({ kind }) => kind === 'configure');
    return told?.kind === 'configure' ? told.functions?.id : undefined;
  };

  it('has the functions in use, not those that are only prepared', () => {
    prepare({ ...OWN });
    world.thread(1).die('an error');
    expect(functionsTold()).toBe(1);
  });

  it('and cannot import them goes on without, which is said', () => {
    world.thread(1).die('an error');
    say(1, 1, 'the file has changed');
    expect(world.logged('policy_missing')).toEqual([
      'worker 1 goes on by round robin, without policy functions: the file has changed',
    ]);
    // That they are there goes without saying.
    say(0, 1);
    expect(world.logged('policy_missing')).toHaveLength(1);
  });

  it('has none when a reload has taken them away', () => {
    configure(config([poolConfig([backendConfig(1)])]));
    world.thread(1).die('an error');
    expect(functionsTold()).toBeUndefined();
  });
});

it('what workers tell of functions that fail goes to the control thread', () => {
  world.configure();
  world.thread(1).say({ kind: 'policy_failed', pool: 'default', failures: 3, why: 'no luck' });
  expect(world.evidenceTaken()).toEqual(['policyFailed default 3: no luck']);
});
