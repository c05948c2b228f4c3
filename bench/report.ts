/** The figures of one benchmark for a person (a table a scenario) and for a program (JSON). */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import type { Contestant, Skipped } from './contestants.ts';
import type { Run, Settings } from './measure.ts';
import type { Scenario } from './scenarios.ts';
import { root } from './stage.ts';
import { type Spread, spread } from './statistics.ts';

/** The peers against which ratios are given. */
const YARDSTICKS = ['nginx', 'haproxy'] as const;

/** All runs of one contestant under one scenario. */
export interface Result {
  readonly scenario: string;
  readonly contestant: string;
  readonly cpuMicrosecondsPerRequest: Spread;
  readonly requestsPerSecond: Spread;
  readonly p50Microseconds: Spread;
  readonly p99Microseconds: Spread;
  readonly residentBytes: Spread;
  readonly errors: number;
  /** CPU per request over the yardstick's of the same round: the median of the rounds. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

/** Sums the runs up, scenario by scenario. */
export function results(runs: readonly Run[]): Result[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.scenario} ${run.contestant}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((group) => {
    const { scenario, contestant } = group[0]!;
    const of = (value: (run: Run) => number): Spread => spread(group.map(value));
    return {
      scenario,
      contestant,
      cpuMicrosecondsPerRequest: of((run) => run.cpuMicrosecondsPerRequest),
      requestsPerSecond: of((run) => run.requestsPerSecond),
      p50Microseconds: of((run) => run.p50Microseconds),
      p99Microseconds: of((run) => run.p99Microseconds),
      residentBytes: of((run) => run.residentBytes),
      errors: group.reduce((sum, run) => sum + run.errors, 0),
      ratios: ratios(group, groups),
    };
  });
}

function ratios(
  group: readonly Run[],
  groups: ReadonlyMap<string, readonly Run[]>,
): Record<string, Spread> {
  const found: Record<string, Spread> = {};
  for (const yardstick of YARDSTICKS) {
    const theirs = groups.get(`${group[0]!.scenario} ${yardstick}`);
    if (theirs === undefined) continue;
    const pairs = group.map((run, index) => {
      const other = theirs[index]!.cpuMicrosecondsPerRequest;
      return run.cpuMicrosecondsPerRequest / other;
    });
    found[yardstick] = spread(pairs);
  }
  return found;
}

/** One scenario's results as lines of a table. */
export function table(
  scenario: Scenario,
  all: readonly Result[],
  players: readonly Contestant[],
): string {
  const rows = all
    .filter((result) => result.scenario === scenario.id)
    .map((result) => row(result, players.find(({ id }) => id === result.contestant)!.name));
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((cells) => cells[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ');
  return [scenario.name, line(HEADINGS), ...rows.map(line), ''].join('\n');
}

const HEADINGS = [
  '',
  'CPU us/request',
  'spread',
  'requests/s',
  'p50 us',
  'p99 us',
  'RSS MiB',
  'x nginx',
  'x HAProxy',
  'errors',
];

function row(result: Result, name: string): string[] {
  const cpu = result.cpuMicrosecondsPerRequest;
  return [
    name,
    cpu.median.toFixed(1),
    `${cpu.least.toFixed(1)}-${cpu.most.toFixed(1)}`,
    result.requestsPerSecond.median.toFixed(0),
    result.p50Microseconds.median.toFixed(0),
    result.p99Microseconds.median.toFixed(0),
    (result.residentBytes.median / 2 ** 20).toFixed(1),
    ...YARDSTICKS.map((yardstick) => result.ratios[yardstick]?.median.toFixed(2) ?? '-'),
    String(result.errors),
  ];
}

/** Everything that is needed to judge the figures, and to take them again. */
export function document(
  players: readonly Contestant[],
  skipped: readonly Skipped[],
  settings: Settings,
  runs: readonly Run[],
): object {
  const cpus = os.cpus();
  return {
    takenAt: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    commit: git('rev-parse', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain') !== '',
    machine: {
      processor: cpus[0]?.model.trim() ?? 'unknown',
      processors: cpus.length,
      memoryBytes: os.totalmem(),
      kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    },
    settings,
    contestants: players.map(({ id, name }) => ({ id, name })),
    skipped,
    results: results(runs),
    runs,
  };
}

/** Empty when there is no repository (an unpacked archive). */
function git(...args: string[]): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { cwd: root, stdio }).toString().trim();
  } catch {
    return '';
  }
}
