/**
 * How vitest runs a test here: once to see by which mutants it passes, or as often as there are
 * such mutants, with another one on each time. A test that was passed in order and now fails has
 * killed the mutant; it has to pass in order afterwards, or it says nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { type RunnerTask, type RunnerTestCase, TestRunner } from 'vitest';
import { Findings } from './findings.ts';
import { type Passages, readJob } from './job.ts';
import { installSwitch, NONE, passedBy, turnOn } from './switch.ts';

installSwitch();

const job = readJob();
const nameOf = (test: RunnerTask): string => {
  const outer = test.suite === undefined ? test.file?.name : nameOf(test.suite);
  return `${outer} > ${test.name}`;
};
/** Ends a try before it begins. */
const skipped = new Error('there is nothing more to try');
/** A test that takes longer tries only what all the others have left. */
const LONG_MS = 500;
/** A test that takes longer tries nothing. */
const TOO_LONG_MS = 2000;
/** The exit code of a process in disorder. */
const DISORDER = 3;

class Looking extends TestRunner {
  private readonly tests: Record<string, Record<string, number>> = {};
  private readonly long: Record<string, Record<string, number>> = {};
  private readonly files: Record<string, number> = {};
  private readonly loading = new Set<number>();

  private beganMs = 0;

  override onBeforeTryTask(test: RunnerTask): void {
    for (const number of passedBy().keys()) this.loading.add(number);
    turnOn(NONE);
    this.beganMs = performance.now();
    super.onBeforeTryTask(test);
  }

  onAfterRetryTask(test: RunnerTestCase): void {
    const tookMs = performance.now() - this.beganMs;
    if (passedBy().size > 0 && tookMs <= TOO_LONG_MS) {
      const { name } = test.file;
      const passed = tookMs > LONG_MS ? this.long : this.tests;
      passed[nameOf(test)] = Object.fromEntries(passedBy());
      this.files[name] = (this.files[name] ?? 0) + tookMs;
    }
    turnOn(NONE);
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    const { tests, long, files } = this;
    const passages: Passages = { tests, long, files, loading: [...this.loading] };
    writeFileSync(job.passages, JSON.stringify(passages));
  }
}

class Hunting extends TestRunner {
  private readonly findings = new Findings(job.findings);
  private readonly asked = new Set(job.mutants.map(([number]) => number));
  private readonly passed = this.passages()[job.isLong ? 'long' : 'tests'];
  private queue: number[] = [];
  private current: number = NONE;
  /** It has failed, and counts once the test passes without it. */
  private suspect: number = NONE;

  override async onBeforeRunTask(test: RunnerTask): Promise<void> {
    const passed = Object.keys(this.passed[nameOf(test)] ?? {}).map(Number);
    this.queue = passed.filter(
      (number) => this.asked.has(number) && this.findings.isLeft(number, nameOf(test)),
    );
    if (this.queue.length === 0) test.mode = 'skip';
    // Each may have to be followed by a try in order.
    else test.repeats = 2 * this.queue.length - 1;
    await super.onBeforeRunTask(test);
  }

  override onBeforeTryTask(test: RunnerTask): void {
    this.current = this.suspect === NONE ? (this.queue.shift() ?? NONE) : NONE;
    if (this.current === NONE && this.suspect === NONE) throw skipped;
    const usual = this.passed[nameOf(test)]?.[this.current];
    if (this.current !== NONE) this.findings.beginTry(this.current, nameOf(test));
    turnOn(this.current, usual);
    super.onBeforeTryTask(test);
  }

  onAfterRetryTask(test: RunnerTestCase): void {
    const failed = test.result?.state === 'fail';
    turnOn(NONE);
    test.result = { ...test.result!, state: 'run', errors: [] };
    if (this.suspect !== NONE) this.confirm(failed, nameOf(test));
    else if (failed && this.current !== NONE) this.accuse(nameOf(test));
    this.current = NONE;
    if (this.queue.length === 0 && this.suspect === NONE) this.findings.pause();
  }

  private passages(): Passages {
    return JSON.parse(readFileSync(job.passages, 'utf8'));
  }

  private accuse(test: string): void {
    // Nothing was before it that could have left disorder.
    if (this.findings.tries === 1) this.findings.kill(this.current, test);
    else this.suspect = this.current;
  }

  private confirm(failed: boolean, test: string): void {
    if (!failed) {
      this.findings.kill(this.suspect, test);
      this.suspect = NONE;
      return;
    }
    this.findings.tryAgain(this.suspect, test);
    process.exit(DISORDER);
  }
}

/** The mutant is on all the time. */
class Always extends TestRunner {
  override onBeforeTryTask(test: RunnerTask): void {
    new Findings(job.findings).beginTry(Number(job.what), nameOf(test));
    super.onBeforeTryTask(test);
  }

  onAfterRetryTask(test: RunnerTestCase): void {
    if (test.result?.state === 'fail')
      new Findings(job.findings).kill(Number(job.what), nameOf(test));
  }
}

const runners = { look: Looking, hunt: Hunting };
if (typeof job.what === 'number') turnOn(job.what);
else turnOn(NONE);

/** The door through which vitest comes in. */
export default typeof job.what === 'number' ? Always : runners[job.what];
