/** Who gets how much by weight, level and time: whole numbers, known to the letter. */
import { createRoundRobin } from '../../src/core/balancing/round-robin.ts';
import { warmthAfter } from '../../src/core/control/slow-starts.ts';
import { WARM } from '../../src/core/health/eligibility.ts';
import { levelShares } from '../../src/core/health/levels.ts';
import { State, statesOf } from '../../src/core/table/table.ts';
import type { Oracle } from './oracle.ts';

/** The first cycle of nginx's smooth weighted round robin. */
const smooth = (weights: readonly number[], published: string): Oracle => ({
  kind: 'exact',
  about: `round_robin: order by weights ${weights.join(', ')} (nginx)`,
  published,
  measure: () => {
    const order = createRoundRobin((bytes) => new ArrayBuffer(bytes));
    const schedule = order.rebuild([...weights.keys()], weights);
    schedule.setStates(statesOf(State.up));
    return Array.from(published, () => 'abc'[schedule.draw()]).join('');
  },
});

/** Percent of each level that are healthy, and of the exchanges that each gets. */
const levels = (healthy: readonly number[], published: string): Oracle => ({
  kind: 'exact',
  about: `priorities, ${healthy.join(' / ')} % healthy: % for each (Envoy)`,
  published,
  measure: () => levelShares(healthy.map((each) => ({ healthy: each, total: 100 }))).join(' / '),
});

const WINDOW_MS = 30_000;
const PASSED = [0, 5, 10, 25, 50, 75, 100];

const slowStart: Oracle = {
  kind: 'exact',
  about: `slow_start, after ${PASSED.join(' / ')} % of the time: % of the weight (Envoy)`,
  published: '10 / 10 / 10 / 25 / 50 / 75 / 100',
  measure: () =>
    PASSED.map((part) => (warmthAfter((part * WINDOW_MS) / 100, WINDOW_MS) * 100) / WARM).join(
      ' / ',
    ),
};

export const shares: readonly Oracle[] = [
  smooth([5, 1, 1], 'aabacaa'),
  smooth([4, 2, 1], 'abacaba'),
  smooth([3, 2, 1], 'abacba'),
  levels([100, 0], '100 / 0'),
  levels([72, 100], '100 / 0'),
  levels([71, 100], '99 / 1'),
  levels([50, 100], '70 / 30'),
  levels([25, 100], '35 / 65'),
  levels([0, 100], '0 / 100'),
  levels([25, 25], '50 / 50'),
  levels([5, 65], '8 / 92'),
  levels([25, 25, 100], '35 / 35 / 30'),
  levels([25, 25, 20], '37 / 35 / 28'),
  slowStart,
];
