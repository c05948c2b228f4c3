/** A simulated operator: reloads with other weights and backends, drains, while traffic runs. */
import type { Backend } from './backend.ts';
import { makeConfig } from './balancer.ts';
import type { World } from './world.ts';

export class Operator {
  private readonly world: World;
  /** Drained by hand: they stay out until they are removed and added again. */
  private readonly drained = new Set<Backend>();

  constructor(world: World) {
    this.world = world;
  }

  begin(): void {
    const { operatorEveryMs } = this.world.options;
    if (operatorEveryMs === null) return;
    this.world.after(this.world.drawMs(operatorEveryMs), () => {
      if (this.world.healed) return;
      this.act();
      this.begin();
    });
  }

  private act(): void {
    const { world } = this;
    const kind = world.rng.below(4);
    if (kind === 0) this.drainOne();
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
    if (this.drained.size + 1 >= world.backends.length) return;
    world.note('operator', `drains ${backend.name}`);
    if (world.balancer.controller.drain('default', backend.name)) this.drained.add(backend);
  }

  private reload(backends: readonly Backend[], how: string, reweighs = false): void {
    const { world } = this;
    for (const backend of world.backends) {
      if (!backends.includes(backend)) this.drained.delete(backend);
    }
    const weights = backends.map((backend) =>
      reweighs ? 1 + world.rng.below(5) : world.options.weights[world.backends.indexOf(backend)],
    );
    world.note('operator', `reloads ${how}: ${backends.map(({ name }) => name).join(' ')}`);
    const config = makeConfig(world, backends, weights);
    world.reloads++;
    world.balancer.reload(config, ({ problem }) => {
      world.reloads--;
      world.note('operator', problem === null ? 'is obeyed' : `is refused: ${problem}`);
    });
  }

  /** All backends are in again, also those that were drained. */
  heal(): void {
    if (this.world.options.operatorEveryMs === null) return;
    const { backends } = this.world;
    const others = backends.filter((backend) => !this.drained.has(backend));
    if (this.drained.size > 0) this.reload(others, 'without those that are drained');
    this.reload(backends, 'with all backends');
  }
}
