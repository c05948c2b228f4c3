/** `evenkeel check [config]`: says whether a configuration is good, without starting anything. */
import { advise } from '../config/advice.ts';
import { formatHashKey } from '../config/balancing.ts';
import { printConfig } from '../config/print.ts';
import { goesByKey } from '../core/balancing/balancing.ts';
import { type ScheduleKind, scheduleKind } from '../core/balancing/schedule.ts';
import type { BackendConfig, Config, PoolConfig } from '../core/config.ts';
import { policyLabel } from '../core/policy-function.ts';
import { ExitCode } from './exit-code.ts';
import { loadOrExplain } from './loading.ts';
import type { Terminal } from './terminal.ts';

const SCHEDULES: Readonly<Record<ScheduleKind, string>> = {
  identity: 'equal weights, in the order of the file',
  smooth: 'smooth weighted order',
  stride: 'weighted by static stride (the weights are too unequal for the smooth order)',
};

const REPORTS =
  '    its backends must send "Backend-Load: in_flight=3, latency_ms=12" in their responses;\n' +
  '    those that get few requests can be asked besides (load_probe);\n' +
  '    without reports, of two at random the one with fewer exchanges is taken\n';

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const describePool = (pool: PoolConfig): string => {
  const { name, policy, backends, choose } = pool;
  const ordinary = backends.filter(({ backup }) => !backup);
  const first = Math.min(...ordinary.map(({ priority }) => priority));
  // The others get nothing while all is well.
  const usual = ordinary.filter(({ priority }) => priority === first);
  const schedule = SCHEDULES[scheduleKind(usual.map(({ weight }) => weight))];
  const usually = policy === 'function' ? `when it chooses nobody, ${schedule}` : schedule;
  const order = goesByKey(policy) ? describeKey(pool) : usually;
  const called = `${policyLabel(policy, choose)}: ${order}`;
  const head = `  pool ${name}: ${count(backends.length, 'backend')}, ${called}\n`;
  const reports = policy === 'prequal' ? REPORTS : '';
  return head + reports + describeLevels(ordinary, backends.length) + describeSlowStart(pool);
};

const describeKey = ({ hashKey, boundedLoad }: PoolConfig): string => {
  const bound = boundedLoad === null ? '' : `, at most ${boundedLoad} times its share for each`;
  return `by ${formatHashKey(hashKey)}${bound}`;
};

/** Nothing where all are of one priority, and none is a backup. */
function describeLevels(ordinary: readonly BackendConfig[], all: number): string {
  const priorities = [...new Set(ordinary.map(({ priority }) => priority))].sort((a, b) => a - b);
  const of = (each: number): number => ordinary.filter(({ priority }) => priority === each).length;
  const parts = priorities.map((each) => `${of(each)} of priority ${each}`);
  const backups = all - ordinary.length;
  if (backups > 0) parts.push(count(backups, 'backup'));
  return parts.length === 1 ? '' : `    in this order: ${parts.join(', ')}\n`;
}

function describeSlowStart({ policy, slowStartMs }: PoolConfig): string {
  if (slowStartMs === 0 || !goesByKey(policy)) return '';
  return `    slow_start does nothing here: with ${policy} keys would move about\n`;
}

/** What a good configuration amounts to, as text for standard output. */
function describeConfig(file: string, config: Config): string {
  const { listeners, routes, pools } = config;
  const parts = [count(listeners.length, 'listener'), count(routes.length, 'route')];
  const head = `${file} is good: ${parts.join(', ')}, ${count(pools.length, 'pool')}\n`;
  const advice = advise(config).map(({ message }) => `  advice: ${message}\n`);
  return head + pools.map(describePool).join('') + advice.join('');
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
