/** `evenkeel simulate [config]`: what would become of this traffic, with this policy or that. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, Report } from '../config/diagnostics.ts';
import { NamedFiles, readText } from '../config/files.ts';
import { checkValues } from '../config/issues.ts';
import { loadConfig } from '../config/load.ts';
import { makeScenario } from '../config/scenario.ts';
import { type ScenarioFile, scenarioSchema } from '../config/scenario-schema.ts';
import { readSource } from '../config/source.ts';
import type { Config } from '../core/config.ts';
import type { RunResult } from '../simulate/measure.ts';
import { reportHtml } from '../simulate/report/page.ts';
import { frameOf, Run } from '../simulate/run.ts';
import type { Scenario } from '../simulate/scenario.ts';
import { type Outcome, summaryText } from '../simulate/summary.ts';
import { ExitCode } from './exit-code.ts';
import { explain, loadOrExplain } from './loading.ts';
import { flagOf, type SimulateFlags, scenarioOf } from './simulate-flags.ts';
import type { Terminal } from './terminal.ts';

const NOT_SIMULATED = '; nothing was simulated';
/** Between two looks at the clock of the wall; milliseconds of traffic. */
const STEP_MS = 100;
const PROGRESS_EVERY_MS = 200;

/** `now`: a monotonic clock in milliseconds. */
export async function simulate(
  terminal: Terminal,
  named: string | undefined,
  flags: SimulateFlags,
  now: () => number = () => performance.now(),
): Promise<ExitCode> {
  const loaded = await loadOrExplain(terminal, named, NOT_SIMULATED);
  if (typeof loaded === 'number') return loaded;
  const scenario = await scenarioFor(terminal, loaded.config, flags);
  if (typeof scenario === 'number') return scenario;
  const problem = flags.report === undefined ? null : reportProblem(flags.report);
  if (problem !== null) {
    terminal.err(`--report: ${problem}\n`);
    return ExitCode.usage;
  }
  const outcome = runAll(terminal, scenario, now);
  terminal.out(summaryText(outcome, loaded.file));
  return flags.report === undefined
    ? ExitCode.ok
    : writeReport(terminal, flags.report, reportHtml(outcome, loaded.file));
}

/** Why no report can be written there, as far as that can be seen before. */
function reportProblem(path: string): string | null {
  const isFolder = (at: string): boolean => existsSync(at) && statSync(at).isDirectory();
  if (isFolder(path)) return `${path} is a folder; name a file in it`;
  const folder = dirname(path);
  return isFolder(folder) ? null : `there is no folder ${folder}; make it, or name another file`;
}

function writeReport(terminal: Terminal, path: string, html: string): ExitCode {
  try {
    writeFileSync(path, html);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    terminal.err(`cannot write the report to ${path}: ${code ?? message}; name another file\n`);
    return ExitCode.failure;
  }
  terminal.err(`the report is in ${path}\n`);
  return ExitCode.ok;
}

// ---- what is to be simulated --------------------------------------------------------------------

async function scenarioFor(
  terminal: Terminal,
  config: Config,
  flags: SimulateFlags,
): Promise<Scenario | ExitCode> {
  const typed = typedScenario(terminal, flags);
  if (typed === null) return ExitCode.usage;
  const read = flags.scenario === undefined ? nothing() : readScenario(terminal, flags.scenario);
  if (read === null) return ExitCode.config;
  const file = merged(read.file, typed.file);
  const { report } = read;
  const folder = flags.scenario === undefined ? '.' : dirname(resolve(flags.scenario));
  const reloads = await loadReloads(terminal, file, folder, report);
  // A path that was typed is seen from where it was typed.
  const files = new NamedFiles(flags.replay === undefined ? folder : '.');
  const scenario = makeScenario(file, { config, files, reloads, report });
  if (scenario !== null) return scenario;
  // Those that were typed come after those of the file.
  const events = [...(read.file.events ?? []).map(() => ''), ...typed.events];
  const renamed = (each: Diagnostic): Diagnostic => {
    const key = flagOf(each.key, events);
    const isTyped = flags.scenario === undefined || typed.events.includes(key);
    return isTyped ? { file: '', place: null, key, message: each.message } : each;
  };
  explain(terminal, report.diagnostics.map(renamed), NOT_SIMULATED);
  return flags.scenario === undefined ? ExitCode.usage : ExitCode.config;
}

