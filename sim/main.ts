/**
 * The simulator's command line: `npm run sim -- --seed 42`. Exit code 1: a promise was broken; 2:
 * it was called wrongly.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { coverageLines, missing } from './coverage.ts';
import { optionsOf, type SimOptions } from './options.ts';
import { consult, findingsTable } from './oracles/oracle.ts';
import { oracles } from './oracles/oracles.ts';
import { differences, inOneLine, namesOf, worldOf } from './plain.ts';
import { type RunResult, runSeed } from './run.ts';
import { details, rewritten, scenarioNames } from './scenarios/report.ts';
import { parseForMs, parseSeed } from './seed.ts';
import { type Shrunk, shrink } from './shrink.ts';

const USAGE = `usage: npm run sim -- [--seed SEED] [--seeds COUNT] [--for TIME] [--verbose]
                      [--options JSON|FILE] [--shrink] [--coverage]
  --seed SEED    the first seed: a number or a git hash (default 1)
  --seeds COUNT  how many seeds, one after the other (default 1)
  --for TIME     virtual time with faults: 500ms, 60s, 5m (default: until 200 exchanges)
  --verbose      print every event
  --options ...  what the world is like instead: as a run prints it, or the file it is in
  --shrink       make a run that fails small: what of its world is needed, and how little time
  --coverage     what was reached how often, over all these seeds; exit code 1: something never

       npm run sim -- scenarios [NAME...] [--seed SEED]
  what each policy makes of these: ${scenarioNames.join(', ')}

       npm run sim -- scenarios --check | --write
  compare with the tables of docs/policies.md, or write them anew

       npm run sim -- oracles
  what is known of policies, from theory and publications, and what ours come to`;

/** From the repository's root, where npm runs. */
const PAGE = 'docs/policies.md';

interface Arguments {
  readonly seed: number;
  readonly seeds: number;
  readonly forMs: number | null;
  readonly verbose: boolean;
  readonly shrinks: boolean;
  readonly coverage: boolean;
  /** Null: what each seed says. */
  readonly options: SimOptions | null;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A text says what is wrong; empty: how it is called. */
function readArguments(words: readonly string[]): Arguments | string {
  const given = { seed: 1, seeds: 1, verbose: false, shrinks: false, coverage: false };
  let forMs: number | null = null;
  let options: SimOptions | null = null;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === '--verbose') given.verbose = true;
    else if (word === '--shrink') given.shrinks = true;
    else if (word === '--coverage') given.coverage = true;
    else if (word === '--options') {
      const world = readOptions(words[++i] ?? '');
      if (typeof world === 'string') return `--options: ${world}`;
      options = world;
    } else {
      const value = words[++i] ?? '';
      const parsed = word === '--for' ? parseForMs(value) : parseSeed(value);
      if (parsed === null) return '';
      if (word === '--seed') given.seed = parsed;
      else if (word === '--seeds') given.seeds = parsed;
      else if (word === '--for') forMs = parsed;
      else return '';
    }
  }
  return { ...given, forMs, options };
}

