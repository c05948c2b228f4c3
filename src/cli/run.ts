/** `evenkeel run [config]`, and ports or URLs without a file. */
import { configFromArguments } from '../config/from-arguments.ts';
import { loadConfig } from '../config/load.ts';
import { ExitCode } from './exit-code.ts';
import { explain, loadOrExplain, NOTHING_STARTED } from './loading.ts';
import { serve } from './serve.ts';
import type { Terminal } from './terminal.ts';

const OR_WITHOUT = ', or start without one: evenkeel 9001 9002 9003';

/** Runs the balancer of a configuration file until it is stopped. */
export async function runFile(terminal: Terminal, named: string | undefined): Promise<ExitCode> {
  const loaded = await loadOrExplain(terminal, named, NOTHING_STARTED, OR_WITHOUT);
  if (typeof loaded === 'number') return loaded;
  const { file, config } = loaded;
  const load = () => loadConfig(file, terminal.env);
  return serve(terminal, { config, source: file, load });
}

/** Runs a balancer over ports of this machine and URLs until it is stopped. */
export async function runTargets(
  terminal: Terminal,
  targets: readonly string[],
  port: string | undefined,
): Promise<ExitCode> {
  const result = configFromArguments({ targets, port });
  if ('config' in result) {
    return serve(terminal, { config: result.config, source: null, load: null });
  }
  explain(terminal, result.diagnostics, NOTHING_STARTED);
  return ExitCode.usage;
}
