/** Says when the exchanges of a pool go to other levels than before: once for each change. */
import type { Eligible } from '../health/eligibility.ts';
import { BACKUP } from '../health/levels.ts';
import type { Log } from '../telemetry/log.ts';
import { levelOf, type Pool } from './members.ts';
import { list } from './wording.ts';

export class SpillOver {
  private readonly log: Log;
  /** The levels that got exchanges last; nothing: only the first one so far. */
  private readonly used = new WeakMap<Pool, readonly number[]>();

  constructor(log: Log) {
    this.log = log;
  }

  /** This is who gets the exchanges of the pool now. */
  note(pool: Pool, who: Eligible): void {
    // With nobody left they go nowhere, and the verdicts have said so.
    if (who.slots.length === 0) return;
    const home = pool.members.reduce((least, { backend }) => {
      return Math.min(least, levelOf(backend.config));
    }, BACKUP);
    const before = this.used.get(pool) ?? [home];
    const now = [...who.shares.keys()];
    if (`${now}` === `${before}`) return;
    this.used.set(pool, now);
    if (`${now}` === `${home}`) this.returned(pool, home, before);
    else if (now[0] === BACKUP) this.fellBack(pool, who);
    else this.spilled(pool, who);
  }

  private spilled(pool: Pool, who: Eligible): void {
    const { name } = pool.config;
    const parts = [...who.shares].map(([level, share]) => {
      return `${share} % to priority ${level} (${counted(pool, who, level)})`;
    });
    const message = `pool ${name} spills over: of its exchanges go ${list(parts)}`;
    this.log.event('warn', 'pool_spills_over', message, { pool: name });
  }

  private fellBack(pool: Pool, who: Eligible): void {
    const { name } = pool.config;
    const backups = `its backups (${counted(pool, who, BACKUP)})`;
    const message = `pool ${name} uses ${backups}: nobody else can be chosen`;
    this.log.event('warn', 'pool_uses_backups', message, { pool: name });
  }

  private returned(pool: Pool, home: number, before: readonly number[]): void {
    const { name } = pool.config;
    const to = `all of its exchanges go to priority ${home} again`;
    const message = before.includes(BACKUP)
      ? `pool ${name} does not use its backups any more: ${to}`
      : `pool ${name} does not spill over any more: ${to}`;
    this.log.event('info', 'pool_returns', message, { pool: name });
  }
}

/** `1 of 2 can be chosen`. */
function counted(pool: Pool, { slots }: Eligible, level: number): string {
  const all = pool.members.filter(({ backend }) => levelOf(backend.config) === level);
  const chosen = all.filter(({ backend }) => slots.includes(backend.slot));
  return `${chosen.length} of ${all.length} can be chosen`;
}
