/** `evenkeel check [config]`: says whether a configuration is good, without starting anything. */
import { printConfig } from '../config/print.ts';
import { type ScheduleKind, scheduleKind } from '../core/balancing/schedule.ts';
import type { Config, PoolConfig } from '../core/config.ts';
import { ExitCode } from './exit-code.ts';
import { loadOrExplain } from './loading.ts';
import type { Terminal } from './terminal.ts';

const SCHEDULES: Readonly<Record<ScheduleKind, string>> = {
  identity: 'equal weights, in the order of the file',
  smooth: 'smooth weighted order',
  stride: 'weighted by static stride (the weights are too unequal for the smooth order)',
};

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const describePool = ({ name, policy, backends }: PoolConfig): string => {
  const schedule = SCHEDULES[scheduleKind(backends.map(({ weight }) => weight))];
  return `  pool ${name}: ${count(backends.length, 'backend')}, ${policy}: ${schedule}\n`;
};

/** What a good configuration amounts to, as text for standard output. */
function describeConfig(file: string, config: Config): string {
  const { listeners, routes, pools } = config;
  const parts = [count(listeners.length, 'listener'), count(routes.length, 'route')];
  const head = `${file} is good: ${parts.join(', ')}, ${count(pools.length, 'pool')}\n`;
  return head + pools.map(describePool).join('');
}

/** `print`: the whole configuration as it will be used, every default written out. */
export async function check(
  terminal: Terminal,
  named: string | undefined,
  print: boolean,
): Promise<ExitCode> {
  const loaded = await loadOrExplain(terminal, named, '');
  if (typeof loaded === 'number') return loaded;
  const { file, config } = loaded;
  terminal.out(print ? printConfig(config) : describeConfig(file, config));
  return ExitCode.ok;
}
