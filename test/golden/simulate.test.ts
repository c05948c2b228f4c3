/**
 * The same seed gives the same bytes, on every runtime: the example in the docs, and everything
 * that can happen at once. `UPDATE_GOLDEN=1` writes what is expected anew, but not the docs.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fakeTerminal } from '../../src/cli/fake-terminal.ts';
import { simulate } from '../../src/cli/simulate.ts';
import type { SimulateFlags } from '../../src/cli/simulate-flags.ts';
import { configOf } from '../fixtures/scenario.ts';
import { printConfig } from '../../src/config/print.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(import.meta.dirname, 'simulate');

const said = async (config: string, flags: SimulateFlags): Promise<string> => {
  const terminal = fakeTerminal();
  const code = await simulate(terminal, config, flags);
  expect(terminal.said.err, String(code)).toMatch(/^simulated/);
  return terminal.said.out.replace(config, 'config.yaml');
};

const config = join(root, 'examples/config.yaml');
const scenario = join(root, 'examples/traffic.yaml');

it('the docs show what the example comes to', async () => {
  const text = await said(config, { scenario });
  expect(readFileSync(join(root, 'docs/simulate.md'), 'utf8')).toContain(text);
});

it('it comes to the same when it is typed', async () => {
  const slow = ['server-3=5x@12:00'];
  const policies = 'round_robin,least_request,adaptive';
  const typed = await said(config, { rate: '1400/s', for: '125s', start: '11:58', slow, policies });
  expect(await said(config, { scenario, for: '125s' })).toBe(typed);
});

it('everything at once comes to what its golden files say, report and all', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'evenkeel-simulate-'));
  try {
    const own = join(temporary, 'config.yaml');
    const queue = { size: 50, timeout: '1s' };
    const sticky = { cookie: 'lb' };
    const pool = { passive_health: {}, slow_start: '2s', max_requests: 40, queue, sticky };
    writeFileSync(own, printConfig(configOf(4, pool)));
    const report = join(temporary, 'report.html');
    const text = await said(own, { scenario: join(folder, 'everything.yaml'), report });
    const page = readFileSync(report, 'utf8').replaceAll(own, 'config.yaml');
    const hash = createHash('sha256').update(page).digest('hex');
    const actual = `${text}\nreport: ${hash}\n`;
    const expected = join(folder, 'everything.expected');
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(expected, actual);
    expect(actual).toBe(readFileSync(expected, 'utf8'));
  } finally {
    rmSync(temporary, { recursive: true });
  }
});
