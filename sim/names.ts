/**
 * The names of backends, as a resolver tells them: a backend moves, and its name follows later;
 * names are swapped, forget addresses, cannot be looked up, or take long.
 */
import type { Resolver } from '../src/core/base/transport.ts';
import type { Backend } from './backend.ts';
import { createSimResolver } from './network.ts';
import { NAME_CHANGES, type NameChange } from './options.ts';
import type { World } from './world.ts';

/** Where nobody ever answers. */
const DEAD_PREFIX = '10.8.';
/** Where backends are at first, and where they go. */
const PLACES = ['10.0.0.', '10.0.1.'] as const;
const LASTS_MS = [10, 30_000] as const;
const FOLLOWS_MS = [0, 8000] as const;
const LINGERS_MS = [500, 15_000] as const;

/** The name of a backend. */
export const hostOf = ({ name }: Pick<Backend, 'name'>): string => `${name}.test`;

export class Names {
  readonly resolver: Resolver;
  private readonly world: World;
  private readonly names = new Map<string, readonly string[]>();
  private lingersUntilMs = 0;
  /** How often each was looked up. */
  private readonly lookUps = new Map<string, number>();

  constructor(world: World) {
    this.world = world;
    for (const backend of world.backends) this.set(backend);
    const { clock } = world;
    const lookUp = createSimResolver(clock, this.names, () =>
      clock.nowMs() < this.lingersUntilMs ? world.drawMs(LINGERS_MS) : 1,
    );
    this.resolver = {
      resolve: (name, done) => {
        const lookUpNumber = (this.lookUps.get(name) ?? 0) + 1;
        this.lookUps.set(name, lookUpNumber);
        lookUp.resolve(name, (addresses, failure) => {
          const isLatest = this.lookUps.get(name) === lookUpNumber;
          world.tell((each) => each.resolved?.(name, addresses, isLatest));
          done(addresses, failure);
        });
      },
    };
  }

  /** Some are not known yet; then one change after another, until the world heals. */
  begin(): void {
    const { world } = this;
    if (world.options.namesChangeEveryMs === null) return;
    for (const backend of world.backends) {
      if (world.rng.chance(1, 8)) this.change('fails', backend);
    }
    this.next();
  }

  private next(): void {
    const { world } = this;
    const { namesChangeEveryMs } = world.options;
    if (namesChangeEveryMs === null) return;
    world.after(world.drawMs(namesChangeEveryMs), () => {
      if (world.healed) return;
      this.change(world.pick(NAME_CHANGES), world.pick(world.backends));
      this.next();
    });
  }

  private change(kind: NameChange, backend: Backend): void {
    const { world } = this;
    const host = hostOf(backend);
    world.note('names', `${host} ${kind}`);
    world.hitAll(kind, ({ attempts }) => attempts.current.backend?.config.name === backend.name);
    switch (kind) {
      case 'moves':
        this.move(backend);
        return;
      case 'swaps': {
        const other = hostOf(world.pick(world.backends));
        const [mine = [], theirs = []] = [this.names.get(host), this.names.get(other)];
        this.names.set(host, theirs);
        this.names.set(other, mine);
        return;
      }
      case 'turns':
        this.names.set(host, [...(this.names.get(host) ?? [])].reverse());
        return;
      case 'forgets':
        this.names.set(host, [deadOf(backend)]);
        this.setLater(backend, LASTS_MS);
        return;
      case 'fails':
        this.names.delete(host);
        this.setLater(backend, LASTS_MS);
        return;
      case 'lingers':
        this.lingersUntilMs = world.clock.nowMs() + world.drawMs(LASTS_MS);
    }
  }

  private move(backend: Backend): void {
    const { world } = this;
    const to = PLACES.find((place) => !backend.address.startsWith(place))!;
    world.hits += backend.busy;
    backend.move(`${to}${backend.number}`);
    world.note(backend.name, `is at ${backend.address} now`);
    this.setLater(backend, FOLLOWS_MS);
  }

  private setLater(backend: Backend, afterMs: readonly [number, number]): void {
    this.world.after(this.world.drawMs(afterMs), () => this.set(backend));
  }

  private set(backend: Backend): void {
    this.names.set(hostOf(backend), [deadOf(backend), backend.address]);
  }

  /** Every name says where its backend is. */
  heal(): void {
    this.lingersUntilMs = 0;
    for (const backend of this.world.backends) this.set(backend);
  }
}

const deadOf = ({ address }: Backend): string => address.replace(/^10\.0\./, DEAD_PREFIX);