/** What a file says, and where to complain about it. */
interface Read {
  readonly file: ScenarioFile;
  readonly report: Report;
}

/** What was typed: the scenario, and with each of its events the flag and its text. */
interface Typed {
  readonly file: ScenarioFile;
  readonly events: readonly string[];
}

const nothing = (): Read => ({ file: {}, report: new Report('') });

function typedScenario(terminal: Terminal, flags: SimulateFlags): Typed | null {
  const typed = scenarioOf(flags);
  if ('problem' in typed) {
    terminal.err(`${typed.problem}\n`);
    return null;
  }
  const report = new Report('');
  const file = checkValues(typed.value, report, scenarioSchema);
  if (file !== null) return { file, events: typed.typed };
  const renamed = report.diagnostics.map((each) => ({
    ...each,
    key: flagOf(each.key, typed.typed),
  }));
  explain(terminal, renamed, NOT_SIMULATED);
  return null;
}

function readScenario(terminal: Terminal, path: string): Read | null {
  const read = readText(path, path);
  if ('problem' in read) {
    explain(terminal, [{ file: '', place: null, key: '', message: read.problem }], NOT_SIMULATED);
    return null;
  }
  const { value, readable, report } = readSource(read.value, path, terminal.env);
  const file = readable ? checkValues(value ?? {}, report, scenarioSchema) : null;
  if (file !== null && report.diagnostics.length === 0) return { file, report };
  explain(terminal, report.diagnostics, NOT_SIMULATED);
  return null;
}

/** What was typed goes before what the file says; its events come in addition. */
function merged(file: ScenarioFile, typed: ScenarioFile): ScenarioFile {
  const { traffic = {}, service = {}, events = [] } = file;
  const { rate, clients, replay } = typed.traffic ?? {};
  const isOther = (rate ?? clients ?? replay) !== undefined;
  const { rate: _, clients: __, replay: ___, think, arrivals, ...rest } = traffic;
  return {
    ...file,
    ...typed,
    traffic: { ...(isOther ? rest : traffic), ...typed.traffic },
    service: { ...service, ...typed.service },
    events: [...events, ...(typed.events ?? [])],
  };
}

async function loadReloads(
  terminal: Terminal,
  { events = [] }: ScenarioFile,
  folder: string,
  report: Report,
): Promise<ReadonlyMap<string, Config | null>> {
  const found = new Map<string, Config | null>();
  for (const [at, { reload }] of events.entries()) {
    if (reload === undefined || found.has(reload)) continue;
    const loaded = await loadConfig(resolve(folder, reload), terminal.env);
    found.set(reload, 'config' in loaded ? loaded.config : null);
    if ('config' in loaded) continue;
    const [first] = loaded.diagnostics;
    const where = first.key === '' ? '' : `${first.key}: `;
    report.add(['events', at, 'reload'], `cannot be used: ${where}${first.message}`);
  }
  return found;
}

// ---- running ------------------------------------------------------------------------------------

/** Each policy in turn; says how far it is, and in the end how fast it was. */
function runAll(terminal: Terminal, scenario: Scenario, now: () => number): Outcome {
  const frame = frameOf(scenario);
  const { policies, durationMs } = scenario;
  const startedMs = now();
  let saidMs = startedMs;
  const results = policies.map((policy, at): RunResult => {
    const run = new Run(scenario, policy, frame);
    let untilMs = 0;
    do {
      untilMs += STEP_MS;
      if (terminal.errIsTty && now() - saidMs >= PROGRESS_EVERY_MS) {
        saidMs = now();
        const percent = Math.floor(
          (100 * (at + Math.min(1, untilMs / durationMs))) / policies.length,
        );
        terminal.err(`\r${policy}: ${Math.floor(untilMs / 1000)} s, ${percent} % of all\x1b[K`);
      }
    } while (!run.advance(untilMs));
    return run.result();
  });
  const tookMs = now() - startedMs;
  const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 10_000 ? 1 : 0);
  const clear = terminal.errIsTty ? '\r\x1b[K' : '';
  const all = seconds(policies.length * durationMs);
  terminal.err(`${clear}simulated ${all} s in ${seconds(tookMs)} s\n`);
  return { scenario, frame, results };
}
