/**
 * Who of a pool may be picked now, and which part of its exchanges each level gets. First the tier:
 * the first one that has anybody. Then the levels within it. Policies choose among those.
 */
import { State, statesOf } from '../table/table.ts';
import { BACKUP, levelShares } from './levels.ts';

/** The `warmth` of a backend that takes its whole share. */
export const WARM = 20;

export interface Candidate {
  readonly slot: number;
  readonly state: State;
  /** Still `checking` although its first verdict should have come. */
  readonly verdictOverdue: boolean;
  /** Its priority, lower ones first; or `BACKUP`. */
  readonly level: number;
  /** How much of its weight it has while it starts slowly: whole, 1 to `WARM`. */
  readonly warmth: number;
}

/** What the tier of a backend follows from. */
export type Standing = Pick<Candidate, 'state' | 'verdictOverdue'>;

/**
 * - `first`: those that are up, and those whose first verdict is still awaited; beside them those
 *   on trial, each for one exchange;
 * - `doubtful`: nobody there: suspects, ejected and overdue ones; a refused connect costs
 *   microseconds, and an ejected one may answer;
 * - `panic`: nobody there either, and the pool says `panic: true`: those that probes took down;
 * - `none`: 503.
 */
export type Tier = 'first' | 'doubtful' | 'panic' | 'none';

export interface Eligible {
  readonly tier: Tier;
  /** Who gets exchanges, in the order of the candidates. */
  readonly slots: readonly number[];
  /** Of the same tier, at levels that get nothing now: for those whom all others have failed. */
  readonly reserve: readonly number[];
  /** Level -> percent of the exchanges that its `slots` get, 1 or more; lowest level first. */
  readonly shares: ReadonlyMap<number, number>;
  /** In which states (`statesOf`) they stay eligible until this is worked out again. */
  readonly states: number;
}

const { up, checking, suspect, down, ejected, trial } = State;

const STATES: Readonly<Record<Tier, number>> = {
  first: statesOf(up, checking, trial),
  doubtful: statesOf(up, checking, trial, suspect, ejected),
  panic: statesOf(up, checking, trial, suspect, ejected, down),
  none: 0,
};

const NOBODY: Eligible = {
  tier: 'none',
  slots: [],
  reserve: [],
  shares: new Map(),
  states: STATES.none,
};

/** Draining backends are in no tier. Allocates; called when a state changes, not per exchange. */
export function eligible(candidates: readonly Candidate[], panic: boolean): Eligible {
  const tier = firstTier(candidates, (candidate) => candidate, panic);
  if (tier === 'none') return NOBODY;
  const members = candidates.filter((candidate) => tierOf(candidate) === tier);
  return among(candidates, members, tier);
}

/** The first tier that has anybody. */
export function firstTier<T>(
  members: readonly T[],
  standing: (member: T) => Standing,
  panic: boolean,
): Tier {
  const tiers: readonly Tier[] = panic ? ['first', 'doubtful', 'panic'] : ['first', 'doubtful'];
  const isOf = (tier: Tier) => members.some((member) => tierOf(standing(member)) === tier);
  return tiers.find(isOf) ?? 'none';
}

/** The tier of a backend in this state. */
export function tierOf({ state, verdictOverdue }: Standing): Tier {
  if (state === up) return 'first';
  if (state === checking) return verdictOverdue ? 'doubtful' : 'first';
  if (state === suspect || state === ejected || state === trial) return 'doubtful';
  return state === down ? 'panic' : 'none';
}

/** `members`: those of the tier. */
function among(
  candidates: readonly Candidate[],
  members: readonly Candidate[],
  tier: Tier,
): Eligible {
  const shares = sharesOf(candidates, members, tier);
  const chosen = candidates.filter((candidate) => {
    if (tierOf(candidate) === tier) return shares.has(candidate.level);
    // Whatever its level: else it would never be tried where that has lost its share.
    return tier === 'first' && candidate.state === trial;
  });
  const rest = members.filter(({ level }) => !shares.has(level));
  return {
    tier,
    slots: chosen.map(({ slot }) => slot),
    reserve: rest.sort((a, b) => a.level - b.level).map(({ slot }) => slot),
    shares,
    states: STATES[tier],
  };
}

/** Level -> percent of the exchanges, more than 0; lowest first. */
function sharesOf(
  candidates: readonly Candidate[],
  members: readonly Candidate[],
  tier: Tier,
): ReadonlyMap<number, number> {
  const lowest = members.reduce((least, { level }) => Math.min(least, level), BACKUP);
  const alone = new Map([[lowest, 100]]);
  // What those that are doubtful could carry nobody knows.
  if (tier !== 'first' || lowest === BACKUP) return alone;
  const levels = [...new Set(candidates.map(({ level }) => level))]
    .filter((level) => level !== BACKUP)
    .sort((a, b) => a - b);
  const shares = levelShares(
    levels.map((level) => ({
      healthy: members.reduce((sum, each) => sum + (each.level === level ? each.warmth : 0), 0),
      total: candidates.filter((each) => each.level === level).length * WARM,
    })),
  );
  const used = levels.map((level, i) => [level, shares[i]] as const);
  const some = new Map(used.filter(([, share]) => share > 0));
  return some.size === 0 ? alone : some;
}
