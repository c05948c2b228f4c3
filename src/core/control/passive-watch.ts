/**
 * Ejects backends whose exchanges fail or are slow, as all workers see them together. A row of
 * failures is told by the worker that sees its last one; shares and means are read from the table
 * once an interval. An ejected backend comes back through one exchange on trial.
 *
 * Guards by count, so that they mean something in small pools: of one nobody is ejected, else at
 * most `maxEjected` of the members, rounded down but one at least, and never the last one that may
 * be picked.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { Rng } from '../base/rng.ts';
import type { PassiveHealthConfig } from '../config.ts';
import type { Fault } from '../health/ejection.ts';
import { type Outcomes, State, type Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { HealthWatch } from './health-watch.ts';
import type { Member, Pool } from './members.ts';
import { type Finding, judge, type Seen } from './outliers.ts';
import { callName } from './wording.ts';

/** A trial that came to nothing is offered again after at most so long. */
const LOOK_MS = 1000;

interface Watched {
  /** As of the last look. */
  outcomes: Outcomes;
  /** It is ejected or on trial, and this is when it is looked at again. */
  alarm: Alarm | null;
  dueMs: number;
  /** It has been said that it is not ejected. */
  spared: boolean;
}

interface Round {
  readonly intervalMs: number;
  readonly alarm: Alarm;
}

/** A share of so many that is meant to be whole may come out as a little less. */
const ROUNDING = 1e-9;

/** How many of so many may be ejected. */
export const mostEjected = (members: number, { maxEjected }: PassiveHealthConfig): number =>
  members < 2 ? 0 : Math.max(1, Math.floor(members * maxEjected + ROUNDING));

export class PassiveWatch {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly rng: Rng;
  private readonly log: Log;
  private readonly health: HealthWatch;
  private readonly watched = new Map<Member, Watched>();
  private readonly rounds = new Map<Pool, Round>();

  constructor(table: Table, clock: Clock, rng: Rng, log: Log, health: HealthWatch) {
    this.table = table;
    this.clock = clock;
    this.rng = rng;
    this.log = log;
    this.health = health;
  }

  /** These are the pools now. Ejections go on where they still make sense. */
  configured(pools: readonly Pool[]): void {
    for (const [pool, { alarm, intervalMs }] of [...this.rounds]) {
      const passive = pools.includes(pool) ? pool.config.passiveHealth : null;
      if (passive?.intervalMs === intervalMs) continue;
      alarm.cancel();
      this.rounds.delete(pool);
    }
    for (const pool of pools) {
      const { passiveHealth } = pool.config;
      if (passiveHealth === null) this.release(pool);
      else this.reconsider(pool, passiveHealth);
    }
  }

  private release(pool: Pool): void {
    for (const member of pool.members) {
      this.bringBack(member, 'passive_health was removed');
      member.tracker.spare(null);
      this.watched.delete(member);
    }
  }

  private reconsider(pool: Pool, config: PassiveHealthConfig): void {
    if (!this.rounds.has(pool)) this.arm(pool, config.intervalMs);
    const latestMs = this.clock.nowMs() + config.maxEjectionMs;
    for (const member of pool.members) {
      const watched = this.watch(member);
      const { stage, fault } = member.tracker.ejection;
      if (stage === null) continue;
      if (!looksFor(fault, config))
        this.bringBack(member, 'what it was ejected for is allowed now');
      else if (watched.dueMs > latestMs) this.lookAt(member, config.maxEjectionMs);
    }
    const ejected = this.ejected(pool);
    ejected.sort((a, b) => this.watch(a).dueMs - this.watch(b).dueMs);
    const excess = ejected.length - mostEjected(pool.members.length, config);
    for (const member of ejected.slice(0, Math.max(0, excess))) {
      this.bringBack(member, 'max_ejected allows fewer to be ejected now');
    }
  }

  private bringBack(member: Member, why: string): void {
    if (member.tracker.ejection.stage === null) return;
    this.watch(member).alarm?.cancel();
    const verdict = member.tracker.bringBack(why, this.clock.wallMs());
    if (verdict !== null) this.health.apply(member, verdict);
  }

  /** A worker: so many attempts in a row as the pool allows have failed. */
  failing(member: Member, why: string): void {
    const config = member.pool.config.passiveHealth;
    if (config === null) return;
    const times = config.consecutiveFailures;
    const what = times === 1 ? 'an attempt failed' : `${times} attempts in a row failed, the last`;
    this.consider({ member, fault: 'streak', why: `${what} ${why}`, badness: 1 }, config);
  }

  /** A worker: the exchange on trial was answered; `failed`: it was not. */
  tried(member: Member, failed: string | null): void {
    const config = member.pool.config.passiveHealth;
    if (config === null || member.tracker.ejection.stage !== State.trial) return;
    const verdict = member.tracker.tried(failed, config, this.rng, this.clock.wallMs());
    const watched = this.watch(member);
    watched.alarm?.cancel();
    watched.outcomes = this.table.outcomes(member.backend.slot);
    if (failed !== null) this.lookAt(member, member.tracker.ejection.lastsMs);
    if (verdict !== null) this.health.apply(member, verdict);
  }

  /** A worker died. It may have had the trial: in any case that decides nothing any more. */
  workerDied(member: Member): void {
    if (this.isTrialTaken(member)) this.table.streaks.clear(member.backend.slot);
  }

  private isTrialTaken({ tracker, backend }: Member): boolean {
    return tracker.state === State.trial && this.table.state(backend.slot) === State.ejected;
  }

