/** The pools and their backends as the control thread holds them. */
import type { BackendConfig, PoolConfig } from '../config.ts';
import { BACKUP } from '../health/levels.ts';
import type { Tracker } from '../health/tracker.ts';
import type { Backend } from '../table/backend.ts';
import { State, type Table } from '../table/table.ts';

/** One backend with everything that is known of it. */
export interface Member {
  readonly backend: Backend;
  readonly tracker: Tracker;
  readonly pool: Pool;
  /** Not null: it takes no new exchanges. */
  drain: Drain | null;
  /** When it went from passing to timing out (monotonic ms); null: it has not, or passed since. */
  turnedMs: number | null;
  /** It was let off since then, see `health-watch.ts`. */
  pardoned: boolean;
}

export interface Drain {
  /** When it began; milliseconds since 1970. */
  readonly sinceWallMs: number;
  /** The same, monotonic. */
  readonly sinceMs: number;
  /** When exchanges that are still there are cut (monotonic ms). */
  readonly exchangesUntilMs: number;
  /** When tunnels are. */
  readonly tunnelsUntilMs: number;
  /** Not in the configuration any more: its slot is given back at the end. */
  removed: boolean;
  /** Nothing is on it any more. */
  empty: boolean;
}

export interface Pool {
  config: PoolConfig;
  /** Those that are configured, in that order. */
  members: Member[];
  /** The memory of who waits for room there. */
  readonly waiting: ArrayBufferLike;
}

/** The level of its pool that a backend belongs to. */
export const levelOf = ({ backup, priority }: BackendConfig): number =>
  backup ? BACKUP : priority;

/** `2 of 3 up`. */
export function upCount(table: Table, pool: Pool): { up: number; of: number } {
  let up = 0;
  for (const { backend } of pool.members) if (table.state(backend.slot) === State.up) up++;
  return { up, of: pool.members.length };
}