function readOptions(given: string): SimOptions | string {
  try {
    return worldOf(JSON.parse(given.startsWith('{') ? given : readFileSync(given, 'utf8')));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function introduce(seed: number, options: SimOptions): void {
  print(`seed ${seed}`);
  print(`options ${inOneLine(options)}`);
}

function playOne(seed: number, { options, forMs, verbose, shrinks }: Arguments): RunResult {
  if (verbose) introduce(seed, options ?? optionsOf(seed));
  const result = runSeed(seed, { forMs, options, print: verbose ? print : null });
  const { violation } = result;
  if (violation === null) return result;
  if (!verbose) {
    introduce(seed, result.options);
    for (const line of result.lines) print(line);
  }
  print(`${violation.checker}: ${violation.sentence}`);
  const time = forMs === null ? '' : ` --for ${forMs}ms`;
  const world = options === null ? '' : ` --options '${inOneLine(options)}'`;
  print(`again: npm run sim -- --seed ${seed}${time} --verbose${world}`);
  if (shrinks) reportShrunk(result, shrink({ seed, options, forMs })!);
  return result;
}

function reportShrunk(before: RunResult, { seed, options, forMs, result, runs }: Shrunk): void {
  const left = new Set(namesOf(differences(options)));
  const plain = namesOf(differences(before.options)).filter((name) => !left.has(name));
  print(`\nshrunk, in ${runs} runs`);
  print(`made plain: ${plain.join(', ')}`);
  introduce(seed, options);
  for (const line of result.lines) print(line);
  print(`${result.violation!.checker}: ${result.violation!.sentence}`);
  const time = forMs === null ? '' : ` --for ${forMs}ms`;
  print(`again: npm run sim -- --seed ${seed}${time} --verbose --options '${inOneLine(options)}'`);
}

function summarise(results: readonly RunResult[], realMs: number): void {
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const ends = new Map<string, number>();
  for (const result of results) {
    for (const [end, count] of result.ends) ends.set(end, (ends.get(end) ?? 0) + count);
  }
  const virtualMs = sum((result) => result.virtualMs);
  const sorted = [...ends].sort((a, b) => b[1] - a[1]);
  print(`ends: ${sorted.map(([end, count]) => `${end} ${count}`).join(', ')}`);
  print(
    `${results.length} seeds (${sum(({ calm }) => (calm ? 1 : 0))} calm), ` +
      `${sum(({ exchanges }) => exchanges)} exchanges, ` +
      `${sum(({ hits }) => hits)} faults hit a live exchange, ` +
      `${(virtualMs / 3_600_000).toFixed(1)} h of virtual time, ` +
      `${Math.round(virtualMs / Math.max(1, realMs))} times faster than real time`,
  );
  const failed = sum(({ violation }) => (violation === null ? 0 : 1));
  print(`${results.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function reportCoverage(results: readonly RunResult[]): void {
  const all = new Map<string, number>();
  for (const { marks } of results) {
    for (const [mark, count] of marks) all.set(mark, (all.get(mark) ?? 0) + count);
  }
  for (const line of coverageLines(all)) print(line);
  const never = missing(all);
  print(never.length === 0 ? 'all is reached' : `never reached: ${never.join(', ')}`);
  if (never.length > 0) process.exitCode = 1;
}

/** False: called wrongly. */
function playScenarios(words: readonly string[]): boolean {
  if (words[0] === '--check' || words[0] === '--write') {
    if (words.length > 1) return false;
    const page = readFileSync(PAGE, 'utf8');
    const anew = rewritten(page);
    if (words[0] === '--write') writeFileSync(PAGE, anew);
    else if (anew !== page) {
      print(`${PAGE} is not what comes out now; npm run sim -- scenarios --write`);
      process.exitCode = 1;
    }
    return true;
  }
  const at = words.indexOf('--seed');
  const names = at < 0 ? words : words.slice(0, at);
  const seed = at < 0 ? 1 : parseSeed(words[at + 1] ?? '');
  const known = names.every((name) => scenarioNames.includes(name));
  if (seed === null || !known || (at >= 0 && words.length > at + 2)) return false;
  for (const name of names.length === 0 ? scenarioNames : names) print(`${details(name, seed)}\n`);
  return true;
}

/** False: called wrongly. */
function compareOracles(words: readonly string[]): boolean {
  if (words.length > 0) return false;
  const findings = oracles.map(consult);
  const strange = findings.filter(({ agrees }) => !agrees).length;
  print(findingsTable(findings));
  print(`${findings.length - strange} agree, ${strange} do not (!)`);
  if (strange > 0) process.exitCode = 1;
  return true;
}

function refuse(): void {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 2;
}

const OTHERS = new Map([
  ['scenarios', playScenarios],
  ['oracles', compareOracles],
]);

function main(): void {
  const words = process.argv.slice(2);
  const other = OTHERS.get(words[0]);
  if (other !== undefined) {
    if (!other(words.slice(1))) refuse();
    return;
  }
  const given = readArguments(words);
  if (typeof given === 'string') {
    if (given !== '') process.stderr.write(`${given}\n\n`);
    refuse();
    return;
  }
  const { seed, seeds } = given;
  const began = process.hrtime.bigint();
  const results: RunResult[] = [];
  for (let i = 0; i < seeds; i++) {
    const result = playOne(seed + i, given);
    if (seeds === 1) print(`hash ${result.hash}`);
    // The lines are printed; thousands of runs need not keep them.
    results.push({ ...result, lines: [] });
  }
  if (given.coverage) reportCoverage(results);
  summarise(results, Number(process.hrtime.bigint() - began) / 1e6);
}

main();
