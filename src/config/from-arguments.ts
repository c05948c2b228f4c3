/** A configuration without a file: `evenkeel 9001 9002 9003`, or `--to URL` as often as need be. */
import type { Path } from './diagnostics.ts';
import { formatPath, Report } from './diagnostics.ts';
import { type ConfigResult, configFromValue } from './load.ts';

export interface ConfigArguments {
  /** Ports on this machine, or URLs; in the order in which they were typed. */
  readonly targets: readonly string[];
  /** What was typed after `--port`. */
  readonly port?: string | undefined;
}

/** One listener, one pool, every other value at its default. */
export function configFromArguments({ targets, port }: ConfigArguments): ConfigResult {
  const backends = targets.map((target) =>
    /^\d+$/.test(target) ? `http://localhost:${target}` : target,
  );
  const value = {
    backends,
    ...(port === undefined ? {} : { port: /^-?\d+$/.test(port) ? Number(port) : port }),
  };
  const result = configFromValue(value, new Report(''), '.');
  if ('config' in result) return result;
  const diagnostics = result.diagnostics.map((diagnostic) => ({
    ...diagnostic,
    ...inTypedWords(diagnostic.key, diagnostic.message, targets),
  }));
  return { diagnostics };
}

/** There is no `backends[1].url` on a command line: there is what was typed. */
function inTypedWords(
  key: string,
  message: string,
  targets: readonly string[],
): { key: string; message: string } {
  if (key === 'port') return { key: '--port', message };
  if (targets.length === 0) return { key: '', message: NO_TARGETS };
  const pathOf = (i: number): Path => ['backends', i];
  const typed = targets.findIndex((_, i) => key === formatPath(pathOf(i)));
  const words = message.replace(/backends\[(\d+)\]/g, (_, i) => targets[Number(i)]);
  return { key: typed === -1 ? key : targets[typed], message: words };
}

const NO_TARGETS = 'there is nothing to balance; name ports or URLs: evenkeel 9001 9002';
