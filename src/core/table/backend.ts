/** One backend as a thread knows it: its configuration, its slot in the table, its addresses. */
import type { TlsTarget } from '../base/transport.ts';
import type { BackendConfig, PoolConfig } from '../config.ts';

/** Identity of a backend within its pool, across reloads. */
export const identity = (backend: BackendConfig): string => `${backend.name} ${backend.url}`;

/** How its connections are opened, by the settings of its pool; null: without TLS. */
export function tlsTargetOf({ config, pool }: Backend): TlsTarget | null {
  if (!config.tls) return null;
  const { serverName, verify, caPem } = pool.tls;
  return { serverName: serverName ?? config.host, verify, caPem };
}

export class Backend {
  readonly slot: number;
  /** The slot's generation when this backend took it. */
  readonly generation: number;
  /** Replaced by a reload when only weight or the like changed. */
  config: BackendConfig;
  pool: PoolConfig;
  /** Last good address first. Empty: the name is not resolved (yet). Replaced, never edited. */
  addresses: readonly string[] = [];
  /**
   * Still `checking` after a probe's timeout: no longer eligible beside those that are up. Set by
   * the control thread, which then asks for the pool's schedule to be rebuilt.
   */
  verdictOverdue = false;

  constructor(slot: number, generation: number, config: BackendConfig, pool: PoolConfig) {
    this.slot = slot;
    this.generation = generation;
    this.config = config;
    this.pool = pool;
  }
}
