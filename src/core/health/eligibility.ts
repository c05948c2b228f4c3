/** Who of a pool may be picked now: the first tier that has anybody. Policies choose within it. */
import { State, statesOf } from '../table/table.ts';

export interface Candidate {
  readonly slot: number;
  readonly state: State;
  /** Still `checking` although its first verdict should have come. */
  readonly verdictOverdue: boolean;
}

/**
 * - `first`: those that are up, and those whose first verdict is still awaited;
 * - `doubtful`: nobody there: suspects and overdue ones; a refused connect costs microseconds;
 * - `panic`: nobody there either, and the pool says `panic: true`: those that probes took down;
 * - `none`: 503.
 */
export type Tier = 'first' | 'doubtful' | 'panic' | 'none';

export interface Eligible {
  readonly tier: Tier;
  /** In the order of the candidates. */
  readonly slots: readonly number[];
  /** In which states (`statesOf`) they stay eligible until this is worked out again. */
  readonly states: number;
}

const { up, checking, suspect, down } = State;

const STATES: Readonly<Record<Tier, number>> = {
  first: statesOf(up, checking),
  doubtful: statesOf(up, checking, suspect),
  panic: statesOf(up, checking, suspect, down),
  none: 0,
};

/** Draining backends are in no tier. Allocates; called when a state changes, not per exchange. */
export function eligible(candidates: readonly Candidate[], panic: boolean): Eligible {
  const tiers: readonly Tier[] = panic ? ['first', 'doubtful', 'panic'] : ['first', 'doubtful'];
  for (const tier of tiers) {
    const members = candidates.filter((candidate) => tierOf(candidate) === tier);
    if (members.length === 0) continue;
    return { tier, slots: members.map((member) => member.slot), states: STATES[tier] };
  }
  return { tier: 'none', slots: [], states: STATES.none };
}

function tierOf({ state, verdictOverdue }: Candidate): Tier {
  if (state === up) return 'first';
  if (state === checking) return verdictOverdue ? 'doubtful' : 'first';
  if (state === suspect) return 'doubtful';
  return state === down ? 'panic' : 'none';
}
