/** What a balancer says of itself when it is asked. */
import type { stateName } from '../table/table.ts';

export interface BackendStatus {
  readonly name: string;
  readonly url: string;
  readonly weight: number;
  /**
   * What it counts for instead of its weight while its level or a slow start makes that less; 0:
   * others come before it.
   */
  readonly effectiveWeight?: number;
  readonly state: ReturnType<typeof stateName>;
  /** When it came into this state; milliseconds since 1970. */
  readonly sinceWallMs: number;
  readonly why: string;
  readonly inFlight: number;
  readonly tunnels: number;
  /** Exchanges and tunnels at once at most, for now; absent: any number. */
  readonly limit?: number;
}

export interface PoolStatus {
  readonly name: string;
  /** In configured order; those that left the configuration and still drain come last. */
  readonly backends: readonly BackendStatus[];
  /** Absent: it has no circuit breaker. */
  readonly circuit?: 'closed' | 'open' | 'half_open';
  /**
   * How often its policy function has failed since it was configured; only if it has one. The first
   * is told at once, those that follow soon within two seconds.
   */
  readonly policyFailures?: number;
}
