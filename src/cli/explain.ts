/**
 * `evenkeel explain METHOD URL`: what a balancer with this configuration would do with a request,
 * and why. Nothing is sent: its own code runs in a pretended world where all backends answer.
 */
import { nearestOf } from '../config/diagnostics.ts';
import type { Config } from '../core/config.ts';
import { parseAddress } from '../core/http/trusted-peers.ts';
import { explain as explained } from '../explain/explain.ts';
import type { Named, Question } from '../explain/rehearse.ts';
import { requestBytes } from '../explain/request-bytes.ts';
import { tell } from '../explain/tell.ts';
import { ExitCode } from './exit-code.ts';
import { loadOrExplain } from './loading.ts';
import type { Terminal } from './terminal.ts';

/** As they were typed. */
export interface ExplainOptions {
  readonly config?: string;
  readonly header?: readonly string[];
  readonly from?: string;
  readonly down?: readonly string[];
  readonly drain?: readonly string[];
  readonly busy?: readonly string[];
  readonly seed?: string;
  readonly json?: boolean;
}

/** What was typed makes no sense; the message says what does. */
class Mistyped extends Error {}

/** Explains one request. 0: it was explained, also if it was refused. */
export async function explain(
  terminal: Terminal,
  method: string,
  url: string,
  options: ExplainOptions,
): Promise<ExitCode> {
  const loaded = await loadOrExplain(terminal, options.config, '');
  if (typeof loaded === 'number') return loaded;
  try {
    const explanation = explained(questionOf(loaded.config, method, url, options));
    const { json, colour } = { json: options.json === true, colour: terminal.colour };
    terminal.out(json ? `${JSON.stringify(explanation, null, 2)}\n` : tell(explanation, colour));
    return ExitCode.ok;
  } catch (error) {
    if (!(error instanceof Mistyped)) throw error;
    terminal.err(`error: ${error.message}\n`);
    return ExitCode.usage;
  }
}

function questionOf(
  config: Config,
  method: string,
  url: string,
  { header = [], from = '127.0.0.1', down = [], drain = [], busy = [], seed = '1' }: ExplainOptions,
): Question {
  const typed = requestBytes(config, { method, url, headers: header });
  if ('problem' in typed) throw new Mistyped(typed.problem);
  if (parseAddress(from) === null) {
    throw new Mistyped(`--from ${from}: that is no IP address; write 192.0.2.1 or 2001:db8::1`);
  }
  const named = (option: string) => (name: string) => backendsNamed(config, option, name);
  return {
    config,
    ...typed,
    from,
    seed: whole('--seed', seed),
    down: down.flatMap(named('--down')),
    drained: drain.flatMap(named('--drain')),
    busy: busy.flatMap((text) => {
      const [name, count = ''] = text.split('=');
      const requests = whole(`--busy ${text}`, count);
      return backendsNamed(config, '--busy', name).map((each) => ({ ...each, requests }));
    }),
  };
}

function whole(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const instead = option.startsWith('--busy') ? '--busy NAME=4' : '--seed 42';
  throw new Mistyped(`${option}: "${text}" is no whole number; write ${instead}`);
}

/** `server-1`, in whichever pools there is one; or `web/server-1`. */
function backendsNamed({ pools }: Config, option: string, name: string): Named[] {
  const all = pools.flatMap(({ name: pool, backends }) =>
    backends.map((backend) => ({ pool, backend: backend.name })),
  );
  const found = all.filter(
    ({ pool, backend }) => name === backend || name === `${pool}/${backend}`,
  );
  if (found.length > 0) return found;
  const names = [...new Set(all.map(({ backend }) => backend))];
  const near = nearestOf(name, names);
  const instead = near === null ? `there is ${names.join(', ')}` : `did you mean "${near}"?`;
  throw new Mistyped(`${option}: no backend is called "${name}"; ${instead}`);
}
