/**
 * Lets unit tests, and then seeds of the simulator, try mutants, in processes that are replaced
 * when they hang or die; a mutant that was being tried then is killed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { compile, Ground, root } from '../plant.ts';
import { Findings } from './findings.ts';
import { JOB, type Job, type Passages } from './job.ts';
import { type Numbered, withSwitches } from './operators.ts';

/** One try lasts so long at most, on a machine that has other things to do. */
const TRY_MS = 40_000;
const LOOK_EVERY_MS = 500;
/** A process in disorder is replaced so often, for one mutant after the other. */
const MOST_RUNS = 200;

export interface Verdict {
  readonly by: 'unit tests' | 'simulation' | null;
  /** Which test or seed; empty: none. */
  readonly how: string;
  /** Does any test, or seed, pass by it? */
  readonly isPassed: boolean;
}

export interface Means {
  /** Patterns of test files, from the root of the repository. */
  readonly tests: readonly string[];
  readonly seeds: number;
  readonly tell: (line: string) => void;
}

/** One hunt. */
export class Hunt {
  private readonly mutants: readonly Numbered[];
  private readonly means: Means;
  /** Not in the folder that is searched for tests. */
  private readonly ground = new Ground();
  private readonly passages = join(this.ground.folder, 'passages.json');
  private readonly verdicts = new Map<number, Verdict>();
  private readonly passed = new Set<number>();
  private jobs = 0;

  constructor(mutants: readonly Numbered[], means: Means) {
    this.mutants = mutants;
    this.means = means;
  }

  /** The verdict on each mutant, by its number. */
  async run(): Promise<ReadonlyMap<number, Verdict>> {
    try {
      await this.byTests();
      await this.bySeeds();
    } finally {
      this.ground.remove();
    }
    for (const [number] of this.left()) {
      const isPassed = this.passed.has(number);
      this.verdicts.set(number, { by: null, how: '', isPassed });
    }
    return this.verdicts;
  }

  private left(): Numbered[] {
    return this.mutants.filter(([number]) => !this.verdicts.has(number));
  }

  private async byTests(): Promise<void> {
    const { tests, tell } = this.means;
    tell('looks which unit tests pass by which mutants');
    await this.work('unit-run', { what: 'look', where: tests });
    const { tests: passing, long, files, loading } = this.readPassages();
    // Most mutants are killed by many tests: those that cost little go first.
    const where = Object.keys(files).sort((a, b) => files[a]! - files[b]!);
    tell(`${Object.keys(passing).length} tests in ${where.length} files pass by some`);
    if (where.length > 0) this.take('unit tests', await this.work('unit-run', { where }));
    const last = where.filter((file) => Object.keys(long).some((test) => test.startsWith(file)));
    if (last.length > 0) {
      const asked = { where: last, isLong: true, mutants: this.left() };
      this.take('unit tests', await this.work('unit-run', asked));
    }
    await this.byLoading(loading);
    tell(`${this.left().length} of ${this.mutants.length} are left`);
    for (const [, { file, line, kind, from, to }] of this.left()) {
      tell(`  ${file}:${line} ${kind}: ${from} -> ${to || 'nothing'}`);
    }
  }

  /** What runs while modules are loaded is on from the start, and its file's own tests run. */
  private async byLoading(loading: readonly number[]): Promise<void> {
    for (const number of loading) {
      this.passed.add(number);
      if (this.verdicts.has(number)) continue;
      const { file } = this.mutants.find(([each]) => each === number)![1];
      const where = [file.replace(/\.ts$/, '*.test.ts')];
      this.take('unit tests', await this.work('unit-run', { what: number, where }));
    }
  }

  private async bySeeds(): Promise<void> {
    const { seeds, tell } = this.means;
    if (seeds === 0) return;
    tell(`tries ${seeds} seeds`);
    this.prepareGround();
    const where = [this.ground.folder];
    const mutants = this.left();
    this.take('simulation', await this.work('seeds-run', { where, mutants }));
    for (const number of this.readPassages().loading) {
      if (this.verdicts.has(number)) continue;
      this.take('simulation', await this.work('seeds-run', { what: number, where }));
    }
  }

  private readPassages(): Passages {
    return JSON.parse(readFileSync(this.passages, 'utf8'));
  }

  /** The simulator over code with all mutants in it. */
  private prepareGround(): void {
    const files = new Set(this.mutants.map(([, { file }]) => file));
    for (const file of files) {
      const own = this.mutants.filter(([, mutant]) => mutant.file === file);
      const text = withSwitches(readFileSync(join(root, file), 'utf8'), own);
      writeFileSync(join(this.ground.folder, file.replace(/\.ts$/, '.js')), compile(text));
    }
  }

  private take(by: 'unit tests' | 'simulation', { killed, tried }: Findings): void {
    for (const number of tried) this.passed.add(number);
    for (const [number, how] of killed) this.verdicts.set(number, { by, how, isPassed: true });
  }

  /** Until the job is done, in as many processes as it takes. */
  private async work(script: string, asked: Partial<Job>): Promise<Findings> {
    const folder = join(this.ground.folder, `job-${++this.jobs}`);
    mkdirSync(folder);
    const path = join(folder, 'job.json');
    const findings = join(folder, 'findings');
    const { passages, means } = this;
    const { mutants } = this;
    const own = { seeds: means.seeds, findings, passages };
    const job: Job = { what: 'hunt', isLong: false, where: [], mutants, ...asked, ...own };
    writeFileSync(path, JSON.stringify(job));
    for (let run = 0; run < MOST_RUNS; run++) {
      const ended = await runOnce(script, path, findings);
      const found = new Findings(findings);
      if (found.isDone) return found;
      if (job.what === 'look') throw new Error('the tests fail without a mutant');
      const number = typeof job.what === 'number' ? job.what : found.open?.[0];
      if (number !== undefined) found.kill(number, ended);
      if (typeof job.what === 'number') return found;
    }
    throw new Error(`${script} does not come to an end`);
  }
}

/** How it ended. */
function runOnce(script: string, job: string, findings: string): Promise<string> {
  const path = join(root, 'dist/test/mutations/operators', `${script}.js`);
  const child = spawn(process.execPath, ['--max-old-space-size=2048', path], {
    // Tests that are repeated leave listeners behind, of which Node warns.
    env: { ...process.env, [JOB]: job, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let how = 'the process dies';
  const watch = setInterval(() => {
    const stat = statSync(findings, { throwIfNoEntry: false });
    if (stat === undefined || Date.now() - stat.mtimeMs < TRY_MS) return;
    if (new Findings(findings).open === null) return;
    how = 'it does not end';
    child.kill('SIGKILL');
  }, LOOK_EVERY_MS);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearInterval(watch);
      resolve(how);
    });
  });
}
