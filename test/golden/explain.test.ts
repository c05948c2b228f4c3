/**
 * What `evenkeel explain` says of requests to `examples/full.yaml`, letter by letter.
 * `UPDATE_GOLDEN=1` writes the expected files anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../src/cli/fake-terminal.ts';
import { runCommandLine } from '../../src/cli/program.ts';

const folder = join(import.meta.dirname, 'explain');
const config = join(import.meta.dirname, '../../examples/full.yaml');

const api = ['GET', 'http://api.example.com/v1/users?page=2', '-H', 'X-User-Id: 42'];

/** Name of the expected file -> what is typed after `evenkeel explain`. */
const cases: Readonly<Record<string, readonly string[]>> = {
  'a-request': ['GET', '/'],
  'as-json': [...api, '--json'],
  'backends-down': ['GET', '/', '--down', 'server-1', '--down', 'web/server-2'],
  'by-key': api,
  'by-key-nobody-there': [...api, '--down', 'api-1'],
  drained: ['GET', '/', '--drain', 'server-1', '--busy', 'server-2=100'],
  'fields-left-out': ['POST', '/login', '-H', 'Connection: X-Hop', '-H', 'X-Hop: 1', '-H', 'TE: x'],
  'refused-at-a-byte': ['GET', 'http://localhost:8081/', '-H', 'Content-Length : 3'],
  'refused-two-lengths': ['POST', '/', '-H', 'Content-Length: 1', '-H', 'Content-Length: 2'],
  'sticky-client': ['GET', '/', '-H', 'Cookie: a=b; lb=2875f1a5859e1084'],
  'trusted-proxy': ['GET', '/login', '--from', '10.0.0.9', '-H', 'X-Forwarded-For: 203.0.113.7'],
};

const page = join(import.meta.dirname, '../../docs/explain.md');

/** `$ npx evenkeel explain ...`, and what follows it up to the end of the block. */
const SHOWN = /(?<=```console\n)\$ npx evenkeel (explain .*)\n([^]*?)(?=```)/g;

/** As a shell cuts them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

async function said(words: readonly string[]): Promise<string> {
  const terminal = fakeTerminal();
  expect(await runCommandLine(words, terminal)).toBe(0);
  return terminal.said.out;
}

describe('evenkeel explain says what its golden file says', () => {
  it.each(Object.entries(cases))('%s', async (name, words) => {
    const terminal = fakeTerminal();
    const code = await runCommandLine(['explain', ...words, '--config', config], terminal);
    expect([code, terminal.said.err]).toEqual([0, '']);
    const file = join(folder, `${name}.expected`);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, terminal.said.out);
    expect(terminal.said.out).toBe(readFileSync(file, 'utf8'));
  });

  it('says what docs/explain.md shows', async () => {
    const text = readFileSync(page, 'utf8');
    const shown = [...text.matchAll(SHOWN)];
    expect(shown.length).toBeGreaterThan(3);
    let actual = text;
    for (const [whole, line] of shown) {
      const words = wordsOf(line).map((word) => word.replace(/^examples\/full.yaml$/, config));
      const out = await said(words);
      actual = actual.replace(whole, () => `$ npx evenkeel ${line}\n${out}`);
    }
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(page, actual);
    expect(actual).toBe(readFileSync(page, 'utf8'));
  });

  it('has a case for every expected file', () => {
    const expected = Object.keys(cases).map((name) => `${name}.expected`);
    expect(readdirSync(folder).sort()).toEqual(expected.sort());
  });
});
