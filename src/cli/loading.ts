/** Which configuration a command means, and how its mistakes are shown. */
import { existsSync } from 'node:fs';
import { type Diagnostic, formatDiagnostics } from '../config/diagnostics.ts';
import { loadConfig } from '../config/load.ts';
import { planWorkers, type WorkersPlan } from '../control/plan-workers.ts';
import type { Config } from '../core/config.ts';
import { usableProcessors } from '../platform/node/resources.ts';
import { canSharePorts } from '../platform/transport.ts';
import { runtime } from './about.ts';
import { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

const DEFAULT_FILES = ['config.yaml', 'evenkeel.config.ts', 'evenkeel.config.mjs'] as const;

/** The file to read when none was named: the first that is there, or null. */
export const defaultFile = (exists: (file: string) => boolean = existsSync): string | null =>
  DEFAULT_FILES.find((file) => exists(file)) ?? null;

/**
 * Loads the named file, or the default one. What is wrong goes to standard error, all of it, with
 * the consequence, and the exit code comes back instead of a configuration. `otherwise`: what to
 * type where there is no file.
 */
export async function loadOrExplain(
  terminal: Terminal,
  named: string | undefined,
  consequence: string,
  otherwise = '',
): Promise<{ readonly file: string; readonly config: Config } | ExitCode> {
  const file = named ?? defaultFile();
  if (file === null) {
    terminal.err(
      `evenkeel: there is no ${DEFAULT_FILES.join(' and no ')} in this folder; ` +
        `name a file${otherwise}\n`,
    );
    return ExitCode.config;
  }
  const loaded = await loadConfig(file, terminal.env);
  if (!('config' in loaded)) {
    const more = existsSync(file) ? '' : otherwise;
    const said = loaded.diagnostics.map((each) => ({ ...each, message: each.message + more }));
    explain(terminal, said, consequence);
    return ExitCode.config;
  }
  const { config } = loaded;
  const plan = planHere(config);
  if (!('problem' in plan)) return { file, config };
  const diagnostic = { file, place: null, key: 'workers', message: plan.problem };
  explain(terminal, [diagnostic], consequence);
  return ExitCode.config;
}

/** How many workers this configuration has on this runtime and machine. */
export const planHere = ({ workers }: Config): WorkersPlan =>
  planWorkers(workers, canSharePorts(), usableProcessors(), runtime);

/** What becomes of a wrong configuration where it was to be used. */
export const NOTHING_STARTED = '; nothing was started';

/** All diagnostics, how many there are and what follows from them, to standard error. */
export function explain(
  terminal: Terminal,
  diagnostics: readonly Diagnostic[],
  consequence: string,
): void {
  const count = diagnostics.length === 1 ? '1 problem' : `${diagnostics.length} problems`;
  terminal.err(`${formatDiagnostics(diagnostics)}\n${count}${consequence}\n`);
}
