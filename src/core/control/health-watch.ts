/**
 * Turns what is seen of the backends into their states: asks for probes, feeds the trackers, and
 * carries each verdict to the table, the engine and the log.
 *
 * The mass guard: when more than half of a pool of four or more turns from passing to timing out
 * within one interval, the common cause is more likely here than there. They stay up, are probed
 * again at once, and the log asks whether it is us.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { LogLevel } from '../config.ts';
import type { Tracker, Verdict } from '../health/tracker.ts';
import { State, stateName, type Table } from '../table/table.ts';
import type { EventFields, Log } from '../telemetry/log.ts';
import type { EngineControls } from './engine-controls.ts';
import { type Member, type Pool, upCount } from './members.ts';
import { type Outcome, TCP_PROBE_TIMEOUT_MS } from './probe.ts';
import type { Prober } from './prober.ts';
import type { Schedules } from './schedules.ts';
import { callName, count, spellDuration } from './wording.ts';

/** A pool smaller than this is too small to say "all of them". */
const GUARDED_POOL = 4;

/** Probes that could not be sent are logged once in this time. */
const VOID_LOG_MS = 10_000;

const PARDON = 'too many stopped answering at once to believe it';

export class HealthWatch {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly engine: EngineControls;
  private readonly prober: Prober;
  private readonly schedules: Schedules;
  private readonly alarms = new Set<Alarm>();
  private voidLoggedMs = Number.NEGATIVE_INFINITY;

  constructor(
    table: Table,
    clock: Clock,
    log: Log,
    engine: EngineControls,
    prober: Prober,
    schedules: Schedules,
  ) {
    this.table = table;
    this.clock = clock;
    this.log = log;
    this.engine = engine;
    this.prober = prober;
    this.schedules = schedules;
  }

  /** Members that are new in their pool: first probes, and a deadline for the first verdicts. */
  begin(pool: Pool, members: readonly Member[]): void {
    for (const { backend, tracker } of members) {
      if (backend.addresses.length > 0 && tracker.nextProbeMs() !== null) this.prober.soon(backend);
    }
    this.expectVerdicts(pool, members);
  }

  probed(member: Member, outcome: Outcome, tookMs: number): void {
    if (outcome.kind === 'void') {
      this.logVoid(member, outcome.why);
    } else {
      const turned =
        outcome.kind === 'failed' && outcome.how === 'timeout' && member.tracker.passing;
      const verdict = member.tracker.probed(outcome, this.clock.wallMs());
      if (turned) member.turnedMs = this.clock.nowMs();
      if (outcome.kind === 'passed') {
        member.turnedMs = null;
        member.pardoned = false;
      }
      if (verdict !== null) this.apply(member, verdict);
      if (turned && this.isItUs(member.pool)) return;
    }
    this.scheduleNext(member, tookMs);
  }

  /** An exchange was refused on every address. */
  suspected(member: Member, why: string): void {
    const verdict = member.tracker.suspected(why, this.clock.wallMs());
    if (verdict === null) return;
    this.apply(member, verdict);
    if (member.pool.config.healthCheck === null) this.scheduleNext(member, 0);
    else this.prober.soon(member.backend);
  }

  /** A worker died. It may have moved this one to `suspect` in the table and not have told us. */
  workerDied(member: Member): void {
    if (this.table.state(member.backend.slot) !== State.suspect) return;
    // Nothing happens if it is suspect to us too.
    this.suspected(member, 'a worker could not connect to it and has not said why');
  }

  /** Its addresses are known now, or are others than before. */
  resolved(member: Member): void {
    const verdict = member.tracker.resolved(this.clock.wallMs());
    if (verdict !== null) {
      member.backend.verdictOverdue = false;
      this.apply(member, verdict);
      if (verdict.to === State.checking) this.expectVerdicts(member.pool, [member]);
    }
    const settled = member.tracker.state === State.up && verdict === null;
    if (!settled && member.tracker.nextProbeMs() !== null) this.prober.soon(member.backend);
  }

  unresolved(member: Member, why: string): void {
    const verdict = member.tracker.unresolved(why, this.clock.wallMs());
    if (verdict !== null) this.apply(member, verdict);
  }

  /** It is probed in another way from now on: by another health check, or over another TLS. */
  reconfigured(member: Member): void {
    const check = member.pool.config.healthCheck;
    const verdict = member.tracker.configure(check, this.clock.wallMs());
    if (verdict !== null) this.apply(member, verdict);
    if (member.tracker.nextProbeMs() === null) this.prober.forget(member.backend);
    else this.prober.soon(member.backend);
  }

  stop(): void {
    for (const alarm of this.alarms) alarm.cancel();
    this.alarms.clear();
  }

  private scheduleNext(member: Member, tookMs: number): void {
    const delayMs = member.tracker.nextProbeMs();
    if (delayMs !== null) this.prober.schedule(member.backend, delayMs, tookMs);
  }

