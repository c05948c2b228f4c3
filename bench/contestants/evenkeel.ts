/** Evenkeel on each runtime, as it comes. */
import { join } from 'node:path';
import { fillIn, root } from '../repository.ts';
import { type Contestant, type Entry, portsOf, type Setup } from './contestant.ts';
import { bun, node24, type Runtime, runtimeAt } from './runtimes.ts';

const entry = join(root, 'dist/src/cli/main.js');

function on(id: string, runtime: Runtime, workers: number | null): Contestant {
  return {
    id,
    name: `Evenkeel, ${runtime.name}${workers === null ? '' : `, ${workers} workers`}`,
    lacks: [],
    command: (setup) => ({
      argv: [runtime.path, entry, 'run', writeConfig(id, setup, workers)],
      outputFile: setup.accessLog ?? undefined,
    }),
  };
}

function writeConfig(id: string, setup: Setup, workers: number | null): string {
  const values = { ...portsOf(setup), ACCESS: String(setup.accessLog !== null) };
  const text = fillIn('peers/evenkeel.yaml', values);
  const last = workers === null ? '' : `workers: ${workers}\n`;
  return setup.write(`${id}-${setup.port}.yaml`, text + last);
}

function maybe(id: string, runtime: Runtime | null, workers: number | null, why: string): Entry {
  const found = runtime === null ? { id, why } : on(id, runtime, workers);
  return { ...found, isOptional: workers !== null };
}

/** On the running Node, Node 24 and Bun; with two workers only when named. */
export function evenkeels(): Entry[] {
  const install = (variable: string): string =>
    `no such runtime; npm ci --prefix ci, or ${variable}=/path/of/it`;
  const noNode24 = install('EVENKEEL_NODE24');
  const noBun = install('EVENKEEL_BUN');
  const [second, third] = [node24(), bun()];
  return [
    maybe('evenkeel', runtimeAt(process.execPath), null, 'this runtime does not say its version'),
    maybe('evenkeel-node24', second, null, noNode24),
    maybe('evenkeel-bun', third, null, noBun),
    maybe('evenkeel-node24-2w', second, 2, noNode24),
    maybe('evenkeel-bun-2w', third, 2, noBun),
  ];
}
