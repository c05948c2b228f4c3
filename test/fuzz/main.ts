/**
 * The long run: `npm run fuzz -- --streams 1000000 --seed 42`. Exit code 1: something was found; 2:
 * it was called wrongly.
 */
import process from 'node:process';
import { parseSeed } from '../../sim/seed.ts';
import { installByteOps } from '../../src/core/base/bytes.ts';
import { createNodeByteOps } from '../../src/platform/node/bytes.ts';
import { loadCaptured } from './captured.ts';
import { type Finding, newTally, runSeed, type Tally } from './differential.ts';
import { readable } from './reading.ts';

const USAGE = `usage: npm run fuzz -- [--seed SEED] [--streams COUNT]
  --seed SEED      the first seed: a number or a git hash (default 1); each stream has the next
  --streams COUNT  how many mutated streams (default 100000)`;

/** Findings after which there is no point in going on. */
const MOST_FINDINGS = 10;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function readArguments(words: readonly string[]): { seed: number; streams: number } | null {
  const given = { seed: 1, streams: 100_000 };
  for (let i = 0; i < words.length; i += 2) {
    const value = parseSeed(words[i + 1] ?? '');
    if (value === null) return null;
    if (words[i] === '--seed') given.seed = value;
    else if (words[i] === '--streams') given.streams = value;
    else return null;
  }
  return given;
}

function report({ sentence, text }: Finding, seed: number): void {
  print(`seed ${seed}: ${sentence}`);
  print(readable(text));
  print(`again: npm run fuzz -- --streams 1 --seed ${seed}`);
}

function printReasons(title: string, reasons: ReadonlyMap<string, number>): void {
  const sorted = [...reasons].sort((a, b) => b[1] - a[1]);
  if (sorted.length === 0) return;
  print(title);
  for (const [why, times] of sorted) print(`  ${String(times).padStart(8)}  ${why}`);
}

function summarise(tally: Tally, findings: number, seconds: number): void {
  const share = (of: number): string => `${of} (${((100 * of) / tally.streams).toFixed(1)} %)`;
  print(`${tally.valid} valid streams accepted, ${tally.streams} mutants:`);
  print(`  accepted by both       ${share(tally.acceptedByBoth)}`);
  print(`  refused by neither     ${share(tally.unfinished)}, but not whole`);
  print(`  refused by both        ${share(tally.refusedByBoth)}`);
  print(`  refused by us alone    ${share(tally.refusedByUsAlone)}`);
  print(`  refused by Node alone  ${share(tally.refusedByNodeAlone)}`);
  print(`  read otherwise by Node in ways that are known: ${tally.known}`);
  printReasons('refused by us alone:', tally.ourReasons);
  printReasons('refused by Node alone:', tally.theirReasons);
  print(`${findings} findings, ${seconds.toFixed(1)} s`);
}

function main(): void {
  const given = readArguments(process.argv.slice(2));
  if (given === null) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  installByteOps(createNodeByteOps());
  const captured = loadCaptured('test/fuzz/captured').map((each) => each.text);
  const tally = newTally();
  const began = process.hrtime.bigint();
  let findings = 0;
  for (let i = 0; i < given.streams && findings < MOST_FINDINGS; i++) {
    const finding = runSeed(given.seed + i, captured, tally);
    if (finding === null) continue;
    findings++;
    report(finding, given.seed + i);
  }
  summarise(tally, findings, Number(process.hrtime.bigint() - began) / 1e9);
  if (findings > 0) process.exitCode = 1;
}

main();
