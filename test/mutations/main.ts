/**
 * Does the simulator bite? `npm run mutations` plants one bug after another and lets the simulator
 * look for it (`npm run mutations -- operators` is about small slips: `operators/main.ts`). Exit
 * code 1: one of them was not found that has no excuse; 2: it was called wrongly.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { operators } from './operators/main.ts';
import { Ground, root } from './plant.ts';
import { type Planted, planted } from './planted.ts';

const usage = `usage: npm run mutations -- [--seeds COUNT] [--only TEXT] [--write]
  --seeds COUNT  how many seeds the simulator may need, from 1 on (default 300)
  --only TEXT    only bugs whose sentence contains this
  --write        write docs/planted-bugs.md

       npm run mutations -- operators
  small slips instead, which unit tests or the simulator have to notice; --help says more
`;

const options = {
  seeds: { type: 'string', default: '300' },
  only: { type: 'string', default: '' },
  write: { type: 'boolean', default: false },
} as const;

/** A bug may make the simulator run for ever. */
const TIMEOUT_MS = 300_000;

interface Finding {
  readonly seed: string;
  readonly promise: string;
}

/** Null: no seed found it. */
function hunt(folder: string, seeds: number): Finding | null {
  const script = fileURLToPath(new URL('./hunt.js', import.meta.url));
  const { stdout, error, status } = spawnSync(
    process.execPath,
    [script, folder, '1', String(seeds)],
    { encoding: 'utf8', timeout: TIMEOUT_MS },
  );
  const [seed, promise] = stdout.trim().split('\t');
  if (promise !== undefined && seed !== undefined) return { seed, promise };
  if (error !== undefined || status !== 0) return { seed: '-', promise: 'the run does not end' };
  return null;
}

const inTable = (text: string): string => text.replaceAll('|', '\\|').replace(/ \(?file:.*$/, '');

function page(findings: ReadonlyMap<Planted, Finding | null>, seeds: number): string {
  const found = [...findings.values()].filter((finding) => finding !== null).length;
  const rows = [...findings].map(([{ bug, file, excuse = '' }, finding]) => {
    const how =
      finding === null
        ? `not found | ${excuse} |`
        : `${finding.seed} | ${inTable(finding.promise)} |`;
    return `| ${bug} | ${file.replace('src/core/', '')} | ${how}`;
  });
  return `# Planted bugs

Made by \`npm run mutations -- --write\`: each bug of [planted.ts](../test/mutations/planted.ts)
is planted by itself, and the simulator is given the seeds from 1 to ${seeds} to find it.
${found} of ${findings.size} are found.

| bug | file | seed | what the simulator says |
|---|---|---|---|
${rows.join('\n')}
`;
}

function main(seeds: number, only: string, writes: boolean): void {
  const ground = new Ground();
  const findings = new Map<Planted, Finding | null>();
  try {
    if (hunt(ground.folder, 5) !== null) throw new Error('it finds something without a bug');
    for (const each of planted.filter(({ bug }) => bug.includes(only))) {
      ground.plant(each);
      const finding = hunt(ground.folder, seeds);
      ground.heal(each);
      findings.set(each, finding);
      const how = finding === null ? '' : `seed ${finding.seed}: ${finding.promise}`;
      process.stdout.write(`${finding === null ? 'MISSED' : 'found '}  ${each.bug}  ${how}\n`);
    }
  } finally {
    ground.remove();
  }
  const missed = [...findings].filter(([, finding]) => finding === null).map(([each]) => each);
  const found = findings.size - missed.length;
  process.stdout.write(`${found} of ${findings.size} found in ${seeds} seeds\n`);
  if (writes) writeFileSync(join(root, 'docs/planted-bugs.md'), page(findings, seeds));
  if (missed.some(({ excuse }) => excuse === undefined)) process.exitCode = 1;
}

function asked(): { seeds: number; only: string; write: boolean } | null {
  try {
    const { seeds, only, write } = parseArgs({ options }).values;
    return /^[1-9]\d{0,6}$/.test(seeds) ? { seeds: Number(seeds), only, write } : null;
  } catch {
    return null;
  }
}

if (process.argv[2] === 'operators') {
  process.exitCode = await operators(process.argv.slice(3));
} else {
  const given = asked();
  if (given === null) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else main(given.seeds, given.only, given.write);
}
