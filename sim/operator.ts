/**
 * A simulated operator: reloads with other weights and backends, or with what cannot be, drains,
 * while traffic runs.
 */
import type { Config } from '../src/core/config.ts';
import type { Backend } from './backend.ts';
import { BALANCER_ADDRESS, makeConfig, TABLE_SIZE } from './balancer.ts';
import { pictureOf } from './checkers/refusals.ts';
import { defaultBackend, listenerConfig } from './default-config.ts';
import type { OPERATIONS } from './options.ts';
import type { World } from './world.ts';

/** Where another process listens. */
const TAKEN_PORT = 9999;
const FREE_PORT = 8081;

export class Operator {
  private readonly world: World;
  constructor(world: World) {
    this.world = world;
  }

  begin(): void {
    if (this.world.options.operatorEveryMs === null) return;
    const neighbour = this.world.network.transport(BALANCER_ADDRESS);
    const refuse = (): never => {
      throw new Error('nobody connects to the neighbour');
    };
    neighbour.listen({ host: null, port: TAKEN_PORT }, refuse, () => {});
    this.next();
  }

  private next(): void {
    const { operatorEveryMs } = this.world.options;
    if (operatorEveryMs === null) return;
    this.world.after(this.world.drawMs(operatorEveryMs), () => {
      if (this.world.healed) return;
      this.act();
      this.next();
    });
  }

  private act(): void {
    const { world } = this;
    const kind = world.rng.below(5);
    if (kind === 0) this.drainOne();
    else if (kind === 4) this.reloadBadly();
    else if (kind === 1) this.reload(world.backends, 'with all backends');
    else if (kind === 2) this.reload(this.some(), 'with some backends');
    else this.reload(this.some(), 'with some backends, other weights', true);
  }

  private some(): readonly Backend[] {
    const { rng, backends } = this.world;
    const kept = backends.filter(() => rng.chance(2, 3));
    return kept.length > 0 ? kept : backends;
  }

  private drainOne(): void {
    const { world } = this;
    const backend = world.pick(world.backends);
    const { drainedSinceMs } = world;
    if (drainedSinceMs.size + 1 >= world.backends.length) return;
    world.note('operator', `drains ${backend.name}`);
    this.mark('drain');
    const drains = world.balancer.controller.drain('default', backend.name);
    if (drains && !drainedSinceMs.has(backend)) drainedSinceMs.set(backend, world.clock.nowMs());
  }

  private reload(backends: readonly Backend[], how: string, reweighs = false): void {
    const { world } = this;
    const weights = backends.map((backend) =>
      reweighs ? 1 + world.rng.below(5) : world.options.weights[world.backends.indexOf(backend)],
    );
    world.note('operator', `reloads ${how}: ${backends.map(({ name }) => name).join(' ')}`);
    this.mark(reweighs ? 'reweigh' : 'reload');
    this.ask(makeConfig(world, backends, weights), (problem) => {
      if (problem === null) this.forgetDrains(backends);
    });
  }

  /** Those that are listed anew later begin anew. */
  private forgetDrains(kept: readonly Backend[]): void {
    const { drainedSinceMs } = this.world;
    for (const backend of [...drainedSinceMs.keys()]) {
      if (!kept.includes(backend)) drainedSinceMs.delete(backend);
    }
  }

  private ask(config: Config, done: (problem: string | null) => void): void {
    const { world } = this;
    world.reloads++;
    world.balancer.reload(config, ({ problem }) => {
      world.reloads--;
      world.note('operator', problem === null ? 'is obeyed' : `is refused: ${problem}`);
      done(problem);
    });
  }

  /** Everything is another, and one thing cannot be. */
  private reloadBadly(): void {
    const { world } = this;
    // What it finds must be what it sees now.
    if (world.reloads > 0) return;
    const full = world.rng.chance(1, 2);
    world.note('operator', `reloads with ${full ? 'too many backends' : 'a port that is taken'}`);
    const before = pictureOf(world);
    let isAtOnce = true;
    this.ask(this.badConfig(full), (problem) => {
      if (problem === null) throw new Error('what cannot be was obeyed');
      this.mark('reload-refused');
      // Now: when this returns, reloads that have waited for this one are done.
      const { pools } = pictureOf(world);
      const tell = (): void => {
        const after = { pools, ports: pictureOf(world).ports };
        world.tell((each) => each.refused?.(before, after, isAtOnce));
      };
      if (isAtOnce) tell();
      // Workers are told a turn later to close what they have opened.
      else world.clock.nextTurn(tell);
    });
    isAtOnce = false;
  }

  private badConfig(full: boolean): Config {
    const { rng } = this.world;
    const some = this.some();
    const config = makeConfig(
      this.world,
      some,
      some.map(() => 6 + rng.below(5)),
    );
    const [pool] = config.pools;
    const others = Array.from({ length: full ? TABLE_SIZE + 1 : 1 }, (_, i) =>
      defaultBackend(`nobody-${i}`, `10.7.0.${i}`, 80),
    );
    const pools = [{ ...pool, backends: [...pool.backends, ...others] }];
    const ports = full ? [FREE_PORT] : [FREE_PORT, TAKEN_PORT];
    const listeners = [...config.listeners, ...ports.map(listenerConfig)];
    return { ...config, routes: [], pools, listeners };
  }

  private mark(what: (typeof OPERATIONS)[number]): void {
    this.world.hitAll(what, () => true);
  }

  /** All backends are in again, also those that were drained. */
  heal(): void {
    if (this.world.options.operatorEveryMs === null) return;
    const { backends } = this.world;
    const others = backends.filter((backend) => !this.world.drainedSinceMs.has(backend));
    if (this.world.drainedSinceMs.size > 0) this.reload(others, 'without those that are drained');
    this.reload(backends, 'with all backends, other weights', true);
    this.reload(backends, 'with all backends');
  }
}
