/** Who of a pool may be picked now: the first tier that has anybody. Policies choose within it. */
import { State } from '../table/table.ts';

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
}

/** Draining backends are in no tier. Allocates; called when a state changes, not per exchange. */
export function eligible(candidates: readonly Candidate[], panic: boolean): Eligible {
  const tiers: readonly Tier[] = panic ? ['first', 'doubtful', 'panic'] : ['first', 'doubtful'];
  for (const tier of tiers) {
    const members = candidates.filter((candidate) => tierOf(candidate) === tier);
    if (members.length > 0) return { tier, slots: members.map((member) => member.slot) };
  }
  return { tier: 'none', slots: [] };
}

function tierOf({ state, verdictOverdue }: Candidate): Tier {
  if (state === State.up) return 'first';
  if (state === State.checking) return verdictOverdue ? 'doubtful' : 'first';
  if (state === State.suspect) return 'doubtful';
  return state === State.down ? 'panic' : 'none';
}
