/**
 * `npm run bench`: Evenkeel and its peers side by side, in one run. What is measured and how fair
 * it is: `docs/benchmarks.md`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname } from 'node:path';
import { type Contestant, isSkipped, type Skipped } from './contestants/contestant.ts';
import { contestants } from './contestants/contestants.ts';
import { tellings } from './figures.ts';
import { ask, raiseDescriptorLimit } from './machine.ts';
import { Measurement, type Outcome, type Run } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { type Report, reportOf } from './report/document.ts';
import { table } from './report/table.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { Stage } from './stage.ts';

/** Load average from which others are in the way. */
const BUSY = 0.7;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What the machine lacks for any measurement at all. */
function missing(): string[] {
  const needed: [string, string[]][] = [
    ['wrk', ['-v']],
    ['nginx', ['-v']],
    ['taskset', ['-V']],
    ['getconf', ['CLK_TCK']],
  ];
  return needed.filter(([name, args]) => ask(name, args) === null).map(([name]) => name);
}

/** Those that are there and can be built; the others are named. */
function players({ entries }: Options): { ready: Contestant[]; skipped: Skipped[] } {
  const ready: Contestant[] = [];
  const skipped: Skipped[] = [];
  for (const entry of entries) {
    if (isSkipped(entry)) {
      skipped.push({ id: entry.id, why: entry.why });
      continue;
    }
    try {
      entry.prepare?.();
      ready.push(entry);
    } catch (error) {
      skipped.push({ id: entry.id, why: `it cannot be built: ${(error as Error).message}` });
    }
  }
  for (const { id, why } of skipped) say(`${id} is left out: ${why}`);
  return { ready, skipped };
}

function possible(scenarios: readonly Scenario[]): Scenario[] {
  return scenarios.filter((scenario) => {
    const lacking = scenario.lacking();
    if (lacking !== null) say(`${scenario.id} is left out: ${lacking}`);
    return lacking === null;
  });
}

function tell(run: Run, scenario: Scenario, name: string): void {
  const figures = [...new Set([...scenario.compares, 'requestsPerSecond' as const])].flatMap(
    (figure) => {
      const value = run.figures[figure];
      const { heading, unit, digits } = tellings[figure];
      return value === undefined ? [] : [`${heading} ${(value / unit).toFixed(digits)}`];
    },
  );
  const errors = run.errors === 0 ? '' : `, ${run.errors} errors`;
  say(`${run.scenario} ${run.round}: ${name}: ${figures.join(', ')}${errors}`);
}

async function measured(options: Options): Promise<Report> {
  const { ready, skipped } = players(options);
  const scenarios = possible(options.scenarios);
  const descriptorLimit = raiseDescriptorLimit();
  const { settings } = options;
  say(`Open descriptors: at most ${descriptorLimit} a process`);
  const [loadAverage] = loadavg() as [number];
  if (loadAverage > BUSY && !settings.simultaneous) {
    say(`Others use this machine (load average ${loadAverage.toFixed(1)}): do not trust figures`);
  }
  const nameOf = (id: string): string => ready.find((each) => each.id === id)!.name;
  const stage = new Stage();
  try {
    const measurement = new Measurement(stage, settings, descriptorLimit, {
      ran: (run) =>
        tell(run, scenarios.find(({ id }) => id === run.scenario)!, nameOf(run.contestant)),
      isAbsent: ({ scenario, contestant, why }) =>
        say(`${scenario}: ${nameOf(contestant)} is left out: ${why}`),
    });
    const outcome: Outcome = await measurement.measure(ready, scenarios);
    const taking = { settings, descriptorLimit, loadAverage };
    return reportOf({ ...taking, scenarios, contestants: ready, skipped }, outcome);
  } finally {
    await stage.close();
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), contestants());
  if (typeof options === 'string') {
    process.stdout.write(options);
    return;
  }
  const lacking = missing();
  if (lacking.length > 0) {
    throw new Error(`this needs ${lacking.join(', ')} (Debian: apt install wrk nginx-light)`);
  }
  const report = await measured(options);
  say('');
  for (const scenario of report.scenarios) {
    if (report.results.some((result) => result.scenario === scenario.id)) {
      say(table(report, scenario));
    }
  }
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  say(`All figures, the machine and the versions: ${options.json}`);
  if (report.absences.some(({ isFailure }) => isFailure)) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
