/** Who of each pool may be picked, in which order: worked out here, drawn from by every worker. */
import { type Policy, policies } from '../balancing/balancing.ts';
import type { Schedule } from '../balancing/schedule.ts';
import type { PolicyName } from '../config.ts';
import { eligible } from '../health/eligibility.ts';
import type { Table } from '../table/table.ts';
import type { EngineControls } from './engine-controls.ts';
import type { Pool } from './members.ts';

interface Named {
  readonly name: PolicyName;
  readonly policy: Policy;
}

export class Schedules {
  private readonly table: Table;
  private readonly engine: EngineControls;
  private readonly policies = new WeakMap<Pool, Named>();

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
    const schedule = this.policyOf(pool).rebuild(slots, weights);
    schedule.setStates(states);
    return schedule;
  }

  private policyOf(pool: Pool): Policy {
    const name = pool.config.policy;
    const known = this.policies.get(pool);
    if (known?.name === name) return known.policy;
    const policy = policies[name]((bytes) => this.table.allocate(bytes));
    this.policies.set(pool, { name, policy });
    return policy;
  }
}
