/** A configuration without a file: `evenkeel 9001 9002 9003`, or `--to URL` as often as need be. */
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
  const typed = targets.find((_, i) => key === formatPath(['backends', i])) ?? key;
  const isTwice = message.startsWith('without a name');
  return { key: typed, message: isTwice ? 'was named before; name each backend once' : message };
}

const NO_TARGETS = 'there is nothing to balance; name ports or URLs: evenkeel 9001 9002';
