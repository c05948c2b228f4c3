/**
 * How many requests each backend gets at once: the number that is configured, or one that is found
 * out (`max_requests: adaptive`); and never more than it may have connections. Sole writer of the
 * table's limits. What a backend was found to be good for stays over a reload.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import { AdaptiveLimit } from '../resilience/adaptive-limit.ts';
import type { Outcomes, Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { Member } from './members.ts';
import { callName, spellDuration } from './wording.ts';

/** How often what the workers have counted is looked at. */
const LOOK_MS = 100;

interface Adapted {
  readonly limit: AdaptiveLimit;
  /** As of the last look. */
  outcomes: Outcomes;
  /** As of the last look, too. */
  heldBack: boolean;
}

export class RequestLimits {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly adapted = new Map<Member, Adapted>();
  private alarm: Alarm | null = null;

  constructor(table: Table, clock: Clock, log: Log) {
    this.table = table;
    this.clock = clock;
    this.log = log;
  }

  /** This member is new, or has another configuration. */
  configured(member: Member): void {
    const { slot, config } = member.backend;
    const bounds = config.adaptiveRequests;
    if (bounds === null) {
      this.forget(member);
      this.table.setLimit(slot, within(config.maxConnections, config.maxRequests));
      return;
    }
    const known = this.adapted.get(member);
    known?.limit.bound(bounds);
    if (known === undefined) {
      const outcomes = this.table.outcomes(slot);
      const limit = new AdaptiveLimit(bounds);
      this.adapted.set(member, { limit, outcomes, heldBack: false });
    }
    this.apply(member);
    this.watch();
  }

  /** It takes no new requests, or its limit is fixed now. */
  forget(member: Member): void {
    this.adapted.delete(member);
    if (this.adapted.size === 0) this.stop();
  }

  stop(): void {
    this.alarm?.cancel();
    this.alarm = null;
  }

  private watch(): void {
    this.alarm ??= this.clock.wakeAt(this.clock.nowMs() + LOOK_MS, () => {
      this.alarm = null;
      for (const [member, adapted] of this.adapted) this.look(member, adapted);
      this.watch();
    });
  }

  private look(member: Member, adapted: Adapted): void {
    const { table } = this;
    const { slot } = member.backend;
    const { limit, outcomes: before } = adapted;
    const now = table.outcomes(slot);
    adapted.outcomes = now;
    // Of 32 bits each: the difference is right across their end.
    const answers = (now.answers - before.answers) | 0;
    const headMs = (now.headMs - before.headMs) | 0;
    limit.look(this.clock.nowMs(), { answers, headMs }, table.inFlight(slot));
    this.apply(member);
    if (limit.holdsBack === adapted.heldBack) return;
    adapted.heldBack = limit.holdsBack;
    this.tell(member, limit);
  }

  private apply(member: Member): void {
    const { table } = this;
    const { slot, config } = member.backend;
    const { limit } = this.adapted.get(member)!.limit;
    // How long a tunnel lasts says nothing about how much there is to do.
    table.setLimit(slot, within(config.maxConnections, limit + table.tunnels(slot)));
  }

  private tell(member: Member, { holdsBack, limit, recentMs, usualMs }: AdaptiveLimit): void {
    const pool = member.pool.config.name;
    const backend = member.backend.config.name;
    const name = callName(pool, backend);
    if (!holdsBack) {
      const message = `${name} is not held back any more: it can do what is asked of it`;
      this.log.event('info', 'backend_keeps_up', message, { pool, backend, limit });
      return;
    }
    const [recent, usual] = [recentMs, usualMs].map(spellDuration);
    const took = `it takes ${recent} to answer, and usually ${usual}`;
    const message = `${name} gets no more than ${limit} requests at once for now: ${took}`;
    this.log.event('warn', 'backend_held_back', message, { pool, backend, limit });
  }
}

/** The smaller of two limits of which 0 is none. */
const within = (most: number, limit: number): number =>
  most === 0 || limit === 0 ? most + limit : Math.min(most, limit);
