/** Who takes part: Evenkeel on each runtime that is there, and the peers that are installed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ask, fillIn, root, type Stage } from './stage.ts';

export interface Contestant {
  /** In the JSON and for `--contestants`. */
  readonly id: string;
  /** With its version, for the table. */
  readonly name: string;
  /** The committed configuration in `bench/peers`. */
  readonly config: string;
  /** The command line, given the path of the filled-in configuration. */
  command(config: string): readonly [string, ...string[]];
}

/** Somebody who could take part and does not. */
export interface Skipped {
  readonly id: string;
  readonly why: string;
}

const entry = join(root, 'dist/src/cli/main.js');

function evenkeel(id: string, runtime: string): Contestant | Skipped {
  const said = ask(runtime, ['--version']);
  if (said === null) return { id, why: `${runtime} does not run` };
  if (!existsSync(entry)) return { id, why: 'it is not built: npm run build' };
  const version = said.startsWith('v') ? `Node ${said.slice(1)}` : `Bun ${said}`;
  return {
    id,
    name: `Evenkeel, ${version}`,
    config: 'evenkeel.yaml',
    command: (config) => [runtime, entry, 'run', config],
  };
}

function fromVariable(id: string, variable: string): Contestant | Skipped {
  const runtime = process.env[variable];
  return runtime === undefined ? { id, why: `${variable} is not set` } : evenkeel(id, runtime);
}

function peer(
  id: string,
  name: string,
  config: string,
  command: (config: string) => readonly [string, ...string[]],
): Contestant | Skipped {
  const said = ask(id, ['-v']);
  if (said === null) return { id, why: 'it is not installed' };
  const version = /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? 'of unknown version';
  return { id, name: `${name} ${version}`, config, command };
}

/** Everybody, in the order they run in each round. */
export function contestants(): (Contestant | Skipped)[] {
  return [
    evenkeel('evenkeel', process.execPath),
    fromVariable('evenkeel-node24', 'EVENKEEL_NODE24'),
    fromVariable('evenkeel-bun', 'EVENKEEL_BUN'),
    peer('nginx', 'nginx', 'nginx.conf', (config) => ['nginx', '-c', config]),
    peer('haproxy', 'HAProxy', 'haproxy.cfg', (config) => ['haproxy', '-db', '-f', config]),
  ];
}

/** The contestant's configuration, written to the stage's folder. */
export function writeConfig(
  stage: Stage,
  contestant: Contestant,
  port: number,
  backends: readonly number[],
): string {
  const [BACKEND1, BACKEND2, BACKEND3] = backends as [number, number, number];
  const values = { PORT: port, BACKEND1, BACKEND2, BACKEND3, FOLDER: stage.folder };
  return stage.write(`${contestant.id}-${contestant.config}`, fillIn(contestant.config, values));
}
