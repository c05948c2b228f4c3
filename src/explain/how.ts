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
  /** Why the answer of a policy function does not count; null: it does. */
  readonly unanswered: string | null;
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
  function: (choice) => {
    if (choice.considered.length === 0) return 'it was not asked: nobody could be picked';
    const { unanswered } = choice;
    return unanswered === null ? 'what it answered' : `${unanswered}; so it is ${turn(choice)}`;
  },
};

/** In a stack. Modules are imported with this query: `config/module.ts`. */
const PLACE = /([^/\\\s(]+)\?import=\d+:(\d+):(\d+)/;

/** What became of a function's answer. `why`: as a pool's `failures` are told it. */
export function failedHow(why: unknown): string {
  if (typeof why === 'string' && why.startsWith('it answered ')) return why;
  try {
    if (!(why instanceof Error)) return `it threw ${String(why)}`;
    const place = PLACE.exec(why.stack ?? '');
    const where = place === null ? '' : ` (${place[1]}:${place[2]}:${place[3]})`;
    return `it threw ${why.name}: ${why.message.split('\n', 1)[0]}${where}`;
  } catch {
    return 'it threw something that cannot be written as text';
  }
}

/** Without a full stop. */
export const howChosen = (choice: Choice): string => SENTENCES[choice.pool.policy](choice);
