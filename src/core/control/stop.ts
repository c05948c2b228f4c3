/**
 * The way out: not ready any more, a delay for whoever watches readiness, listeners closed, what is
 * open finishes, and what is still open at the deadline is reset.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { OpenCounts } from '../table/slabs.ts';
import type { Log } from '../telemetry/log.ts';
import type { EngineControls } from './engine-controls.ts';
import { count, spellDuration } from './wording.ts';

/** How often it is looked whether everything has gone. */
const POLL_MS = 50;

/** How long connections that were reset may take to be gone. */
const AFTER_CUT_MS = 1000;

/** Throws where a program has given another `timeoutMs` than a number or null. */
export function checkTimeout(timeoutMs: unknown): void {
  if (timeoutMs === null || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return;
  const shown = typeof timeoutMs === 'string' ? JSON.stringify(timeoutMs) : String(timeoutMs);
  throw new Error(`timeoutMs is ${shown}: write a number of milliseconds, or null`);
}

export class Stop {
  private readonly clock: Clock;
  private readonly log: Log | null;
  private readonly engine: EngineControls;
  private readonly done: () => void;
  private alarm: Alarm | null = null;
  /** After the delay; monotonic ms, infinite: as long as it takes. */
  private deadlineMs = Number.POSITIVE_INFINITY;
  private began = false;
  private cutMs: number | null = null;

  /** `log` null: nothing is said. `done` is called once, from the loop. */
  constructor(clock: Clock, log: Log | null, engine: EngineControls, done: () => void) {
    this.clock = clock;
    this.log = log;
    this.engine = engine;
    this.done = done;
  }

  /** `timeoutMs` counts from the end of `delayMs`; null: no deadline. */
  begin(delayMs: number, timeoutMs: number | null): void {
    const nowMs = this.clock.nowMs();
    if (timeoutMs !== null) this.deadlineMs = nowMs + delayMs + timeoutMs;
    const limit = timeoutMs === null ? 'without a deadline' : `at most ${spellDuration(timeoutMs)}`;
    const after = delayMs > 0 ? ` after a delay of ${spellDuration(delayMs)}` : '';
    const open = this.engine.open();
    const message = `stopping${after}, ${limit}: ${spell(open)} open`;
    this.log?.event('info', 'stop_began', message, { ...open });
    if (delayMs > 0) this.wakeAt(nowMs + delayMs, () => this.closeListeners());
    else this.closeListeners();
  }

  /** Asked again: a nearer deadline replaces the one before, and ends the delay too. */
  hurry(timeoutMs: number | null): void {
    const deadlineMs = timeoutMs === null ? this.deadlineMs : this.clock.nowMs() + timeoutMs;
    if (deadlineMs >= this.deadlineMs) return;
    this.deadlineMs = deadlineMs;
    if (this.began) this.look();
    else this.closeListeners();
  }

  private closeListeners(): void {
    this.began = true;
    this.engine.beginStop();
    this.wakeAt(Math.min(this.clock.nowMs() + POLL_MS, this.deadlineMs), () => this.look());
  }

  private look(): void {
    const nowMs = this.clock.nowMs();
    const open = this.engine.open();
    const empty = open.listeners + open.connections + open.exchanges + open.tunnels === 0;
    if (this.cutMs === null && !empty && nowMs >= this.deadlineMs) {
      this.log?.event('warn', 'stop_cut', `the time to stop is over: ${spell(open)} cut`, {
        ...open,
      });
      this.cutMs = nowMs;
      this.engine.cutAll();
    }
    const over = this.cutMs !== null && nowMs >= this.cutMs + AFTER_CUT_MS;
    if (empty || over) {
      this.wakeAt(nowMs, this.done);
    } else {
      const pollMs = nowMs + POLL_MS;
      const nextMs = this.deadlineMs > nowMs ? Math.min(pollMs, this.deadlineMs) : pollMs;
      this.wakeAt(nextMs, () => this.look());
    }
  }

  private wakeAt(dueMs: number, wake: () => void): void {
    this.alarm?.cancel();
    this.alarm = this.clock.wakeAt(dueMs, wake);
  }
}

function spell(open: OpenCounts): string {
  const connections = count(open.connections, 'connection');
  return `${connections}, ${count(open.exchanges, 'exchange')}, ${count(open.tunnels, 'tunnel')}`;
}
