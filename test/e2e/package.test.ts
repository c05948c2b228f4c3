/** The package as it is published, run by its name: `npx evenkeel`, `bunx --bun evenkeel`. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtimePath } from './harness/balancer.ts';
import { runtimeFacts } from './harness/runtime.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

/** As if a package manager had put it there, with the dependencies of this checkout. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-package-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root });
  const [archive] = readdirSync(folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', modules]);
  const told = JSON.parse(readFileSync(join(modules, 'package/package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys(told.dependencies)) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  symlinkSync('package', join(modules, 'evenkeel'));
  const program = join(modules, 'package', told.bin.evenkeel);
  chmodSync(program, 0o755);
  symlinkSync(program, join(modules, '.bin/evenkeel'));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

const run = (...words: string[]): string => {
  const { isBun } = runtimeFacts();
  const bunx = [runtimePath(), 'x', '--bun', '--no-install', 'evenkeel'];
  const npx = ['npx', '--no-install', 'evenkeel'];
  const [program, ...rest] = isBun ? bunx : npx;
  const PATH = `${dirname(runtimePath())}:${process.env.PATH}`;
  const env = { ...process.env, PATH };
  return execFileSync(program, [...rest, ...words], { cwd: folder, env, encoding: 'utf8' });
};

/** What a user of the library would begin with. */
const WORLD = `
import { createWorld } from 'evenkeel/testing';
const world = createWorld({ seed: 1 });
const one = world.backend('http://one:9001');
await world.balancer({ backends: [one.url] });
const { status, body } = await world.get('/');
await world.run('1h');
globalThis.console?.log(status, body, 'at', Math.floor(world.nowMs / 3600000) * 3600000);
`;

describe('the package', () => {
  it('runs by its name, on the runtime that is asked for', () => {
    const { isBun } = runtimeFacts();
    expect(run('--version')).toMatch(isBun ? /^evenkeel \S+ \(Bun / : /^evenkeel \S+ \(Node /);
  }, 30_000);

  it('brings a balancer for the tests of others, under evenkeel/testing', () => {
    writeFileSync(join(folder, 'world.mjs'), WORLD);
    const said = execFileSync(runtimePath(), ['world.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(said).toBe('200 Response from one at 3600000\n');
  }, 30_000);

  it.skipIf(runtimeFacts().isBun)(
    'has types that need nothing else (skipped on Bun)',
    () => {
      writeFileSync(join(folder, 'typed.mts'), `${WORLD}const not: string = world.nowMs;\n`);
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', types: [] };
      const project = JSON.stringify({ compilerOptions, files: ['typed.mts'] });
      writeFileSync(join(folder, 'tsconfig.json'), project);
      const { stdout } = spawnSync(process.execPath, [tsc], { cwd: folder, encoding: 'utf8' });
      const complaints = stdout.trim().split('\n');
      expect(complaints).toEqual([
        expect.stringContaining("'number' is not assignable to type 'str"),
      ]);
    },
    60_000,
  );

  it('brings all that its commands need', () => {
    expect(run('--help')).toContain('config.yaml');
  }, 30_000);
});
