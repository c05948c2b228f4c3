/** How each policy chose, in a sentence. */

import type { Schedule, ScheduleKind } from '../core/balancing/schedule.ts';
import type { PolicyName, PoolConfig } from '../core/config.ts';

/** What the sentences speak of. */
export interface Choice {
  readonly pool: PoolConfig;
  readonly schedule: Schedule;
  /** The ticket of the next turn when it was asked. */
  readonly cursor: number;
  readonly hasKey: boolean;
  /** Whom it considered, in that order. */
  readonly considered: readonly string[];
  readonly seed: number;
}

const ORDERS: Readonly<Record<ScheduleKind, string>> = {
  identity: 'in the order of the file',
  smooth: 'in smooth weighted order',
  stride: 'by weighted static stride',
};

const turn = ({ schedule: { kind, length }, cursor }: Choice): string =>
  length === 0
    ? 'nobody has a turn'
    : `turn ${(cursor % length) + 1} of ${length}, ${ORDERS[kind]}`;

/** `a, b and c`. */
const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Those that were drawn; one alone was the only one there was. */
const drawn = (choice: Choice, which: string): string => {
  const { considered, seed } = choice;
  if (considered.length < 2) return 'there was nobody else to draw';
  return `of ${list(considered)}, drawn by weight from seed ${seed}, ${which}`;
};

const byKey = (choice: Choice, whose: string): string => {
  const { boundedLoad } = choice.pool;
  const bound =
    boundedLoad === null ? '' : `, unless it has ${boundedLoad} times its share in flight`;
  return choice.hasKey ? `${whose}${bound}` : `without a key: ${turn(choice)}`;
};

const SENTENCES: Readonly<Record<PolicyName, (choice: Choice) => string>> = {
  round_robin: turn,
  random: ({ seed }) => `drawn by weight from seed ${seed}`,
  least_connections: (choice) =>
    `${turn(choice)}: whose turn it is if it is idle, else the least (in flight + 1) / weight`,
  least_request: (choice) => drawn(choice, 'the one with less in flight / weight, else the first'),
  peak_ewma: (choice) =>
    drawn(choice, 'the one with less latency x in flight (no latencies are known at a start)'),
  adaptive: (choice) =>
    drawn(choice, 'the one that answers soonest (nothing is known of them at a start)'),
  prequal: (choice) =>
    drawn(choice, 'the one with less in flight (no Backend-Load is known at a start)'),
  maglev: (choice) => byKey(choice, 'whose place it is'),
  ring_hash: (choice) => byKey(choice, 'whose point comes next on the ring'),
  rendezvous: (choice) => byKey(choice, 'the one with the least score for this key'),
  function: (choice) => `what it answered; if nobody, or it failed: ${turn(choice)}`,
};

/** Without a full stop. */
export const howChosen = (choice: Choice): string => SENTENCES[choice.pool.policy](choice);
