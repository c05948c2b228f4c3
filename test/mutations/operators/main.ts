/**
 * `npm run mutations -- operators`: of how many small changes of operators do unit tests and the
 * simulator take notice?
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { createRng } from '../../../src/core/base/rng.ts';
import { root } from '../plant.ts';
import { Hunt, type Verdict } from './hunting.ts';
import { type Mutant, mutantsOf, type Numbered } from './operators.ts';
import { type Outcome, page, scoreLines } from './page.ts';
import { draw } from './sample.ts';
import { argumentFor } from './survivors.ts';

const usage = `usage: npm run mutations -- operators [--sample COUNT] [--seed SEED] [--sim COUNT]
                                      [--only TEXT] [--write]
  --sample COUNT  how many mutants are drawn (default 400)
  --seed SEED     of the drawing (default 1)
  --sim COUNT     how many seeds of the simulator each may need, from 1 on (default 40)
  --only TEXT     only files whose path contains this
  --write         write docs/operator-mutants.md
`;

const options = {
  sample: { type: 'string', default: '400' },
  seed: { type: 'string', default: '1' },
  sim: { type: 'string', default: '40' },
  only: { type: 'string', default: '' },
  write: { type: 'boolean', default: false },
} as const;

const ROOMS = ['engine', 'http1', 'resilience', 'table'];
/**
 * What may notice: the unit tests of the rooms and of the one that uses them, and those that step
 * through each access to shared memory, but those of the table and of the queue: they take minutes.
 */
const TESTS = [
  'src/core/{engine,http1,resilience,table,control}/*.test.ts',
  'test/{connection,rate,session,trial}-interleavings.test.ts',
];

interface Asked {
  readonly sample: number;
  readonly seed: number;
  readonly sim: number;
  readonly only: string;
  readonly write: boolean;
}

const tell = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function mutantsIn(room: string, only: string): Mutant[] {
  const folder = `src/core/${room}`;
  const files = readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`)
    .filter((path) => path.includes(only));
  return files.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
}

async function hunt(asked: Asked): Promise<void> {
  const rooms = new Map(ROOMS.map((room) => [room, mutantsIn(room, asked.only)]));
  const drawn = draw(rooms, asked.sample, createRng(asked.seed));
  const mutants = drawn.map((mutant, i): Numbered => [i + 1, mutant]);
  for (const [room, { length }] of rooms) tell(`${room}: ${length} mutants`);
  tell(`drawn: ${mutants.length}, with seed ${asked.seed}`);
  const means = { tests: TESTS, seeds: asked.sim, tell };
  const verdicts = await new Hunt(mutants, means).run();
  const outcomes = mutants.map(([number, mutant]) => outcome(mutant, verdicts.get(number)!));
  for (const { mutant, verdict, argument } of outcomes) {
    if (verdict.by !== null) continue;
    const { file, line, from, to, kind } = mutant;
    const how = verdict.isPassed ? 'ALIVE ' : 'UNSEEN';
    const excuse = argument === null ? '' : ` (${argument.same ? 'same' : 'open'})`;
    tell(`${how} ${file}:${line} ${kind}: ${short(from)} -> ${to || 'nothing'}${excuse}`);
  }
  for (const line of scoreLines(outcomes, ROOMS)) tell(line);
  if (!asked.write) return;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root });
  const total = [...rooms.values()].reduce((sum, { length }) => sum + length, 0);
  const about = { ...asked, total, commit: String(commit).trim() };
  writeFileSync(join(root, 'docs/operator-mutants.md'), page(outcomes, ROOMS, about));
}

const short = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 90);

function outcome(mutant: Mutant, verdict: Verdict): Outcome {
  const text = readFileSync(join(root, mutant.file), 'utf8').split('\n')[mutant.line - 1]!;
  return { mutant, verdict, text: text.trim(), argument: argumentFor(mutant, text.trim()) };
}

/** Null: called wrongly. */
function asked(words: readonly string[]): Asked | null {
  try {
    const { values } = parseArgs({ args: [...words], options });
    const [sample, seed, sim] = [Number(values.sample), Number(values.seed), Number(values.sim)];
    const fine = [sample, seed, sim].every((each) => Number.isInteger(each) && each >= 0);
    return fine ? { ...values, sample, seed, sim } : null;
  } catch {
    return null;
  }
}

/** The exit code. */
export async function operators(words: readonly string[]): Promise<number> {
  const given = asked(words);
  if (given === null) {
    process.stderr.write(usage);
    return 2;
  }
  await hunt(given);
  return 0;
}