  /** Until then those that are still checking are eligible like the others. */
  private expectVerdicts(pool: Pool, members: readonly Member[]): void {
    const waiting = members.filter(({ tracker }) => tracker.state === State.checking);
    if (waiting.length === 0) return;
    const timeoutMs = pool.config.healthCheck?.timeoutMs ?? TCP_PROBE_TIMEOUT_MS;
    const alarm = this.clock.wakeAt(this.clock.nowMs() + timeoutMs, () => {
      this.alarms.delete(alarm);
      const late = waiting.filter(({ drain, tracker }) => {
        return drain === null && tracker.state === State.checking;
      });
      for (const { backend } of late) backend.verdictOverdue = true;
      if (late.length > 0) this.schedules.refresh(pool);
    });
    this.alarms.add(alarm);
  }

  /** Carries a verdict of the member's tracker to everybody. */
  apply(member: Member, verdict: Verdict): void {
    const { backend, pool } = member;
    // What failed while it was out says nothing about it now.
    if (verdict.to === State.up) this.table.streaks.clear(backend.slot);
    if (verdict.to === State.trial) this.table.offerTrial(backend.slot);
    else this.table.setState(backend.slot, verdict.to);
    if (verdict.to !== State.checking) backend.verdictOverdue = false;
    this.logVerdict(member, verdict);
    const { slowStarts } = this.schedules;
    if (verdict.to === State.down) slowStarts.end(member);
    else if (comesBack(member, verdict)) slowStarts.begin(member);
    this.schedules.refresh(pool);
    if (verdict.to === State.down) this.engine.backendDown(backend);
  }

  /** The trial that it was offered has ended without an outcome: it gets another one. */
  offerAgain({ backend, pool }: Member): void {
    this.table.offerTrial(backend.slot);
    // While the trial was taken, it was `ejected` to whoever worked the schedule out.
    this.schedules.refresh(pool);
  }

  private logVerdict(member: Member, verdict: Verdict): void {
    const { up, of } = upCount(this.table, member.pool);
    const pool = member.pool.config.name;
    const backend = member.backend.config.name;
    const state = stateName(verdict.to);
    const is = spellState(verdict, member.tracker);
    const message = `${callName(pool, backend)} is ${is}: ${verdict.why} (${up} of ${of} up)`;
    const fields: EventFields = {
      pool,
      backend,
      from: stateName(verdict.from),
      why: verdict.why,
      healthy: `${up} of ${of} up`,
    };
    this.log.event(verdictLevel(verdict.to, up), `backend_${state}`, message, fields);
  }

  private logVoid(member: Member, why: string): void {
    const nowMs = this.clock.nowMs();
    if (nowMs < this.voidLoggedMs + VOID_LOG_MS) return;
    this.voidLoggedMs = nowMs;
    const name = callName(member.pool.config.name, member.backend.config.name);
    const message = `a probe of ${name} says nothing about it, the trouble is ours: ${why}`;
    this.log.event('warn', 'probe_void', message, {
      pool: member.pool.config.name,
      backend: member.backend.config.name,
      why,
    });
  }

  /** The mass guard. True: they were let off, and are probed again at once. */
  private isItUs(pool: Pool): boolean {
    // Those that drain are not probed any more, and stay draining.
    const members = pool.members.filter(({ drain }) => drain === null);
    const intervalMs = pool.config.healthCheck?.intervalMs ?? 0;
    // Jitter makes an interval up to a tenth longer.
    const windowMs = intervalMs + intervalMs / 10;
    const sinceMs = this.clock.nowMs() - windowMs;
    const turned = members.filter(({ turnedMs }) => turnedMs !== null && turnedMs >= sinceMs);
    if (members.length < GUARDED_POOL || turned.length * 2 <= members.length) return false;
    this.logIsItUs(pool.config.name, turned, members.length, windowMs);
    for (const member of turned) {
      if (member.pardoned) continue;
      member.pardoned = true;
      const verdict = member.tracker.pardon(PARDON, this.clock.wallMs());
      if (verdict !== null) this.apply(member, verdict);
      this.prober.soon(member.backend);
    }
    return true;
  }

  private logIsItUs(
    pool: string,
    turned: readonly Member[],
    backends: number,
    windowMs: number,
  ): void {
    // Once for all: those that turn later are let off without another line.
    if (turned.some(({ pardoned }) => pardoned)) return;
    const message =
      `${turned.length} of ${count(backends, 'backend')} of pool ${pool} stopped ` +
      `answering probes within ${spellDuration(windowMs)}: is it us? ` +
      'They stay up and are probed again at once';
    const fields = { pool, turned: turned.length, backends };
    this.log.event('warn', 'probes_timed_out_together', message, fields);
  }
}

/** Without a health check, suspect is the worst that a backend becomes. */
function comesBack({ pool }: Member, { from, to }: Verdict): boolean {
  if (from === State.suspect) return to === State.up && pool.config.healthCheck === null;
  if (from === State.trial) return to === State.up;
  return from === State.down && (to === State.up || to === State.checking);
}

/** As it follows the word "is". */
function spellState({ from, to }: Verdict, { ejection }: Tracker): string {
  if (to === State.trial) return 'on trial';
  if (to !== State.ejected) return stateName(to);
  // Back from worse, some of the time is over already.
  const isNew = from === State.up || from === State.checking || from === State.trial;
  return isNew ? `ejected for ${spellDuration(ejection.lastsMs)}` : 'still ejected';
}

function verdictLevel(to: State, up: number): LogLevel {
  if (to === State.up || to === State.trial) return 'info';
  if (to === State.checking) return 'debug';
  return up === 0 ? 'error' : 'warn';
}
