/**
 * Every `config/<behaviour>.yaml` and what becomes of it: the normalised configuration as
 * `check --print` shows it, or the diagnostics. `UPDATE_GOLDEN=1` writes the expected files anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatDiagnostics } from '../../src/config/diagnostics.ts';
import { parseConfig } from '../../src/config/load.ts';
import { printConfig } from '../../src/config/print.ts';

const folder = join(import.meta.dirname, 'config');
const environment = { PORT: '8081', BACKEND: 'app.internal', EMPTY: '' };
const options = { environment, folder };

const cases = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length));

const becomes = (text: string): string => {
  const result = parseConfig(text, 'config.yaml', options);
  if ('config' in result) return printConfig(result.config);
  return `${formatDiagnostics(result.diagnostics)}\n`.replaceAll(folder, '/etc/evenkeel');
};

describe('a configuration becomes what its golden file says', () => {
  it.each(cases)('%s', (name) => {
    const actual = becomes(readFileSync(join(folder, `${name}.yaml`), 'utf8'));
    const file = join(folder, `${name}.expected`);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, actual);
    expect(existsSync(file), `${name}.expected is missing; run with UPDATE_GOLDEN=1`).toBe(true);
    expect(actual).toBe(readFileSync(file, 'utf8'));
  });

  it('has a configuration for every expected file', () => {
    const expected = readdirSync(folder).filter((name) => name.endsWith('.expected'));
    expect(expected.map((name) => name.slice(0, -'.expected'.length)).sort()).toEqual(cases.sort());
  });
});

describe('a printed configuration', () => {
  const good = cases.filter((name) =>
    'config' in parseConfig(readFileSync(join(folder, `${name}.yaml`), 'utf8'), name, options),
  );

  it.each(good)('of %s means the same when it is read again', (name) => {
    const first = parseConfig(readFileSync(join(folder, `${name}.yaml`), 'utf8'), name, options);
    if (!('config' in first)) throw new Error('was good a moment ago');
    const again = parseConfig(printConfig(first.config), `${name}, printed`);
    expect('config' in again ? again.config : formatDiagnostics(again.diagnostics)).toEqual(
      first.config,
    );
  });
});