  /** It drains: it is neither in nor out any more. */
  forget(member: Member): void {
    this.watched.get(member)?.alarm?.cancel();
    this.watched.delete(member);
    member.tracker.ejection.end();
  }

  stop(): void {
    for (const { alarm } of this.rounds.values()) alarm.cancel();
    for (const { alarm } of this.watched.values()) alarm?.cancel();
    this.rounds.clear();
  }

  // ---- once an interval -------------------------------------------------------------------------

  private arm(pool: Pool, intervalMs: number): void {
    const alarm = this.clock.wakeAt(this.clock.nowMs() + intervalMs, () => {
      this.arm(pool, intervalMs);
      this.look(pool);
    });
    this.rounds.set(pool, { intervalMs, alarm });
  }

  private look(pool: Pool): void {
    const config = pool.config.passiveHealth!;
    const seen = pool.members.filter(({ drain }) => drain === null).map((each) => this.see(each));
    const findings = judge(seen, config);
    const found = new Set(findings.map(({ member }) => member));
    for (const member of pool.members) {
      if (found.has(member)) continue;
      this.watch(member).spared = false;
      member.tracker.spare(null);
      if (member.tracker.state === State.up) member.tracker.ejection.heal();
    }
    for (const finding of findings) this.consider(finding, config);
  }

  /** What came since the last look, of one that is in. */
  private see(member: Member): Seen {
    const { slot } = member.backend;
    const watched = this.watch(member);
    const before = watched.outcomes;
    const now = this.table.outcomes(slot);
    watched.outcomes = now;
    const isIn = member.tracker.state === State.up || member.tracker.state === State.checking;
    if (!isIn) return { member, answers: 0, failures: 0, headMs: 0, streak: 0 };
    return {
      member,
      // Of 32 bits each: the difference is right across their end.
      answers: (now.answers - before.answers) | 0,
      failures: (now.failures - before.failures) | 0,
      headMs: (now.headMs - before.headMs) | 0,
      streak: this.table.streaks.at(slot),
    };
  }

  private watch(member: Member): Watched {
    let watched = this.watched.get(member);
    if (watched === undefined) {
      const { slot } = member.backend;
      const outcomes = this.table.outcomes(slot);
      // A row may be left from when it was watched before: answers since need not have ended it.
      this.table.streaks.clear(slot);
      watched = { outcomes, alarm: null, dueMs: 0, spared: false };
      this.watched.set(member, watched);
    }
    return watched;
  }

  // ---- out and in -------------------------------------------------------------------------------

  private consider({ member, fault, why }: Finding, config: PassiveHealthConfig): void {
    const { state } = member.tracker;
    if (state !== State.up && state !== State.checking) return;
    const obstacle = this.obstacle(member, config);
    if (obstacle !== null) {
      this.spare(member, why, obstacle);
      return;
    }
    const { tracker } = member;
    const verdict = tracker.eject(fault, why, config, this.rng, this.clock.wallMs());
    this.lookAt(member, tracker.ejection.lastsMs);
    if (verdict !== null) this.health.apply(member, verdict);
  }

  /** Why it must not be ejected; null: it may. */
  private obstacle({ pool, backend }: Member, config: PassiveHealthConfig): string | null {
    const { members } = pool;
    const others = members.filter((other) => {
      const state = this.table.state(other.backend.slot);
      if (other.backend === backend) return false;
      return state === State.up || (state === State.checking && !other.backend.verdictOverdue);
    });
    if (others.length === 0) return 'nobody else is up';
    const ejected = this.ejected(pool).length;
    if (ejected < mostEjected(members.length, config)) return null;
    return `${ejected} of ${members.length} ejected is the most (max_ejected)`;
  }

  private ejected({ members }: Pool): Member[] {
    return members.filter(
      ({ drain, tracker }) => drain === null && tracker.ejection.stage !== null,
    );
  }

  private spare(member: Member, why: string, obstacle: string): void {
    member.tracker.spare(`not ejected although ${why}: ${obstacle}`);
    const watched = this.watch(member);
    if (watched.spared) return;
    watched.spared = true;
    const pool = member.pool.config.name;
    const backend = member.backend.config.name;
    const message = `${callName(pool, backend)} is not ejected although ${why}: ${obstacle}`;
    this.log.event('warn', 'backend_not_ejected', message, { pool, backend, why, obstacle });
  }

  /** Looks at an ejected one when its time is over, and then again and again until it is back. */
  private lookAt(member: Member, inMs: number): void {
    const watched = this.watch(member);
    watched.alarm?.cancel();
    watched.dueMs = this.clock.nowMs() + inMs;
    watched.alarm = this.clock.wakeAt(watched.dueMs, () => {
      this.lookAt(member, LOOK_MS);
      this.offerTrial(member);
    });
  }

  private offerTrial(member: Member): void {
    const { tracker, backend } = member;
    const verdict = tracker.offerTrial(this.clock.wallMs());
    if (verdict !== null) {
      this.health.apply(member, verdict);
      return;
    }
    // Whoever took it gave it back: the client left, or the worker died.
    if (this.isTrialTaken(member) && this.table.streaks.trial(backend.slot) === 0) {
      this.health.offerAgain(member);
    }
  }
}

const looksFor = (fault: Fault, config: PassiveHealthConfig): boolean => {
  if (fault === 'streak') return config.consecutiveFailures > 0;
  return fault === 'ratio' ? config.failureRatio > 0 : config.slowerThan > 0;
};
