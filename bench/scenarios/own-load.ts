/** The load generator in C: built when it is first needed. */
import { type LoadReport, readReport } from '../load/report.ts';
import { ask } from '../machine.ts';
import { build } from '../repository.ts';
import type { Bench, Settings, Target } from './scenario.ts';

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

/** `last`: requests per second of `steady`, payload bytes of `echo`. */
export async function ownLoad(
  mode: 'steady' | 'echo',
  { port }: Pick<Target, 'port'>,
  { stage, loadCpu, settings }: Loading,
  seconds: number,
  last: number,
): Promise<LoadReport> {
  program ??= build('load/load.c', 'load');
  const numbers = [port, settings.connections, Math.round(seconds * 1000), last];
  const argv: [string, ...string[]] = [program, mode, ...numbers.map(String)];
  return readReport(await stage.run(loadCpu, { argv }));
}
