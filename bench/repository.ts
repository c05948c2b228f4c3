/** What the benchmark finds in the repository: its own files, and what it has built. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The build runs from one folder deeper than the source. */
export const root = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url),
);

/** The committed file `name` of `bench`, with its `$NAME`s filled in. */
export function fillIn(name: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(root, 'bench', name), 'utf8');
  return text.replace(/\$([A-Z][A-Z0-9]*)/g, (_, key: string) => {
    if (values[key] === undefined) throw new Error(`bench/${name}: nobody says what $${key} is`);
    return String(values[key]);
  });
}

/**
 * Builds a program of one source file; its path. Two benchmarks may build at once: whoever is last
 * replaces the file as a whole.
 */
export function build(source: string, program: string): string {
  const folder = join(root, '.cache/bench');
  mkdirSync(folder, { recursive: true });
  const target = join(folder, program);
  const fresh = `${target}.${process.pid}`;
  const from = join(root, 'bench', source);
  const [compiler, args] = source.endsWith('.go')
    ? ['go', ['build', '-o', fresh, from]]
    : ['gcc', ['-O2', '-Wall', '-o', fresh, from]];
  const { error, status, stderr } = spawnSync(compiler!, args as string[], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    rmSync(fresh, { force: true });
    throw new Error(`${compiler} ${source}: ${error?.message ?? stderr}`);
  }
  renameSync(fresh, target);
  return target;
}

/** What git says; empty when there is no repository (an unpacked archive). */
export function git(...args: string[]): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { cwd: root, stdio }).toString().trim();
  } catch {
    return '';
  }
}
