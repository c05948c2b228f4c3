/**
 * Whatever has happened: when everything works again, everybody is served again, and round robin
 * gives each backend exactly its turns, by the weights that were configured last.
 */
import { gcd } from '../../src/core/base/math.ts';
import type { Request } from '../request.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** What the control thread says is known everywhere by then, and the visit of that time over. */
const NEWS_MS = 1000;

export function createRecovery(world: World, fail: Fail): Checker {
  return new Recovery(world, fail);
}

class Recovery implements Checker {
  readonly name = 'recovery';
  private readonly world: World;
  private readonly fail: Fail;
  private readonly isExact: boolean;
  /** Turns that each has in a cycle, by the number of the backend. */
  private readonly turns: ReadonlyMap<number, number>;
  private readonly cycle: number;
  private picks = 0;
  /** Since when all have their turns, as far as it was looked at. */
  private wellMs = Number.POSITIVE_INFINITY;
  /** Since when each is as it is, as it was seen last. */
  private since = '';
  /** Who served the last visits, while all were up. */
  private served: number[] = [];

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
    const { policy, sticky, levels, weights, namesChangeEveryMs } = world.options;
    // Where names have changed their addresses, who is asked is not who is meant.
    this.isExact = policy === 'round_robin' && sticky === null && namesChangeEveryMs === null;
    const first = Math.min(...levels);
    const all = weights.map((weight, at) => [at + 1, weight, levels[at]] as const);
    const members = all.filter(([, , level]) => level === first);
    const divisor = members.reduce((each, [, weight]) => gcd(each, weight), 0);
    this.turns = new Map(members.map(([number, weight]) => [number, weight / divisor]));
    this.cycle = [...this.turns.values()].reduce((sum, turns) => sum + turns, 0);
  }

  picked(): void {
    this.picks += 1;
  }

  visited({ nonce, answer, arrivals }: Request): void {
    const isPlain = this.picks === 1 && arrivals.length === 1 && answer?.nonce === nonce;
    this.picks = 0;
    if (!this.isExact) return;
    const nowMs = this.world.clock.nowMs();
    const { since } = this;
    this.since = this.sinceOfAll();
    // Who was away for a moment, within one visit, has had no turn there.
    if (!this.haveAllTheirTurns()) this.wellMs = Number.POSITIVE_INFINITY;
    else this.wellMs = this.since === since ? Math.min(this.wellMs, nowMs) : nowMs;
    // By then the schedule of before is known nowhere any more.
    const isNews = nowMs - this.wellMs < this.world.options.mergeWindowMs + NEWS_MS;
    if (!isPlain || isNews) this.served = [];
    else this.served.push(arrivals[0].backend.number);
    if (this.served.length === this.cycle) this.count();
  }

  /** They are up, and those of the first level have all of it. */
  private haveAllTheirTurns(): boolean {
    const pools = this.world.balancer.controller.status();
    return pools.every(({ backends }) =>
      backends.every(({ state, effectiveWeight }, at) => {
        // With a share for another level the weights of the first one may be as configured, too.
        return state === 'up' && effectiveWeight === (this.turns.has(at + 1) ? undefined : 0);
      }),
    );
  }

  private sinceOfAll(): string {
    const pools = this.world.balancer.controller.status();
    return pools.map(({ backends }) => backends.map((each) => each.sinceWallMs)).join();
  }

  private count(): void {
    const { served, cycle } = this;
    this.served = [];
    for (const [number, turns] of this.turns) {
      const had = served.filter((each) => each === number).length;
      if (had !== turns) {
        this.fail(`backend-${number} had ${had} of ${cycle} turns, its weight says ${turns}`);
      }
    }
  }

  revisited({ visits }: World): void {
    if (visits === null || visits.areServed) return;
    this.fail(`nobody is served long after everything healed: ${visits.lastFailure}`);
  }
}
