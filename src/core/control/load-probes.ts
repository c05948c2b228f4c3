/**
 * Asks the backends of `prequal` pools for their load, when no exchange may have brought it for
 * long: each about once in the interval of its pool, but no more than a thousand a second of all.
 * What they say goes into the table, where all workers find it. It has no part in their health.
 */
import type { ReportedLoad } from '../balancing/balancing.ts';
import type { Clock } from '../base/clock.ts';
import type { Rng } from '../base/rng.ts';
import type { Transport } from '../base/transport.ts';
import type { Backend } from '../table/backend.ts';
import type { Table } from '../table/table.ts';
import type { Pool } from './members.ts';
import type { Outcome } from './probe.ts';
import { Prober } from './prober.ts';

/** Of all backends together. */
const PROBES_PER_MS = 1;
/** Whoever does not answer is asked again after so long at least. */
const SILENT_INTERVAL_MS = 1000;

/** One for each balancer: the table's columns of what probes were told have this one writer. */
export class LoadProbes {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly prober: Prober;
  private readonly probed = new Set<Backend>();

  constructor(transport: Transport, clock: Clock, rng: Rng, table: Table) {
    this.table = table;
    this.clock = clock;
    const nothing = (): void => {};
    const events = {
      connected: nothing,
      connectFailed: nothing,
      probed: (backend: Backend, { kind }: Outcome, tookMs: number): void => {
        const leastMs = kind === 'passed' ? 0 : SILENT_INTERVAL_MS;
        this.prober.schedule(backend, Math.max(leastMs, this.intervalMsOf(backend)), tookMs);
      },
      reported: (backend: Backend, load: ReportedLoad): void => this.reported(backend, load),
    };
    this.prober = new Prober(transport, clock, rng, events, {
      checkOf: ({ pool }) => pool.loadProbe,
      intervalMsOf: (backend) => this.intervalMsOf(backend),
    });
  }

  /** A backend has said this of itself, in the answer to a probe of any kind. */
  reported({ slot }: Backend, { inFlight, latencyUs }: ReportedLoad): void {
    this.table.probed.set(slot, inFlight, latencyUs, this.clock.wallMs());
  }

  /** These pools there are now, perhaps with other probes. */
  configured(pools: readonly Pool[]): void {
    const wanted = pools
      .filter(({ config }) => config.loadProbe !== null)
      .flatMap(({ members }) => members)
      .filter(({ drain }) => drain === null)
      .map(({ backend }) => backend);
    const kept = new Set(wanted);
    for (const backend of [...this.probed]) if (!kept.has(backend)) this.forget(backend);
    for (const backend of wanted) {
      if (this.probed.has(backend)) continue;
      this.probed.add(backend);
      this.prober.soon(backend);
    }
    this.prober.configured();
  }

  /** It has addresses now: without one there was nobody to ask. */
  resolved(backend: Backend): void {
    if (this.probed.has(backend)) this.prober.soon(backend);
  }

  /** It takes no more exchanges. */
  forget(backend: Backend): void {
    if (this.probed.delete(backend)) this.prober.forget(backend);
  }

  /** No more probes. */
  stop(): void {
    this.prober.stop();
    this.probed.clear();
  }

  /** Longer than configured when there are too many to ask. */
  private intervalMsOf({ pool }: Backend): number {
    return Math.max(pool.loadProbe?.intervalMs ?? 0, this.probed.size / PROBES_PER_MS);
  }
}
