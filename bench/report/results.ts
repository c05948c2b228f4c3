/** Many runs of one contestant, summed up. */
import { type FigureName, figureNames } from '../figures.ts';
import type { Run } from '../measure.ts';
import { type Spread, spread } from '../statistics.ts';

/** The peers against which ratios are given. */
export const yardsticks = ['nginx', 'haproxy'] as const;
export type Yardstick = (typeof yardsticks)[number];

export type Spreads = Partial<Record<FigureName, Spread>>;

/** All runs of one contestant under one scenario. */
export interface Result {
  readonly scenario: string;
  readonly contestant: string;
  readonly rounds: number;
  readonly errors: number;
  readonly figures: Spreads;
  /** A figure over the yardstick's of the same round: the median of the rounds. */
  readonly ratios: Partial<Record<Yardstick, Spreads>>;
}

/** Sums the runs up, scenario by scenario. */
export function results(runs: readonly Run[]): Result[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.scenario} ${run.contestant}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((group) => {
    const { scenario, contestant } = group[0]!;
    const ratios: Partial<Record<Yardstick, Spreads>> = {};
    for (const yardstick of yardsticks) {
      const theirs = groups.get(`${scenario} ${yardstick}`);
      if (theirs !== undefined) ratios[yardstick] = ratiosTo(theirs, group);
    }
    return {
      scenario,
      contestant,
      rounds: group.length,
      errors: group.reduce((sum, run) => sum + run.errors, 0),
      figures: spreads((name) => group.map(({ figures }) => figures[name])),
      ratios,
    };
  });
}

function ratiosTo(theirs: readonly Run[], group: readonly Run[]): Spreads {
  const ofRound = new Map(theirs.map((run) => [run.round, run.figures]));
  return spreads((name) =>
    group.map(({ round, figures }) => {
      const [ours, other] = [figures[name], ofRound.get(round)?.[name]];
      return ours === undefined || other === undefined ? undefined : ours / other;
    }),
  );
}

/** A spread for each figure of which there is a value. */
function spreads(values: (name: FigureName) => readonly (number | undefined)[]): Spreads {
  const found: Spreads = {};
  for (const name of figureNames) {
    const known = values(name).filter((value) => value !== undefined && Number.isFinite(value));
    if (known.length > 0) found[name] = spread(known as number[]);
  }
  return found;
}
