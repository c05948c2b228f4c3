/** The memory in which the workers count for each rate limit. */
import type { Rng } from '../base/rng.ts';
import type { Config } from '../config.ts';
import type { RouteMemories } from '../engine/destinations.ts';
import { createRateMemory } from '../table/rate-table.ts';

/** What has been counted stays over a reload, as long as the limit and its place are the same. */
export class RateMemories {
  private readonly rng: Rng;
  private readonly allocate: (bytes: number) => ArrayBufferLike;
  /** By what identifies a limit. */
  private known = new Map<string, ArrayBufferLike>();

  constructor(rng: Rng, allocate: (bytes: number) => ArrayBufferLike) {
    this.rng = rng;
    this.allocate = allocate;
  }

  /** For each route the memory of each of its limits. */
  of(config: Config): RouteMemories {
    const { rng, allocate, known } = this;
    const kept = new Map<string, ArrayBufferLike>();
    const memories = config.routes.map(({ hosts, pathPrefix, rateLimits }) =>
      rateLimits.map((limit) => {
        const id = JSON.stringify([hosts, pathPrefix, limit]);
        const memory = known.get(id) ?? createRateMemory(limit.keys, rng, allocate);
        kept.set(id, memory);
        return memory;
      }),
    );
    this.known = kept;
    return memories;
  }
}
