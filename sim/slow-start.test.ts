/** One of ten comes back: what it gets in the first seconds, whatever the policy. */
import { describe, expect, it } from 'vitest';
import { placers, policies } from '../src/core/balancing/balancing.ts';
import { ln } from '../src/core/base/math.ts';
import { createRng } from '../src/core/base/rng.ts';
import type { PolicyName } from '../src/core/config.ts';
import type { Pool as Members } from '../src/core/control/members.ts';
import { Schedules } from '../src/core/control/schedules.ts';
import { Pool } from '../src/core/engine/pool.ts';
import { Tracker } from '../src/core/health/tracker.ts';
import { Head } from '../src/core/http/head.ts';
import { Backend } from '../src/core/table/backend.ts';
import { State, Table } from '../src/core/table/table.ts';
import {
  backendConfig,
  emptyPool,
  FakeEngine,
  poolConfig,
  SILENT,
} from '../test/fixtures/control-world.ts';
import { createSimClock } from './clock.ts';

const BACKENDS = 10;
/** For one exchange alone; with others there it takes as many times longer. */
const WORK_MS = 8;
const FIRST_MS = 2000;

/**
 * Exchanges arrive at random, and take an exponential time; after a while one of ten backends comes
 * back. Returns its shares: before, in the first seconds, and when a slow start is over.
 */
function comesBack(policy: PolicyName, slowStartMs: number, perSecond: number) {
  const clock = createSimClock();
  const rng = createRng(5);
  const table = new Table({ capacity: 16, workers: 1 });
  const config = poolConfig([], { policy, slowStartMs });
  const members: Members = emptyPool(config);
  members.members = Array.from({ length: BACKENDS }, (_, n) => {
    const slot = table.claim(1, n === 0 ? State.down : State.up)!;
    const backend = new Backend(slot, table.generation(slot), backendConfig(n + 1), config);
    const tracker = new Tracker(null, true, 0);
    return { backend, tracker, pool: members, drain: null, turnedMs: null, pardoned: false };
  });
  const engine = new FakeEngine(clock);
  const schedules = new Schedules(table, clock, SILENT, engine);
  const known = { generation: (slot: number) => table.generation(slot) };
  const pool = new Pool(config, table, known, {
    rng: rng.fork(),
    wallMs: () => clock.nowMs(),
    log: SILENT,
  });
  const answer = new Head(0);
  answer.status = 200;
  const exponential = (mean: number): number => -ln((rng.next() + 1) / 0x100000000) * mean;
  const counts = new Map<number, number>();
  const arrive = (): void => {
    pool.follow(engine.schedules.get('default')!);
    const slot = pool.enter([], rng.below(2 ** 31), null);
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
    const tookMs = exponential(WORK_MS) * table.inFlight(slot);
    const began = { askedMs: clock.nowMs(), others: pool.others(slot) };
    clock.wakeAt(clock.nowMs() + tookMs, () => {
      pool.tell(slot, began, clock.nowMs(), answer);
      table.leave(slot);
    });
    clock.wakeAt(clock.nowMs() + exponential(1000 / perSecond), arrive);
  };
  const share = (forMs: number): number => {
    counts.clear();
    clock.run(clock.nowMs() + forMs);
    const total = [...counts.values()].reduce((a, b) => a + b, 0);
    return (counts.get(0) ?? 0) / total;
  };
  schedules.refresh(members);
  arrive();
  const before = share(3000);
  table.setState(0, State.up);
  schedules.slowStarts.begin(members.members[0]);
  schedules.refresh(members);
  const first = share(FIRST_MS);
  clock.run(clock.nowMs() + slowStartMs);
  return { before, first, after: share(10_000) };
}

const names = Object.keys(policies) as PolicyName[];
const byKey = names.filter((name) => placers[name] !== undefined);
const others = names.filter((name) => !byKey.includes(name));

/** A little of what they can do, a good deal, most of it. */
const RATES = [40, 500, 1000];

describe('one of ten that comes back', () => {
  it.each(others)('starts slowly, and is not flooded by %s', (policy) => {
    for (const rate of RATES) {
      const { before, first, after } = comesBack(policy, 20_000, rate);
      expect(before).toBe(0);
      // 10 % of a tenth is 1.1 %; of three at random that is one of the three, at most.
      expect(first).toBeLessThan(0.033 + 4 * Math.sqrt(0.033 / ((rate * FIRST_MS) / 1000)));
      expect(Math.abs(after - 0.1)).toBeLessThan(0.02 + 4 * Math.sqrt(0.1 / (rate * 10)));
    }
  });

  it.each(others)('has all of its share at once without a slow start: %s', (policy) => {
    const { first } = comesBack(policy, 0, 1000);
    expect(Math.abs(first - 0.1)).toBeLessThan(0.03);
  });

  it.each(byKey)('has its keys at once, also with a slow start: %s', (policy) => {
    const { first } = comesBack(policy, 20_000, 1000);
    expect(Math.abs(first - 0.1)).toBeLessThan(0.03);
  });
});
