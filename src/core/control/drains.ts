/**
 * Takes backends out: no new exchanges, those in flight finish, within a deadline; tunnels have
 * one of their own, which does not end before that for clients that are kept. A backend that left
 * the configuration gives its slot back at the end.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import { State, type Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineControls } from './engine-controls.ts';
import { type Drain, type Member, upCount } from './members.ts';
import { callName, count, list, spellDuration } from './wording.ts';

/**
 * A worker that only looks whether it may enter is counted for a moment. Who leaves meanwhile sees
 * that somebody is left and tells nobody, and so do we: it is looked again.
 */
const LOOK_MS = 1000;

export class Drains {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly engine: EngineControls;
  /** Called when a removed member's slot has been given back. */
  private readonly gone: (member: Member) => void;
  /** Who has something on it, or seemed to. */
  private readonly alarms = new Map<Member, readonly Alarm[]>();
  private nextLook: Alarm | null = null;

  constructor(
    table: Table,
    clock: Clock,
    log: Log,
    engine: EngineControls,
    gone: (member: Member) => void,
  ) {
    this.table = table;
    this.clock = clock;
    this.log = log;
    this.engine = engine;
    this.gone = gone;
  }

  /** `settle` has to follow, when the engine has been told. */
  begin(member: Member, removed: boolean): void {
    const { slot } = member.backend;
    if (member.drain !== null) {
      member.drain.removed = removed || member.drain.removed;
      if (removed) this.table.setKeeps(slot, false);
      this.watch(member, this.alarms.get(member) ?? []);
      return;
    }
    const { drainTimeoutMs, drainTunnelTimeoutMs } = member.pool.config;
    const sinceMs = this.clock.nowMs();
    const exchangesUntilMs = sinceMs + drainTimeoutMs;
    const tunnelsUntilMs = sinceMs + drainTunnelTimeoutMs;
    member.drain = {
      sinceWallMs: this.clock.wallMs(),
      sinceMs,
      exchangesUntilMs,
      tunnelsUntilMs,
      removed,
      empty: false,
    };
    // The workers forget whom a backend had when it leaves the configuration.
    this.table.setKeeps(slot, !removed && member.pool.config.sticky?.drain === true);
    this.table.setState(slot, State.draining);
    this.watch(member, [
      this.clock.wakeAt(exchangesUntilMs, () => this.cutOverdue(member)),
      this.clock.wakeAt(tunnelsUntilMs, () => this.cutOverdue(member)),
    ]);
    const on = this.load(member);
    const why = removed ? 'it left the configuration' : 'it was asked to';
    const { up, of } = upCount(this.table, member.pool);
    const rest = on === '' ? '' : `, with ${on} on it`;
    const message = `${name(member)} is draining: ${why}${rest} (${up} of ${of} up)`;
    const healthy = `${up} of ${of} up`;
    this.log.event('info', 'backend_draining', message, { ...fields(member), why, healthy });
  }

  private watch(member: Member, deadlines: readonly Alarm[]): void {
    this.alarms.set(member, deadlines);
    this.nextLook ??= this.clock.wakeAt(this.clock.nowMs() + LOOK_MS, () => this.look());
  }

  private look(): void {
    this.nextLook = null;
    for (const [member, deadlines] of [...this.alarms]) {
      this.watch(member, deadlines);
      this.cutOverdue(member);
    }
  }

  /** Its counts may have become zero. */
  settle(member: Member): void {
    const { drain, backend } = member;
    if (drain === null || this.table.keeps(backend.slot)) return;
    if (this.table.inFlight(backend.slot) > 0 || this.table.tunnels(backend.slot) > 0) return;
    this.cancelAlarms(member);
    if (!drain.empty) {
      drain.empty = true;
      const message = `${name(member)} is drained: nothing is on it any more`;
      this.log.event('info', 'backend_drained', message, fields(member));
    }
    if (!drain.removed) return;
    this.table.free(backend.slot);
    this.log.event('info', 'backend_removed', `${name(member)} is removed`, fields(member));
    this.gone(member);
  }

  stop(): void {
    for (const member of [...this.alarms.keys()]) this.cancelAlarms(member);
  }

  /** Cuts what is there after its deadline, whenever it came: an exchange may become a tunnel. */
  private cutOverdue(member: Member): void {
    const { drain, backend } = member;
    if (drain === null) return;
    const nowMs = this.clock.nowMs();
    if (nowMs >= drain.exchangesUntilMs) {
      this.table.setKeeps(backend.slot, false);
      this.cut(member, drain, 'exchanges', this.table.inFlight(backend.slot));
    }
    // As long as clients are kept those whose tunnels were cut would come back at once.
    if (nowMs >= drain.tunnelsUntilMs && !this.table.keeps(backend.slot)) {
      this.cut(member, drain, 'tunnels', this.table.tunnels(backend.slot));
    }
    // An engine of this thread may have told already that the last one left.
    if (this.alarms.has(member)) this.settle(member);
  }

  private cut(member: Member, drain: Drain, what: 'exchanges' | 'tunnels', number: number): void {
    if (number === 0) return;
    const after = spellDuration(this.clock.nowMs() - drain.sinceMs);
    const cut = count(number, what === 'exchanges' ? 'exchange' : 'tunnel');
    const message = `${name(member)}: ${cut} cut after ${after} of draining`;
    this.log.event('warn', 'backend_drain_cut', message, { ...fields(member), [what]: number });
    this.engine.cut(member.backend, what);
  }

  private cancelAlarms(member: Member): void {
    for (const alarm of this.alarms.get(member) ?? []) alarm.cancel();
    this.alarms.delete(member);
    if (this.alarms.size > 0) return;
    this.nextLook?.cancel();
    this.nextLook = null;
  }

  /** `2 exchanges and 1 tunnel`. */
  private load(member: Member): string {
    const { slot } = member.backend;
    const parts: string[] = [];
    if (this.table.inFlight(slot) > 0) parts.push(count(this.table.inFlight(slot), 'exchange'));
    if (this.table.tunnels(slot) > 0) parts.push(count(this.table.tunnels(slot), 'tunnel'));
    return list(parts);
  }
}

const name = (member: Member): string =>
  callName(member.pool.config.name, member.backend.config.name);

const fields = (member: Member): { pool: string; backend: string } => ({
  pool: member.pool.config.name,
  backend: member.backend.config.name,
});
