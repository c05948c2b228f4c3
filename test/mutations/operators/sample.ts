/** Which mutants are tried, and what that says of all of them. */
import type { Rng } from '../../../src/core/base/rng.ts';
import type { Mutant } from './operators.ts';

/**
 * So many of all, drawn without putting back: of each room its share, so that every mutant is as
 * likely as any other. In the order of the files.
 */
export function draw(rooms: ReadonlyMap<string, readonly Mutant[]>, size: number, rng: Rng) {
  const total = [...rooms.values()].reduce((sum, { length }) => sum + length, 0);
  const drawn: Mutant[] = [];
  let [seen, given] = [0, 0];
  for (const mutants of rooms.values()) {
    seen += mutants.length;
    // What is rounded off in one room goes to the next one.
    const quota = Math.round((Math.min(size, total) * seen) / total) - given;
    given += quota;
    drawn.push(...some(mutants, quota, rng));
  }
  return drawn;
}

/** Knuth's selection sampling: each has the chance that is left, and keeps its place. */
function some(mutants: readonly Mutant[], count: number, rng: Rng): Mutant[] {
  let wanted = count;
  return mutants.filter((_, i) => {
    const isIn = rng.below(mutants.length - i) < wanted;
    if (isIn) wanted--;
    return isIn;
  });
}

/** Wilson's score interval at 95 %, of a share: [low, high]. */
export function interval(hits: number, of: number): readonly [number, number] {
  if (of === 0) return [0, 1];
  const z2 = 1.959964 * 1.959964;
  const share = hits / of;
  const middle = share + z2 / (2 * of);
  const half = Math.sqrt(z2 * ((share * (1 - share)) / of + z2 / (4 * of * of)));
  return [(middle - half) / (1 + z2 / of), (middle + half) / (1 + z2 / of)];
}
