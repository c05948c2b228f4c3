/**
 * Runs unit tests over the code with mutants in it, in one thread that lives as long as nothing
 * goes wrong. Started by `hunting.ts`, with the path of its job in the environment.
 */
import { relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, startVitest, type TestSpecification } from 'vitest/node';
import { root } from '../plant.ts';
import { Findings } from './findings.ts';
import { readJob } from './job.ts';
import { type Numbered, withSwitches } from './operators.ts';

const job = readJob();
const byFile = new Map<string, Numbered[]>();
for (const each of job.mutants) {
  const { file } = each[1];
  byFile.set(file, [...(byFile.get(file) ?? []), each]);
}

const switches = {
  name: 'switches',
  enforce: 'pre',
  transform(code: string, id: string): string | null {
    const mutants = byFile.get(relative(root, id));
    return mutants === undefined ? null : withSwitches(code, mutants);
  },
} as const;

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => job.where.indexOf(relative(root, moduleId));
    return files.sort((a, b) => place(a) - place(b));
  }
}

const isStatic = typeof job.what === 'number';

const findings = new Findings(job.findings);
if (isStatic) findings.beginTry(Number(job.what), 'loading');
process.chdir(root);
const vitest = await startVitest(
  'test',
  [],
  {
    config: false,
    root,
    watch: false,
    include: [...job.where],
    pool: 'threads',
    isolate: false,
    fileParallelism: false,
    maxWorkers: 1,
    runner: fileURLToPath(new URL('./runner.js', import.meta.url)),
    reporters: [{}],
    sequence: { sequencer: InOrder },
    testTimeout: 10_000,
    bail: isStatic ? 1 : 0,
    silent: true,
  },
  { plugins: [switches], logLevel: 'silent' },
);
const { state } = vitest;
const broken = state.getUnhandledErrors();
const failed = state.getFiles().filter(({ result }) => result?.state === 'fail');
const found = new Findings(job.findings);
if (job.what === 'look' && failed.length + broken.length > 0) {
  process.stderr.write(`fails without a mutant: ${failed.map(({ name }) => name)} ${broken}\n`);
} else {
  // A module that cannot be loaded has no test that fails.
  if (isStatic && failed.length + broken.length > 0 && !found.killed.has(Number(job.what))) {
    found.kill(Number(job.what), failed[0]?.name ?? 'an error outside of tests');
  }
  // A thread that is out of memory is an error outside of tests, and the open try's fault.
  if (job.what !== 'hunt' || broken.length === 0) found.finish();
}
process.exit();
