/** What is typed after `npm run bench:policies --`. */
import { parseArgs } from 'node:util';
import { chosen, count } from '../options.ts';
import type { Contestant } from './contestant.ts';
import type { Lengths } from './run.ts';
import { troubles as all, slower, type Trouble } from './trouble.ts';

export interface Options {
  readonly troubles: readonly Trouble[];
  readonly contestants: readonly Contestant[];
  readonly lengths: Lengths;
  readonly rounds: number;
  /** All contestants at once, for a test that only wants to see them work. */
  readonly simultaneous: boolean;
}

const options = {
  kinds: { type: 'string' },
  contestants: { type: 'string' },
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '1' },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/**
 * A runtime compiles meanwhile, on threads that share the balancer's processor: at this rate V8 is
 * done after 17 s. In figures that begin earlier those stalls are the worst hundredth.
 */
const WARM_UP_SECONDS = 20;

const listed = (those: readonly { readonly id: string }[]): string =>
  those.map(({ id }) => `\n    ${id}`).join('');

const usage = (contestants: readonly Contestant[]): string => `npm run bench:policies -- [options]

  --seconds N           length of a run, after ${WARM_UP_SECONDS} s of warm-up (5)
  --rounds N            runs of each, in turns; the tables show medians (1)
  --quick               does it still work? A quarter of the pace, all contestants at once: its
                        figures mean nothing
  --kinds A,B           only these:${listed(all)}
  --contestants A,B     only these:${listed(contestants)}
`;

/** Options, or the text that explains them. Throws when something is wrong. */
export function readOptions(
  args: readonly string[],
  contestants: readonly Contestant[],
): Options | string {
  const { values } = parseArgs({ args: [...args], options });
  if (values.help) return usage(contestants);
  const { quick, kinds, contestants: names } = values;
  const troubles = kinds === undefined ? all : chosen(all, kinds);
  return {
    troubles: quick ? troubles.map(slower) : troubles,
    contestants: names === undefined ? contestants : chosen(contestants, names),
    lengths: quick
      ? { seconds: 1, warmUpSeconds: 0.3 }
      : { seconds: count('seconds', values.seconds), warmUpSeconds: WARM_UP_SECONDS },
    rounds: quick ? 1 : count('rounds', values.rounds),
    simultaneous: quick,
  };
}
