/** The package as it is published, run by its name: `npx evenkeel`, `bunx --bun evenkeel`. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
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

describe('the package', () => {
  it('runs by its name, on the runtime that is asked for', () => {
    const { isBun } = runtimeFacts();
    expect(run('--version')).toMatch(isBun ? /^evenkeel \S+ \(Bun / : /^evenkeel \S+ \(Node /);
  }, 30_000);

  it('brings all that its commands need', () => {
    expect(run('--help')).toContain('config.yaml');
  }, 30_000);
});
