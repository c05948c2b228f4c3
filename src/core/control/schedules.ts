/** Who of each pool may be picked, in which order: worked out here, drawn from by every worker. */
import { placers } from '../balancing/balancing.ts';
import type { Placed } from '../balancing/by-key.ts';
import { effectiveWeights } from '../balancing/effective-weights.ts';
import { createRoundRobin, type Order } from '../balancing/round-robin.ts';
import type { Schedule } from '../balancing/schedule.ts';
import type { Clock } from '../base/clock.ts';
import { hashText } from '../base/hash.ts';
import type { PolicyName } from '../config.ts';
import {
  type Candidate,
  type Eligible,
  eligible,
  firstTier,
  type Standing,
  tierOf,
  WARM,
} from '../health/eligibility.ts';
import { identity } from '../table/backend.ts';
import type { Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineControls } from './engine-controls.ts';
import { levelOf, type Member, type Pool } from './members.ts';
import { MergeWindows, mergeWindowMs } from './merge-windows.ts';
import { SlowStarts } from './slow-starts.ts';
import { SpillOver } from './spill-over.ts';

/** A candidate with its weight as it is configured. */
interface Weighing extends Candidate {
  readonly weight: number;
}

interface OrderOf {
  readonly policy: PolicyName;
  readonly order: Order;
}

export class Schedules {
  /** Who begins or ends one has its pool refreshed. */
  readonly slowStarts: SlowStarts;
  private readonly table: Table;
  private readonly engine: EngineControls;
  private readonly spillOver: SpillOver;
  private readonly windows: MergeWindows;
  private readonly orders = new WeakMap<Pool, OrderOf>();
  private readonly latest = new WeakMap<Pool, Eligible>();

  /** `windowMs`: for how long changes of a pool are merged, if not by its size. */
  constructor(
    table: Table,
    clock: Clock,
    log: Log,
    engine: EngineControls,
    windowMs: (pool: Pool) => number = windowOf,
  ) {
    this.table = table;
    this.engine = engine;
    this.slowStarts = new SlowStarts(clock, log, (pool) => this.refresh(pool));
    this.spillOver = new SpillOver(log);
    this.windows = new MergeWindows(clock, windowMs, (pool) => this.renew(pool));
  }

  /**
   * A state or a weight changed: works it out anew, and tells the engine; in a large pool together
   * with what else changes soon.
   */
  refresh(pool: Pool): void {
    if (!this.mayWait(pool)) this.renew(pool);
  }

  /** These are the pools now. */
  configured(pools: readonly Pool[]): void {
    this.windows.configured(pools);
  }

  stop(): void {
    this.slowStarts.stop();
    this.windows.stop();
  }

  private renew(pool: Pool): void {
    this.engine.schedule(pool.config.name, this.of(pool));
  }

  /** Not when there is somebody better than all those that are in the schedule, or nobody left. */
  private mayWait(pool: Pool): boolean {
    const latest = this.latest.get(pool);
    if (latest === undefined || !this.windows.merges(pool, latest.slots.length)) return false;
    const { members, config } = pool;
    return firstTier(members, (each) => this.standing(each), config.panic) === latest.tier;
  }

  /**
   * The schedule of those who are eligible now: the one before if they are the same. Their
   * effective weights go to the table.
   */
  of(pool: Pool): Schedule {
    const { table, slowStarts } = this;
    this.windows.begin(pool);
    const first = pool.members.filter((member) => tierOf(this.standing(member)) === 'first');
    slowStarts.settle(pool, first);
    const candidates = pool.members.map((member) => this.candidate(member));
    const who = eligible(candidates, pool.config.panic);
    this.latest.set(pool, who);
    this.spillOver.note(pool, who);
    const weights = weigh(candidates, who);
    who.slots.forEach((slot, i) => {
      table.setWeight(slot, weights[i]);
    });
    const schedule = this.orderOf(pool).rebuild(who.slots, weights, who.reserve);
    schedule.setStates(who.states);
    return schedule;
  }

  /**
   * What a backend counts for now, in the unit of its weight, where a level or a slow start makes
   * that another number; 0: others come before it. By slot.
   */
  effective(pool: Pool): ReadonlyMap<number, number> {
    const result = new Map<number, number>();
    const { slots = [], reserve = [] } = this.latest.get(pool) ?? {};
    const configured = new Map(
      pool.members.map(({ backend }) => [backend.slot, backend.config.weight]),
    );
    const ratios = slots.map((slot) => this.table.weight(slot) / configured.get(slot)!);
    const most = ratios.reduce((a, b) => Math.max(a, b), 0);
    slots.forEach((slot, i) => {
      const weight = (configured.get(slot)! * ratios[i]) / most;
      const shown = Math.max(1, Math.round(weight * 1000)) / 1000;
      if (shown !== configured.get(slot)) result.set(slot, shown);
    });
    for (const slot of reserve) result.set(slot, 0);
    return result;
  }

  private standing({ backend }: Member): Standing {
    const { slot, verdictOverdue } = backend;
    return { state: this.table.state(slot), verdictOverdue };
  }

  private candidate(member: Member): Weighing {
    // Spreading what `standing` returns costs more than all of this, for each backend each time.
    const { slot, verdictOverdue, config } = member.backend;
    return {
      slot,
      state: this.table.state(slot),
      verdictOverdue,
      level: levelOf(config),
      weight: config.weight,
      warmth: this.slowStarts.warmth(member),
    };
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

const windowOf = ({ config, members }: Pool): number =>
  mergeWindowMs(config.policy, members.length);

/** The effective weights of those that are eligible. */
function weigh(candidates: readonly Weighing[], who: Eligible): number[] {
  const bySlot = new Map(candidates.map((candidate) => [candidate.slot, candidate]));
  const chosen = who.slots.map((slot) => bySlot.get(slot)!);
  const isSlow = who.tier === 'first' && chosen.some(({ warmth }) => warmth < WARM);
  const [first] = who.shares.keys();
  const weighted = chosen.map(({ level, weight, warmth }) => {
    // One on trial takes part in the level that has a share, for one exchange.
    const at = who.shares.has(level) ? level : first;
    return { level: at, weight: isSlow ? weight * warmth : weight };
  });
  return effectiveWeights(weighted, who.shares);
}

/**
 * By what they are called, so that all balancers that know them agree where a key belongs. Where
 * levels share, weights are as configured for who has the most of his, and parts of that for the
 * others: so only keys move that go from one level to another.
 */
function placed(pool: Pool, slots: readonly number[], weights: readonly number[]): Placed[] {
  const known = new Map(pool.members.map(({ backend }) => [backend.slot, backend.config] as const));
  const configs = slots.map((slot) => known.get(slot)!);
  const most = configs.reduce((max, { weight }, i) => Math.max(max, weights[i] / weight), 0);
  return slots.map((slot, i) => {
    const name = identity(configs[i]);
    const weight = weights[i] / most;
    return { slot, weight, hash: hashText(name), otherHash: hashText(name, 1) };
  });
}
