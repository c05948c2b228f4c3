/** The load generator in C: built when it is first needed. */
import { type OwnReport, readOwnReport } from '../load/report.ts';
import { ask } from '../machine.ts';
import { build } from '../repository.ts';
import type { Bench, Settings } from './scenario.ts';

let program: string | null = null;

/** What the machine lacks for it. */
export const lacksCompiler = (): string | null =>
  ask('gcc', ['--version']) === null
    ? 'no C compiler for the load generator; Debian: apt install gcc libc6-dev'
    : null;

/** What it needs of a benchmark. */
export interface Loading extends Pick<Bench, 'stage' | 'loadCpu'> {
  readonly settings: Pick<Settings, 'connections'>;
}

/**
 * `last`: requests per second of `steady`, payload bytes of `echo`. `warmUpSeconds` of the same
 * load go before, over the same connections, and are not counted; `echo` has none.
 */
export async function ownLoad(
  mode: 'steady' | 'echo',
  ports: readonly number[],
  { stage, loadCpu, settings }: Loading,
  seconds: number,
  last: number,
  warmUpSeconds = 0,
): Promise<OwnReport> {
  program ??= build('load/load.c', 'load');
  const ms = (length: number): number => Math.round(length * 1000);
  const numbers = [settings.connections, ms(seconds), last];
  if (warmUpSeconds > 0) numbers.push(ms(warmUpSeconds));
  const argv: [string, ...string[]] = [program, mode, ports.join(','), ...numbers.map(String)];
  return readOwnReport(await stage.run(loadCpu, { argv }));
}
