/** The comparison, tiny: each trouble comes about and gives its figures. Nobody asks how fast. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { expect, it } from 'vitest';
import { ask } from '../machine.ts';
import { root } from '../repository.ts';
import { type Trouble, troubles } from './trouble.ts';

const lacking = ['gcc', 'nginx', 'haproxy', 'taskset'].filter((name) => ask(name, ['-v']) === null);
const contestants: Readonly<Record<Trouble['sheet'], readonly string[]>> = {
  latency: ['adaptive', 'haproxy-leastconn', 'nginx-least_conn'],
  overload: ['refuse', 'haproxy-queue', 'nginx-max_conns'],
  storm: ['retries', 'haproxy-retries', 'nginx-next_upstream'],
};

/** The lines of the table, ours first: what is in their cells. */
function bench({ id, sheet }: Trouble): string[][] {
  const names = contestants[sheet].join(',');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}/dist/bench/policies.js`, '--quick', '--kinds', id, '--contestants', names],
    { encoding: 'utf8' },
  );
  expect(status, `${stdout}${stderr}`).toBe(0);
  const lines = stdout.split('\n').filter((line) => /^\| (Evenkeel|HAProxy|nginx) /.test(line));
  return lines.map((line) => line.split('|').map((cell) => cell.trim()));
}

const LATENCY = /^\d+\.\d \/ \d+\.\d(, \d+\.\d\d %)?$/;

const title = (text: string): string =>
  lacking.length === 0 ? text : `${text} (skipped: no ${lacking.join(', ')})`;

const possible = troubles.filter((trouble) => trouble.lacking() === null);

it.skipIf(lacking.length > 0).each(possible)(title('$id gives its figures'), (trouble) => {
  const rows = bench(trouble);
  expect(rows).toHaveLength(3);
  if (trouble.sheet === 'latency') {
    for (const [, name, cell] of rows) expect(cell, name).toMatch(LATENCY);
  }
  if (trouble.id === 'good') expect(rows[0]![2]).not.toContain('%');
  // Half of what comes is too much, and some of it was there before the figures began.
  if (trouble.id === 'overload') {
    const refused = rows.map((row) => Number.parseFloat(row[4]!));
    expect(Math.min(...refused)).toBeGreaterThan(20);
  }
  if (trouble.id === 'retry-storm') {
    for (const [, name, errors, tries] of rows) {
      expect(errors, name).toBe('100.00 %');
      expect(Number(tries), name).toBeGreaterThanOrEqual(0);
    }
    expect(Number(rows[0]![3])).toBeGreaterThan(0.9);
  }
});
