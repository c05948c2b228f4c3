/**
 * Runs one seed after another of the simulator in a folder until one breaks a promise, in a process
 * of its own: `hunt.js FOLDER FIRST COUNT`. Prints that seed and the promise, or nothing.
 */
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { RunOptions, RunResult } from '../../sim/run.ts';

const [folder = '', first = '1', count = '1'] = process.argv.slice(2);
const run = (await import(pathToFileURL(join(folder, 'sim/run.js')).href)) as {
  readonly runSeed: (seed: number, options: RunOptions) => RunResult;
};
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const { violation } = run.runSeed(seed, { forMs: null, print: null });
  if (violation === null) continue;
  const [sentence] = violation.sentence.split('\n');
  process.stdout.write(`${seed}\t${violation.checker}: ${sentence}\n`);
  break;
}
