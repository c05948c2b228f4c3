/** What works, but would do better otherwise; it keeps no configuration from being used. */
import type { Config, PoolConfig } from '../core/config.ts';

export interface Advice {
  readonly pool: string;
  /** One line: what it costs, and what to write instead. */
  readonly message: string;
}

/** Rendezvous looks at every backend for every request: some 2 microseconds for so many. */
const RENDEZVOUS_BACKENDS = 256;

/** In the order of the pools. */
export const advise = (config: Config): readonly Advice[] =>
  config.pools.filter(isLargeRendezvous).map(({ name, backends }) => ({
    pool: name,
    message:
      `pool ${name}: rendezvous looks at all ${backends.length} backends for each request; ` +
      `above ${RENDEZVOUS_BACKENDS}, ring_hash moves as few keys and takes one look`,
  }));

const isLargeRendezvous = ({ policy, backends }: PoolConfig): boolean =>
  policy === 'rendezvous' && backends.length > RENDEZVOUS_BACKENDS;
