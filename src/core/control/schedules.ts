/** Who of each pool may be picked, in which order: worked out here, drawn from by every worker. */
import { placers } from '../balancing/balancing.ts';
import type { Placed } from '../balancing/maglev.ts';
import { createRoundRobin, type Order } from '../balancing/round-robin.ts';
import type { Schedule } from '../balancing/schedule.ts';
import { hashText } from '../base/hash.ts';
import type { PolicyName } from '../config.ts';
import { eligible } from '../health/eligibility.ts';
import { identity } from '../table/backend.ts';
import type { Table } from '../table/table.ts';
import type { EngineControls } from './engine-controls.ts';
import type { Pool } from './members.ts';

interface OrderOf {
  readonly policy: PolicyName;
  readonly order: Order;
}

export class Schedules {
  private readonly table: Table;
  private readonly engine: EngineControls;
  private readonly orders = new WeakMap<Pool, OrderOf>();

  constructor(table: Table, engine: EngineControls) {
    this.table = table;
    this.engine = engine;
  }

  /** A state or a weight changed: works it out anew, and tells the engine. */
  refresh(pool: Pool): void {
    this.engine.schedule(pool.config.name, this.of(pool));
  }

  /** The schedule of those who are eligible now: the one before if they are the same. */
  of(pool: Pool): Schedule {
    const { table } = this;
    const candidates = pool.members.map(({ backend }) => ({
      slot: backend.slot,
      state: table.state(backend.slot),
      verdictOverdue: backend.verdictOverdue,
    }));
    const { slots, states } = eligible(candidates, pool.config.panic);
    const weights = slots.map((slot) => table.weight(slot));
    const schedule = this.orderOf(pool).rebuild(slots, weights);
    schedule.setStates(states);
    return schedule;
  }

  private orderOf(pool: Pool): Order {
    const { policy } = pool.config;
    const known = this.orders.get(pool);
    if (known?.policy === policy) return known.order;
    const placer = placers[policy];
    const order = createRoundRobin(
      (bytes) => this.table.allocate(bytes),
      placer && ((slots, weights) => placer(placed(pool, slots, weights))),
    );
    this.orders.set(pool, { policy, order });
    return order;
  }
}

/** By what they are called, so that all balancers that know them agree where a key belongs. */
function placed(pool: Pool, slots: readonly number[], weights: readonly number[]): Placed[] {
  const names = new Map(
    pool.members.map(({ backend }) => [backend.slot, identity(backend.config)] as const),
  );
  return slots.map((slot, i) => {
    const name = names.get(slot)!;
    return { slot, weight: weights[i], hash: hashText(name), otherHash: hashText(name, 1) };
  });
}
