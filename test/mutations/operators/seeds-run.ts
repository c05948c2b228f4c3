/**
 * Runs seeds of the simulator over the code with mutants in it. Started by `hunting.ts`, with the
 * path of its job in the environment.
 */
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { RunOptions, RunResult } from '../../../sim/run.ts';
import { Findings } from './findings.ts';
import { readJob } from './job.ts';
import { installSwitch, NONE, passedBy, turnOn } from './switch.ts';

const job = readJob();
const findings = new Findings(job.findings);
installSwitch();
const always = typeof job.what === 'number' ? job.what : NONE;
turnOn(always);
const sim = (await import(pathToFileURL(join(job.where[0]!, 'sim/run.js')).href)) as {
  readonly runSeed: (seed: number, options: RunOptions) => RunResult;
};

/** The promise that is broken; null: none is. */
function broken(seed: number): string | null {
  try {
    const { violation } = sim.runSeed(seed, { forMs: null, print: null });
    if (violation === null) return null;
    return `seed ${seed}: ${violation.checker}: ${violation.sentence.split('\n')[0]}`;
  } catch (error) {
    return `seed ${seed}: ${error}`;
  }
}

function huntSeed(seed: number): void {
  const left = job.mutants.filter(([number]) => findings.isLeft(number, String(seed)));
  if (left.length === 0) return;
  findings.pause();
  turnOn(NONE);
  const without = broken(seed);
  if (without !== null) throw new Error(`without a mutant: ${without}`);
  const usual = new Map(passedBy());
  for (const [number] of left) {
    if (!usual.has(number)) continue;
    findings.beginTry(number, String(seed));
    turnOn(number, usual.get(number));
    const how = broken(seed);
    turnOn(NONE);
    if (how === null) continue;
    // Nothing was before it that could have left disorder.
    if (findings.tries === 1 || broken(seed) === null) findings.kill(number, how);
    else {
      findings.tryAgain(number, String(seed));
      process.exit();
    }
  }
}

function playSeed(seed: number): void {
  if (!findings.isLeft(always, String(seed))) return;
  findings.beginTry(always, String(seed));
  const how = broken(seed);
  if (how !== null) findings.kill(always, how);
}

for (let seed = 1; seed <= job.seeds; seed++) {
  if (always === NONE) huntSeed(seed);
  else playSeed(seed);
}
findings.finish();
