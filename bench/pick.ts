/**
 * What choosing a backend costs, without any traffic: `npm run bench:pick`. Nanoseconds and bytes
 * for a pick (drawing from the schedule, entering the table, leaving it), and milliseconds for a
 * rebuild of the schedule, for small and very large pools.
 */
import process from 'node:process';
import { goesByKey, policies } from '../src/core/balancing/balancing.ts';
import { createRng } from '../src/core/base/rng.ts';
import type { PolicyName, PoolConfig } from '../src/core/config.ts';
import type { Pool as Members } from '../src/core/control/members.ts';
import { Schedules } from '../src/core/control/schedules.ts';
import { Pool } from '../src/core/engine/pool.ts';
import { State, Table } from '../src/core/table/table.ts';

const PICKS = 2_000_000;
/** Rendezvous looks at every backend: so many looks in a round. */
const RENDEZVOUS_LOOKS = 20_000_000;
const ROUNDS = 5;
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

export interface PickFigures extends PickOptions {
  readonly nanosecondsPerPick: number;
  readonly bytesPerPick: number;
  readonly rebuildMs: number;
}

/** A pool of so many backends that are up, in memory as workers share it. */
function poolOf({ policy, backends, weighted, boundedLoad }: PickOptions) {
  const size = { capacity: backends, workers: 2 };
  const table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
  const config = { name: 'default', policy, boundedLoad, panic: false } as PoolConfig;
  const members = Array.from({ length: backends }, (_, n) => {
    const weight = weighted ? 1 + (n % 3) : 1;
    const plain = { priority: 0, backup: false };
    const config = { name: `server-${n}`, url: `http://server-${n}`, weight, ...plain };
    return { backend: { slot: table.claim(weight, State.up), verdictOverdue: false, config } };
  });
  // As if each had answered, at different times.
  for (let slot = 0; slot < backends; slot++) table.setCost(slot, 10_000, slot & 8191);
  // What a schedule is made of, and nothing else.
  const pool = { config, members } as unknown as Members;
  // Nothing starts slowly here, or spills over.
  const unused = {} as unknown as never;
  const generations = { generation: () => 0 };
  return {
    table,
    pool,
    schedules: new Schedules(table, unused, unused, unused),
    at: new Pool(config, table, generations, {
      rng: createRng(1),
      wallMs: () => 10_000,
      log: { event() {} },
    }),
  };
}

/** Measures one size. `picks`: how many in each of five rounds, of which the median counts. */
export function measurePicks(options: PickOptions, picks = PICKS): PickFigures {
  const { table, pool, schedules, at } = poolOf(options);
  let began = performance.now();
  at.follow(schedules.of(pool));
  const rebuildMs = performance.now() - began;
  const nobody: number[] = [];
  const round = (): void => {
    // Keys as different as those of different clients.
    for (let n = 0; n < picks; n++) {
      table.leave(at.enter(nobody, Math.imul(n, 0x9e3779b1) >>> 1, null));
    }
  };
  // Until it is compiled as it will be for good: before that, fractions are objects.
  for (let n = 0; n < 3; n++) round();
  const heapBefore = process.memoryUsage().heapUsed;
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    began = performance.now();
    round();
    times.push(performance.now() - began);
  }
  const grown = Math.max(0, process.memoryUsage().heapUsed - heapBefore);
  times.sort((a, b) => a - b);
  return {
    ...options,
    nanosecondsPerPick: (times[ROUNDS >> 1] * 1e6) / picks,
    bytesPerPick: grown / (ROUNDS * picks),
    rebuildMs,
  };
}

/** Each policy, and those that go by a key with a bound as well. */
const rows = (): [PolicyName, number | null][] =>
  (Object.keys(policies) as PolicyName[]).flatMap((policy) =>
    [null, ...(goesByKey(policy) ? [1.25] : [])].map((bound): [PolicyName, number | null] => [
      policy,
      bound,
    ]),
  );

function main(): void {
  const runtime = process.versions.bun === undefined ? 'Node' : 'Bun';
  const version = process.versions.bun ?? process.versions.node;
  process.stdout.write(`${runtime} ${version}\n`);
  process.stdout.write(
    'policy             backends  weights  ns per pick  bytes per pick  rebuild, ms\n',
  );
  // Compiled before anything is measured.
  measurePicks({ policy: 'round_robin', backends: 100, weighted: false, boundedLoad: null });
  for (const [policy, boundedLoad] of rows()) {
    for (const [backends, weighted] of SIZES) {
      const picks = policy === 'rendezvous' ? RENDEZVOUS_LOOKS / backends : PICKS;
      const options = { policy, backends, weighted, boundedLoad };
      const figures = measurePicks(options, Math.min(PICKS, Math.ceil(picks)));
      const name = boundedLoad === null ? policy : `${policy}, ${boundedLoad}`;
      const cells = [
        name.padEnd(17),
        String(backends).padStart(8),
        (weighted ? '1 to 3' : 'equal').padStart(8),
        figures.nanosecondsPerPick.toFixed(1).padStart(12),
        figures.bytesPerPick.toFixed(3).padStart(15),
        figures.rebuildMs.toFixed(1).padStart(12),
      ];
      process.stdout.write(`${cells.join(' ')}\n`);
    }
  }
}

if (process.argv[1]?.endsWith('pick.js')) main();
