/**
 * Backends that start slowly: who comes back from down, or joins a pool that runs already, has
 * caches to fill and code to compile. Its weight grows from 10 % to 100 %, in proportion to time
 * (Envoy's slow start with aggression 1). Not where more than half of those that can be chosen are
 * new: nobody is there to take what they would be spared.
 */
import { placers } from '../balancing/balancing.ts';
import type { Alarm, Clock } from '../base/clock.ts';
import { WARM } from '../health/eligibility.ts';
import type { Log } from '../telemetry/log.ts';
import type { Member, Pool } from './members.ts';
import { callName, spellDuration } from './wording.ts';

/** Of `WARM`: 10 %, what Envoy begins with. */
const COLDEST = WARM / 10;

/** However short the time: a schedule has to be made and sent for each step. */
const SHORTEST_STEP_MS = 250;

/** How much of its weight a backend has after so long: whole, 2 to `WARM`, of `WARM`. */
export function warmthAfter(elapsedMs: number, windowMs: number): number {
  const reached = Math.floor((elapsedMs * WARM) / windowMs);
  return Math.max(COLDEST, Math.min(WARM, reached));
}

interface Start {
  readonly sinceMs: number;
  told: boolean;
}

export class SlowStarts {
  private readonly clock: Clock;
  private readonly log: Log;
  /** The pool's weights are to be worked out anew, which settles it. */
  private readonly step: (pool: Pool) => void;
  private readonly starts = new Map<Member, Start>();
  private readonly alarms = new Map<Pool, Alarm>();

  constructor(clock: Clock, log: Log, step: (pool: Pool) => void) {
    this.clock = clock;
    this.log = log;
    this.step = step;
  }

  /** It begins now, and if it had begun before, anew. The pool has to be settled then. */
  begin(member: Member): void {
    if (windowOf(member.pool) === 0) return;
    this.starts.set(member, { sinceMs: this.clock.nowMs(), told: false });
  }

  /** It takes no exchanges any more, whatever it was about to become. */
  end(member: Member): void {
    if (this.starts.delete(member)) this.watch(member.pool);
  }

  /** How much of its weight it has now: whole, 2 to `WARM`, of `WARM`. */
  warmth(member: Member): number {
    const start = this.starts.get(member);
    if (start === undefined) return WARM;
    return warmthAfter(this.clock.nowMs() - start.sinceMs, windowOf(member.pool));
  }

  /** Before its weights are worked out. `eligible`: those of its members that are eligible. */
  settle(pool: Pool, eligible: readonly Member[]): void {
    if (this.starts.size === 0) return;
    const windowMs = windowOf(pool);
    for (const member of pool.members) {
      if (windowMs === 0 || this.warmth(member) === WARM) this.starts.delete(member);
    }
    const starting = eligible.filter((member) => this.starts.has(member));
    if (starting.length * 2 > eligible.length) {
      for (const member of starting) this.starts.delete(member);
    } else for (const member of starting) this.tell(member, windowMs);
    this.watch(pool);
  }

  stop(): void {
    for (const alarm of this.alarms.values()) alarm.cancel();
    this.alarms.clear();
    this.starts.clear();
  }

  /** Sees that the next step comes, if there is one. */
  private watch(pool: Pool): void {
    this.alarms.get(pool)?.cancel();
    this.alarms.delete(pool);
    if (!pool.members.some((member) => this.starts.has(member))) return;
    const stepMs = Math.max(SHORTEST_STEP_MS, windowOf(pool) / WARM);
    const alarm = this.clock.wakeAt(this.clock.nowMs() + stepMs, () => this.step(pool));
    this.alarms.set(pool, alarm);
  }

  private tell(member: Member, windowMs: number): void {
    const start = this.starts.get(member)!;
    if (start.told) return;
    start.told = true;
    const { name } = member.pool.config;
    const backend = member.backend.config.name;
    const called = callName(name, backend);
    const message = `${called} starts slowly: all of its share in ${spellDuration(windowMs)}`;
    this.log.event('info', 'backend_slow_start', message, { pool: name, backend });
  }
}

/** 0: it has no slow start. Where keys have their places, it would move them about. */
const windowOf = ({ config }: Pool): number =>
  placers[config.policy] === undefined ? config.slowStartMs : 0;
