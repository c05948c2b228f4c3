import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeTerminal } from './fake-terminal.ts';
import { defaultFile, loadOrExplain } from './loading.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (text: string): string => {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
};

describe('the default file', () => {
  it('is config.yaml, else evenkeel.config.ts, else evenkeel.config.mjs, else none', () => {
    expect(defaultFile(() => true)).toBe('config.yaml');
    expect(defaultFile((name) => name.endsWith('.ts'))).toBe('evenkeel.config.ts');
    expect(defaultFile((name) => /\.m?[jt]s$/.test(name))).toBe('evenkeel.config.ts');
    expect(defaultFile((name) => name.endsWith('.mjs'))).toBe('evenkeel.config.mjs');
    expect(defaultFile(() => false)).toBeNull();
  });
});

describe('loading', () => {
  it('prints every diagnostic and what follows from them', async () => {
    const terminal = fakeTerminal();
    const path = file('backends:\n  - url: localhost:9001\n    wieght: 3\n');
    expect(await loadOrExplain(terminal, path, '; nothing was started')).toBe(78);
    expect(terminal.said.err).toContain(`${path}:2:10`);
    expect(terminal.said.err).toContain('did you mean "weight"?');
    expect(terminal.said.err).toMatch(/\n2 problems; nothing was started\n$/);
    expect(terminal.said.out).toBe('');
  });

  it('says that the named file is missing', async () => {
    const terminal = fakeTerminal();
    expect(await loadOrExplain(terminal, join(folder, 'nope.yaml'), '')).toBe(78);
    expect(terminal.said.err).toContain('nope.yaml');
    expect(terminal.said.err).toMatch(/\n1 problem\n$/);
  });

  it('replaces variables from the environment of the terminal', async () => {
    const terminal = fakeTerminal({ env: { BACKEND: 'http://localhost:9001' } });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the configuration
    const loaded = await loadOrExplain(terminal, file('backends: ["${BACKEND}"]\n'), '');
    expect(loaded).toMatchObject({
      config: { pools: [{ backends: [{ url: 'http://localhost:9001' }] }] },
    });
  });
});
