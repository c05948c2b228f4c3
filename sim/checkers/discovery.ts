/**
 * Nobody is dialled where no name is any more, and a name that cannot be looked up again keeps the
 * addresses that it had.
 */
import { hostOf } from '../names.ts';
import type { World } from '../world.ts';
import { type Checker, type Fail, hasLeft } from './checker.ts';

export function createDiscovery(world: World, fail: Fail): Checker {
  return new Discovery(world, fail);
}

class Discovery implements Checker {
  readonly name = 'discovery';
  private readonly world: World;
  private readonly fail: Fail;
  private readonly applies: boolean;
  /** What the names were last known to be. */
  private readonly known = new Map<string, readonly string[]>();
  /** When the last answer of an address was replaced by another. */
  private readonly leftMs = new Map<string, number>();
  private readonly open = new Map<string, number>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
    this.applies = world.options.named;
  }

  resolved(name: string, addresses: readonly string[], isLatest: boolean): void {
    if (addresses.length === 0) return;
    const before = this.known.get(name) ?? [];
    if (!isLatest || !this.isForListed(name)) {
      // Whoever asked may have left the configuration, and what is listed anew have asked again.
      // Whoever has left and drains keeps the addresses that it had.
      this.known.set(name, [...before, ...addresses]);
      return;
    }
    for (const address of before) this.leftMs.set(address, this.world.clock.nowMs());
    this.known.set(name, addresses);
  }

  /** Whoever has that name is configured: none of them still drains from before. */
  private isForListed(name: string): boolean {
    const [{ backends }] = this.world.balancer.controller.status();
    const named = backends.filter((backend) => hostOf(backend) === name);
    return named.length > 0 && !named.some(hasLeft);
  }

  dialled(address: string, open: number): void {
    const isNew = open > (this.open.get(address) ?? 0);
    this.open.set(address, open);
    if (!this.applies || !isNew) return;
    for (const addresses of this.known.values()) if (addresses.includes(address)) return;
    // Workers are told a turn later.
    if (this.leftMs.get(address) === this.world.clock.nowMs()) return;
    this.fail(`${address} is dialled, where no name is any more`);
  }

  picked(): void {
    // One that is listed anew is looked up anew.
    if (!this.applies || this.world.options.operatorEveryMs !== null) return;
    const [{ backends }] = this.world.balancer.controller.status();
    for (const backend of backends) {
      if (!backend.why.startsWith('cannot resolve') || !this.known.has(hostOf(backend))) continue;
      this.fail(`${backend.name} has lost the addresses that were known of it`);
    }
  }
}
