/**
 * The hard suite in full: `npm run hard`, or `npm run hard -- --parts hostile,kills`. Prints a
 * table of figures; exit code 1: a bound was missed, 2: it was called wrongly.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { misses, type Scale, table } from './figures.ts';
import { parts } from './parts.ts';

const usage = `usage: npm run hard -- [--parts A,B] [--short]
  --parts A,B  only these: ${[...parts.keys()].join(', ')}
  --short      at the size of the test run
`;

const options = {
  parts: { type: 'string' },
  short: { type: 'boolean', default: false },
} as const;

async function main(names: readonly string[], scale: Scale): Promise<void> {
  const missed: string[] = [];
  for (const name of names) {
    const began = performance.now();
    process.stdout.write(`${name}\n`);
    const figures = await parts.get(name)!(scale);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`${table(figures)}\n  (${seconds} s)\n`);
    missed.push(...misses(figures).map((line) => `${name}: ${line}`));
  }
  process.stdout.write(missed.length === 0 ? 'every bound is kept\n' : `MISSED\n`);
  for (const line of missed) process.stdout.write(`  ${line}\n`);
  // Whatever else may still be open.
  process.exit(missed.length === 0 ? 0 : 1);
}

function chosen(): { names: string[]; scale: Scale } | null {
  try {
    const { values } = parseArgs({ options });
    const names = values.parts?.split(',') ?? [...parts.keys()];
    if (names.some((name) => !parts.has(name))) return null;
    return { names, scale: values.short ? 'short' : 'full' };
  } catch {
    return null;
  }
}

const asked = chosen();
if (asked === null) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else await main(asked.names, asked.scale);
