/** The tests that docs/threat-model.md names are there, and so are its wire cases. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadCases } from './wire/wire-case.ts';

const root = new URL('..', import.meta.url);
const page = readFileSync(new URL('docs/threat-model.md', root), 'utf8');

interface Named {
  readonly path: string;
  readonly test: string;
}

/** In each row, a quoted name belongs to the file named before it. */
function named(text: string): Named[] {
  const found: Named[] = [];
  for (const row of text.split('\n').filter((line) => line.startsWith('|'))) {
    let path = '';
    for (const [, file, test] of row.matchAll(/`((?:src|sim|test)\/[\w./-]+)`|"([^"]+)"/g)) {
      path = file ?? path;
      found.push({ path, test: test ?? '' });
    }
  }
  return found;
}

it('names files that exist, and tests that are in them', () => {
  const all = named(page);
  expect(all.length).toBeGreaterThan(40);
  const missing = all.filter(({ path, test }) => {
    const file = new URL(path, root);
    if (!existsSync(file)) return true;
    return test !== '' && !readFileSync(file, 'utf8').includes(test);
  });
  expect(missing).toEqual([]);
});

it('names wire cases that exist', () => {
  const ids = new Set(loadCases().map((each) => each.id));
  const named = page.match(/\b(?:RL|TG|HO|FL|CL|TE|CH|FW|UP|CM|SL|SH|SF|SB|SU)\d\d\b/g) ?? [];
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((id) => !ids.has(id))).toEqual([]);
});
