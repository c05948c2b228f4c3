/**
 * What choosing a backend costs, without any traffic: `npm run bench:pick`. Nanoseconds of the
 * processor and bytes for the policy's pick alone, and for a pick with what keeps the count (a pool
 * picks a backend and enters it in the table, and leaves it), and milliseconds for a rebuild of the
 * schedule, for small and very large pools.
 */
import process from 'node:process';
import {
  goesByKey,
  type Observation,
  type Policy,
  policies,
} from '../src/core/balancing/balancing.ts';
import type { Schedule } from '../src/core/balancing/schedule.ts';
import { assert } from '../src/core/base/failure.ts';
import { createRng } from '../src/core/base/rng.ts';
import type { PolicyName, PoolConfig } from '../src/core/config.ts';
import type { Pool as Members } from '../src/core/control/members.ts';
import { Schedules } from '../src/core/control/schedules.ts';
import { Pool } from '../src/core/engine/pool.ts';
import { Field } from '../src/core/http/fields.ts';
import { State, Table } from '../src/core/table/table.ts';
import { response } from '../test/fuzz/heads.ts';
import { describeMachine } from './machine.ts';
import { git } from './repository.ts';

const PICKS = 1_000_000;
/** Rendezvous looks at every backend: so many looks in a round. */
const RENDEZVOUS_LOOKS = 20_000_000;
/** Before any counts: until then it is not compiled as it will be for good. */
const WARM_UP = 3;
const ROUNDS = 9;
const SIZES = [3, 100, 1000, 100_000].flatMap((backends) => [
  [backends, false] as const,
  [backends, true] as const,
]);

export interface PickOptions {
  readonly policy: PolicyName;
  readonly backends: number;
  /** Weights from 1 to 3, or all equal. */
  readonly weighted: boolean;
  readonly boundedLoad: number | null;
}

/** What one call costs. */
export interface Cost {
  /** Of the processor's time, in this process: what others do to the machine counts less. */
  readonly nanoseconds: number;
  readonly bytes: number;
}

export interface PickFigures extends PickOptions {
  /** The policy's choice alone; with what it hears of the answer, if it goes by reports. */
  readonly pick: Cost;
  /** `Pool.enter`, which picks, and `Table.leave`; the same with a report. */
  readonly exchange: Cost;
  readonly rebuildMs: number;
}

/** The shared memory of so many backends that are up and have answered. */
function tableOf({ backends, weighted }: PickOptions): Table {
  const size = { capacity: backends, workers: 2 };
  const table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
  for (let n = 0; n < backends; n++) table.claim(weighted ? 1 + (n % 3) : 1, State.up);
  // At different times.
  for (let slot = 0; slot < backends; slot++) table.setCost(slot, 10_000, slot & 8191);
  return table;
}

/** What a schedule is made of, and nothing else. */
function membersOf(config: PoolConfig, table: Table): Members {
  const members = Array.from({ length: table.capacity }, (_, slot) => {
    const plain = { priority: 0, backup: false, weight: table.weight(slot) };
    const config = { name: `server-${slot}`, url: `http://server-${slot}`, ...plain };
    return { backend: { slot, verdictOverdue: false, config } };
  });
  return { config, members } as unknown as Members;
}

/** Keys as different as those of different clients. */
const keyOf = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 1;

const nobody: number[] = [];

/** Who was picked, added up: of what nobody asks for, a compiler leaves out. */
let picked = 0;

/** A loop of picks, and nothing else. */
function picking(policy: Policy, schedule: Schedule): (picks: number) => void {
  if (policy.readsReports !== true) {
    return (picks) => {
      let sum = 0;
      for (let n = 0; n < picks; n++) sum = (sum + policy.pick(schedule, nobody, keyOf(n))) | 0;
      picked += sum;
    };
  }
  return (picks) => {
    for (let n = 0; n < picks; n++) report(policy, policy.pick(schedule, nobody, keyOf(n)), n);
  };
}

const load = { inFlight: 0, latencyUs: 0 };
const answered: Observation = {
  slot: 0,
  outcome: 'answered',
  elapsedMs: 10,
  others: 0,
  retryAfterMs: 0,
  load,
};

/** Without a report now and then those who go by reports have nothing to choose from. */
function report(policy: Policy, slot: number, n: number): void {
  answered.slot = slot;
  load.inFlight = n & 7;
  load.latencyUs = 10_000 + (n & 1023);
  policy.observe?.(answered);
}

