/**
 * Levels of a pool: how much of its exchanges each gets. Those of priority 0 get all, as long as
 * enough of them are healthy; what they cannot carry spills over to the next level, and so on
 * (Envoy's priority levels, with its factor of 1.4 and its whole numbers).
 */

/** The level of backups: they get nothing while anybody else can be chosen. */
export const BACKUP = 16;

/** So much more than its share a healthy backend is trusted with, in percent. */
const OVERPROVISIONED = 140;

/** Backends of one level; in any unit, the same for both. */
export interface LevelHealth {
  readonly healthy: number;
  readonly total: number;
}

/**
 * Percent of the exchanges for each level, in their order. They sum up to 100; all are 0 when
 * nobody is healthy, or so few that they round to nothing. A level carries 1.4 times its healthy
 * part; when all together carry less than everything, each gets in proportion.
 */
export function levelShares(levels: readonly LevelHealth[]): number[] {
  const carried = levels.map(({ healthy, total }) =>
    total === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONED * healthy) / total)),
  );
  const together = Math.min(
    100,
    carried.reduce((sum, percent) => sum + percent, 0),
  );
  if (together === 0) return carried;
  let left = 100;
  const shares = carried.map((percent) => {
    const share = Math.min(left, Math.floor((percent * 100) / together));
    left -= share;
    return share;
  });
  // What rounding has left over goes to the first that carries anything.
  shares[carried.findIndex((percent) => percent > 0)] += left;
  return shares;
}
