/**
 * Counts how often policy functions fail, over all workers, and says it: the first time with the
 * stack, and then, while it goes on, once a minute.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import { type PolicyFunction, policyLabel } from '../policy-function.ts';
import type { Log } from '../telemetry/log.ts';
import type { Pool } from './members.ts';
import { count, spellDuration } from './wording.ts';

const SAID_EVERY_MS = 60_000;

interface Watched {
  readonly choose: PolicyFunction;
  failures: number;
  unsaid: number;
  /** The last time. */
  why: string;
  /** When it is said again; null: it has been quiet. */
  alarm: Alarm | null;
}

export class PolicyWatch {
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly watched = new Map<Pool, Watched>();

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** These are the pools now. Another function is counted anew. */
  configured(pools: readonly Pool[]): void {
    for (const [pool, { choose, alarm }] of [...this.watched]) {
      if (pools.includes(pool) && pool.config.choose === choose) continue;
      alarm?.cancel();
      this.watched.delete(pool);
    }
    for (const pool of pools) {
      const { choose } = pool.config;
      if (choose === null || this.watched.has(pool)) continue;
      this.watched.set(pool, { choose, failures: 0, unsaid: 0, why: '', alarm: null });
    }
  }

  /** Since it was configured; null: the pool has no function. */
  failures(pool: Pool): number | null {
    return this.watched.get(pool)?.failures ?? null;
  }

  /** So many more, the last because of this. */
  failed(pool: Pool, failures: number, why: string): void {
    const watched = this.watched.get(pool);
    if (watched === undefined) return;
    watched.failures += failures;
    watched.unsaid += failures;
    watched.why = why;
    if (watched.alarm === null) this.say(pool, watched, '');
  }

  private say(pool: Pool, watched: Watched, since: string): void {
    const { unsaid: failures, why, choose } = watched;
    watched.unsaid = 0;
    const { name } = pool.config;
    const called = policyLabel('function', choose);
    const times = failures === 1 && since === '' ? '' : ` ${count(failures, 'time')}${since}`;
    const [reason] = why.split('\n', 1);
    const message =
      `pool ${name}: the policy ${called} failed${times}, ` +
      `so round robin chose instead: ${reason}`;
    const fields = { pool: name, failures, total: watched.failures, stack: why };
    this.log.event('error', 'policy_failed', message, fields);
    const { clock } = this;
    watched.alarm = clock.wakeAt(clock.nowMs() + SAID_EVERY_MS, () => {
      watched.alarm = null;
      if (watched.unsaid === 0) return;
      this.say(pool, watched, ` more in ${spellDuration(SAID_EVERY_MS)}`);
    });
  }

  /** Nothing is said any more. */
  stop(): void {
    for (const { alarm } of this.watched.values()) alarm?.cancel();
    this.watched.clear();
  }
}
