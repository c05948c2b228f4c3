/** Configurations that are modules and cannot be imported, in the runtime itself. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtEntry, runtimePath } from './harness/balancer.ts';
import { runCommand } from './harness/command.ts';
import { runtimeFacts } from './harness/runtime.ts';

const { importsTypeScript } = runtimeFacts();

let folder = '';
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'evenkeel-module-')));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** What `evenkeel check` says of it; only the first line. */
async function problemOf(name: string, text: string): Promise<string> {
  write(name, text);
  const { err, code } = await runCommand(runtimePath(), [builtEntry, 'check', name], {
    cwd: folder,
  });
  expect(code).toBe(78);
  return err.split('\n', 1)[0];
}

describe('a configuration that does not parse', () => {
  const text = 'export default {\n  port: 8080\n  backends: [],\n};\n';

  it.skipIf(!importsTypeScript)('says where it is wrong TypeScript', async () => {
    expect(await problemOf('place.ts', text)).toMatch(/ \(line 3, column 3\)$/);
    write('helper.ts', `\n${text}`);
    const imports = "import helper from './helper.ts';\nexport default helper;\n";
    expect(await problemOf('imports.ts', imports)).toMatch(/ \(helper\.ts, line 4, column 3\)$/);
  });

  it.skipIf(!importsTypeScript)('names no command that would not show the place', async () => {
    const problem = await problemOf('const.ts', 'const x: number;\nexport default {};\n');
    expect(problem).toContain('could not be loaded: ');
    expect(problem).not.toContain('--check');
  });

  it('says where it is wrong JavaScript, or how to find out', async () => {
    expect(await problemOf('place.mjs', text)).toMatch(
      /; node --check place\.mjs shows the place$| \(line 3, column 3\)$/,
    );
  });
});

it('a configuration without its package says to install it, or to do without', async () => {
  const text =
    "import { defineConfig } from 'evenkeel/config';\nexport default defineConfig({});\n";
  const remedy = `; npm install evenkeel in ${folder}, or write export default { ... } without the`;
  expect(await problemOf('global.mjs', text)).toContain(`Cannot find package 'evenkeel'`);
  expect(await problemOf('global.mjs', text)).toContain(remedy);
});
