/** The memory in which the workers count for limits, and remember sessions. */
import type { Rng } from '../base/rng.ts';
import type { Config } from '../config.ts';
import type { SharedMemories } from '../engine/shared-memories.ts';
import { Circuit } from '../resilience/circuit.ts';
import { createClientMemory } from '../table/client-table.ts';
import { createRateMemory } from '../table/rate-table.ts';
import { createSessionMemory } from '../table/session-table.ts';
import type { Table } from '../table/table.ts';

/** Clients of which each worker counts the connections, at once: 1 MiB a worker. */
const CLIENTS = 65_536;

/** What is in there stays over a reload, as long as what it is for and its place are the same. */
export class Memories {
  private readonly rng: Rng;
  private readonly table: Pick<Table, 'workers' | 'allocate'>;
  /** Of rate limits, by what identifies them. */
  private rates = new Map<string, ArrayBufferLike>();
  private clients: ArrayBufferLike | null = null;
  /** Of pools, by name. */
  private circuits = new Map<string, ArrayBufferLike>();
  /** Of pools, by what identifies their sessions. */
  private sessions = new Map<string, ArrayBufferLike>();

  constructor(rng: Rng, table: Pick<Table, 'workers' | 'allocate'>) {
    this.rng = rng;
    this.table = table;
  }

  of(config: Config): SharedMemories {
    const isLimited = config.limits.maxConnectionsPerClient !== null;
    if (!isLimited) this.clients = null;
    else this.clients ??= createClientMemory(CLIENTS, this.table.workers, this.rng, this.allocate);
    return {
      routes: this.ofRoutes(config),
      clients: this.clients,
      circuits: this.ofCircuits(config),
      sessions: this.ofSessions(config),
    };
  }

  private ofCircuits({ pools }: Config): SharedMemories['circuits'] {
    const kept = new Map<string, ArrayBufferLike>();
    for (const { name, circuitBreaker } of pools) {
      if (circuitBreaker === null) continue;
      kept.set(name, this.circuits.get(name) ?? this.allocate(Circuit.BYTES));
    }
    this.circuits = kept;
    return kept;
  }

  private ofRoutes(config: Config): SharedMemories['routes'] {
    const kept = new Map<string, ArrayBufferLike>();
    const memories = config.routes.map(({ hosts, pathPrefix, rateLimits }) =>
      rateLimits.map((limit) => {
        const id = JSON.stringify([hosts, pathPrefix, limit]);
        const memory = this.rates.get(id) ?? createRateMemory(limit.keys, this.rng, this.allocate);
        kept.set(id, memory);
        return memory;
      }),
    );
    this.rates = kept;
    return memories;
  }

  private ofSessions(config: Config): SharedMemories['sessions'] {
    const kept = new Map<string, ArrayBufferLike>();
    const byName = new Map<string, ArrayBufferLike>();
    for (const { name, sticky } of config.pools) {
      if (sticky?.kind !== 'sessions') continue;
      const { key, sessions } = sticky;
      const id = JSON.stringify([name, key, sessions]);
      const memory =
        this.sessions.get(id) ?? createSessionMemory(sessions, this.rng, this.allocate);
      kept.set(id, memory);
      byName.set(name, memory);
    }
    this.sessions = kept;
    return byName;
  }

  private readonly allocate = (bytes: number): ArrayBufferLike => this.table.allocate(bytes);
}
