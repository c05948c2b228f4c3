/** What is typed after `npm run bench --`. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Entry } from './contestants/contestant.ts';
import { root } from './repository.ts';
import type { Scenario, Settings } from './scenarios/scenario.ts';
import { scenarios as all } from './scenarios/scenarios.ts';

/** Who takes part in `--quick` unless named: quick to start, and nothing to build but C. */
const QUICK = ['evenkeel', 'nginx', 'haproxy', 'relay'];

const options = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '64' },
  idle: { type: 'string', default: '10000' },
  scenarios: { type: 'string' },
  contestants: { type: 'string' },
  json: { type: 'string', default: join(root, '.cache/bench.json') },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export interface Options {
  readonly settings: Settings;
  readonly scenarios: readonly Scenario[];
  readonly entries: readonly Entry[];
  /** Where the figures go. */
  readonly json: string;
}

const usage = (entries: readonly Entry[]): string => `npm run bench -- [options]

  --rounds N            runs of each contestant in each scenario (5)
  --seconds N           length of a run (3)
  --connections N       of the load generator, where the scenario does not say (64)
  --idle N              idle connections, as far as descriptors allow (10000)
  --scenarios A,B       only these: ${all.map(({ id }) => id).join(', ')}
  --contestants A,B     only these: ${entries.map(({ id }) => id).join(', ')}
  --json FILE           where the figures go (.cache/bench.json)
  --quick               does it still work? One round of each kind of scenario, all contestants at
                        once: its figures mean nothing

${optionals(entries)} run only when they are named.
EVENKEEL_NODE24 and EVENKEEL_BUN: paths of further runtimes, instead of those of npm ci --prefix ci.
`;

const optionals = (entries: readonly Entry[]): string =>
  entries
    .filter(({ isOptional }) => isOptional)
    .map(({ id }) => id)
    .join(' and ');

/** Options, or the text that explains them. Throws when something is wrong. */
export function readOptions(args: readonly string[], entries: readonly Entry[]): Options | string {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) return usage(entries);
  const { quick } = values;
  const usual = quick
    ? entries.filter(({ id }) => QUICK.includes(id))
    : entries.filter(({ isOptional }) => !isOptional);
  return {
    settings: {
      rounds: quick ? 1 : count('rounds', values.rounds),
      seconds: quick ? 1 : count('seconds', values.seconds),
      // A runtime compiles what runs often, which takes seconds.
      warmUpSeconds: quick ? 0 : 10,
      connections: quick ? 8 : count('connections', values.connections),
      idleConnections: quick ? 200 : count('idle', values.idle),
      settleMs: quick ? 100 : 1500,
      rateFactor: quick ? 0.05 : 1,
      simultaneous: quick,
    },
    scenarios:
      values.scenarios === undefined
        ? all.filter(({ isQuick }) => isQuick || !quick)
        : chosen(all, values.scenarios),
    entries: values.contestants === undefined ? usual : chosen(entries, values.contestants),
    json: values.json,
  };
}

/** Those named in `A,B`, in that order. Throws when one is not there. */
export function chosen<T extends { readonly id: string }>(from: readonly T[], names: string): T[] {
  return names.split(',').map((name) => {
    const found = from.find(({ id }) => id === name);
    if (found === undefined) {
      throw new Error(`${name} is none of ${from.map(({ id }) => id).join(', ')}`);
    }
    return found;
  });
}

/** A whole number of 1 at least. Throws when it is none. */
export function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: a whole number`);
  return value;
}
