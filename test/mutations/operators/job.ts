/** What a process is told that tries mutants: the content of a file of JSON. */
import { readFileSync } from 'node:fs';
import type { Numbered } from './operators.ts';

export interface Job {
  readonly mutants: readonly Numbered[];
  /**
   * `look`: what passes by which mutant; `hunt`: each mutant by itself, with what passes by it;
   * a number: this mutant, on from the start, as the code that runs while a module is loaded asks.
   */
  readonly what: 'look' | 'hunt' | number;
  /** Only the tests that take long, or only the others. */
  readonly isLong: boolean;
  /** Test files, from the root of the repository, in their order; or the simulator's folder. */
  readonly where: readonly string[];
  /** Seeds from 1 on. */
  readonly seeds: number;
  /** The file for `Findings`. */
  readonly findings: string;
  /** Where `look` writes, and `hunt` reads, what passes by. */
  readonly passages: string;
}

interface Passed {
  readonly [test: string]: { readonly [number: string]: number };
}

export interface Passages {
  /** How often each test passes by which mutant. */
  readonly tests: Passed;
  /** The same of those that take long. */
  readonly long: Passed;
  /** What each of these files takes; ms. */
  readonly files: { readonly [file: string]: number };
  /** Mutants that are passed by while modules are loaded. */
  readonly loading: readonly number[];
}

/** The file's path is in the environment, which threads inherit. */
export const JOB = 'EVENKEEL_MUTATION_JOB';

/** Of this process. */
export function readJob(): Job {
  return JSON.parse(readFileSync(process.env[JOB]!, 'utf8'));
}
