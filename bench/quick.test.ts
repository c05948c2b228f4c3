/** The benchmark, tiny: each kind of scenario works and gives its figures. Nobody asks how fast. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isSkipped } from './contestants/contestant.ts';
import { contestants } from './contestants/contestants.ts';
import type { FigureName } from './figures.ts';
import { ask } from './machine.ts';
import type { Report } from './report/document.ts';
import { root } from './repository.ts';
import { scenarios } from './scenarios/scenarios.ts';

// The balancers under test have runtimes of their own, whichever one runs this.
const isFirst = process.env.EVENKEEL_RUNTIME === undefined;
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-quick-'));
afterAll(() => rmSync(folder, { recursive: true }));

const lacking = ['wrk', 'nginx', 'taskset'].filter((name) => ask(name, ['-V']) === null);
const title = (text: string): string =>
  lacking.length === 0 ? text : `${text} (skipped: no ${lacking.join(', ')})`;

/** Runs the built benchmark, which must succeed; its report. */
function bench(...args: string[]): Report {
  const json = join(folder, 'report.json');
  const main = join(root, 'dist/bench/main.js');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [main, '--quick', '--json', json, ...args],
    { encoding: 'utf8' },
  );
  expect(status, `${stdout}${stderr}`).toBe(0);
  return JSON.parse(readFileSync(json, 'utf8')) as Report;
}

const LOADED: FigureName[] = [
  'cpuMicrosecondsPerRequest',
  'requestsPerSecond',
  'bytesPerSecond',
  'p50Microseconds',
  'p99Microseconds',
  'p999Microseconds',
  'maxMicroseconds',
  'residentBytes',
];
const IDLE: FigureName[] = ['residentBytes', 'connections', 'idleBytesPerConnection'];

it.skipIf(lacking.length > 0 || !isFirst)(title('every kind of scenario gives its figures'), () => {
  const report = bench();
  const possible = scenarios.filter(({ isQuick, lacking }) => isQuick && lacking() === null);
  expect(report.scenarios.map(({ id }) => id)).toEqual(possible.map(({ id }) => id));
  for (const { id } of possible) {
    for (const contestant of ['evenkeel', 'nginx']) {
      const result = report.results.find(
        (each) => each.scenario === id && each.contestant === contestant,
      )!;
      const wanted = id === 'idle' ? IDLE : LOADED;
      expect(Object.keys(result.figures), `${contestant}, ${id}`).toEqual(
        expect.arrayContaining(wanted),
      );
      expect(result.errors, `${contestant}, ${id}`).toBe(0);
    }
  }
  expect(report.absences.filter(({ isFailure }) => isFailure)).toEqual([]);
  expect(report.nginxPeakRequestsPerSecond ?? 1).toBeGreaterThan(0);
});

it.skipIf(lacking.length > 0 || !isFirst)(title('every peer that is installed takes part'), () => {
  // Not the Go program: the first build of it takes longer than all the rest.
  const names = contestants()
    .filter((entry) => !isSkipped(entry) && !entry.isOptional && entry.id !== 'go')
    .map(({ id }) => id);
  const report = bench('--contestants', names.join(','), '--scenarios', 'small');
  expect(report.results.map(({ contestant }) => contestant).sort()).toEqual(names.sort());
});