/** A loop of exchanges, each of which picks, enters and leaves; and reports, as above. */
function exchanging(pool: Pool, table: Table, reports: boolean): (picks: number) => void {
  if (!reports) {
    return (picks) => {
      for (let n = 0; n < picks; n++) table.leave(pool.enter(nobody, keyOf(n), null));
    };
  }
  const heads = Array.from({ length: 8 }, (_, inFlight) =>
    response('HTTP/1.1 200 OK', `Backend-Load: in_flight=${inFlight}, latency_ms=1${inFlight}`),
  );
  const began = { askedMs: 0, others: 0 };
  return (picks) => {
    for (let n = 0; n < picks; n++) {
      const slot = pool.enter(nobody, keyOf(n), null);
      const head = heads[n & 7];
      // Whoever reads it marks it as read.
      head.setId(0, Field.backendLoad);
      pool.tell(slot, began, 10, head);
      table.leave(slot);
    }
  };
}

/** The least of the rounds: what others do to the machine only adds to it. */
function costOf(loop: (picks: number) => void, picks: number): Cost {
  for (let round = 0; round < WARM_UP; round++) loop(picks);
  const heapBefore = process.memoryUsage().heapUsed;
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    loop(picks);
    const { user, system } = process.cpuUsage(before);
    times.push(((user + system) * 1000) / picks);
  }
  assert(Number.isSafeInteger(picked), 'slots are whole numbers');
  const grown = Math.max(0, process.memoryUsage().heapUsed - heapBefore);
  return { nanoseconds: Math.min(...times), bytes: grown / (ROUNDS * picks) };
}

/** Measures one size. `picks`: how many in each round. */
export function measurePicks(options: PickOptions, picks = PICKS): PickFigures {
  const { policy: name, boundedLoad } = options;
  const table = tableOf(options);
  const config = { name: 'default', policy: name, boundedLoad, panic: false } as PoolConfig;
  const members = membersOf(config, table);
  // Nothing starts slowly here, or spills over.
  const unused = {} as unknown as never;
  const schedules = new Schedules(table, unused, unused, unused, () => 0);
  const began = performance.now();
  const schedule = schedules.of(members);
  const rebuildMs = performance.now() - began;
  const chance = { rng: createRng(1), wallMs: () => 10_000 };
  const policy = policies[name]({ ...chance, loads: table, warn() {}, boundedLoad, own: null });
  const pick = costOf(picking(policy, schedule), picks);
  const pool = new Pool(config, table, { generation: () => 0 }, { ...chance, log: { event() {} } });
  pool.follow(schedule);
  const exchange = exchanging(pool, table, policy.readsReports === true);
  return { ...options, pick, exchange: costOf(exchange, picks), rebuildMs };
}

/** A function costs what somebody makes of it. */
export const measured = (Object.keys(policies) as PolicyName[]).filter(
  (policy) => policy !== 'function',
);

/** Each policy, and those that go by a key with a bound as well. */
const rows = (): [PolicyName, number | null][] =>
  measured.flatMap((policy) =>
    [null, ...(goesByKey(policy) ? [1.25] : [])].map((bound): [PolicyName, number | null] => [
      policy,
      bound,
    ]),
  );

const HEADING = `
                                        pick alone      enter + leave    rebuild
policy             backends  weights     ns   bytes       ns   bytes         ms
`;

function line({ policy, boundedLoad, backends, weighted, ...figures }: PickFigures): string {
  const cost = ({ nanoseconds, bytes }: Cost): string =>
    `${nanoseconds.toFixed(1).padStart(9)}${bytes.toFixed(2).padStart(8)}`;
  return [
    (boundedLoad === null ? policy : `${policy}, ${boundedLoad}`).padEnd(18),
    String(backends).padStart(8),
    (weighted ? '1 to 3' : 'equal').padStart(9),
    cost(figures.pick).slice(2),
    cost(figures.exchange),
    figures.rebuildMs.toFixed(1).padStart(11),
  ].join('');
}

function main(): void {
  const { bun, node, v8 } = process.versions;
  const version = bun === undefined ? `Node ${node} (V8 ${v8})` : `Bun ${bun}`;
  const changed = git('status', '--porcelain') === '' ? '' : ', changed';
  const commit = git('rev-parse', '--short', 'HEAD');
  process.stdout.write(`${JSON.stringify(describeMachine())}\n`);
  process.stdout.write(`${version}, commit ${commit}${changed}, npm run bench:pick\n${HEADING}`);
  // Compiled before anything is measured.
  measurePicks({ policy: 'round_robin', backends: 100, weighted: false, boundedLoad: null });
  for (const [policy, boundedLoad] of rows()) {
    for (const [backends, weighted] of SIZES) {
      const picks = policy === 'rendezvous' ? Math.ceil(RENDEZVOUS_LOOKS / backends) : PICKS;
      const options = { policy, backends, weighted, boundedLoad };
      process.stdout.write(`${line(measurePicks(options, Math.min(PICKS, picks)))}\n`);
    }
  }
}

if (process.argv[1]?.endsWith('pick.js')) main();
