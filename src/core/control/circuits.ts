/**
 * The circuit breakers of pools: when too many attempts fail, whoever answers or not, exchanges are
 * refused at once for a while, and then one of them decides whether it goes on. What single
 * backends show is for `passive-watch.ts`; this is for what they have in common.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { CircuitBreakerConfig } from '../config.ts';
import { Circuit, CircuitState } from '../resilience/circuit.ts';
import { BUCKETS, FailureWindow } from '../resilience/failure-window.ts';
import type { Outcomes, Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { Member, Pool } from './members.ts';
import { spellDuration } from './wording.ts';

/** How often it is looked at what has become of a trial. */
const TRIAL_LOOK_MS = 50;

interface Watched {
  readonly circuit: Circuit;
  readonly window: FailureWindow;
  /** As of the last look, of each backend. */
  outcomes: Map<Member, Outcomes>;
  alarm: Alarm;
  config: CircuitBreakerConfig;
  /** Open: when it is time for a trial. Half open: when another one is offered. */
  dueMs: number;
}

export class Circuits {
  private readonly table: Table;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly watched = new Map<Pool, Watched>();

  constructor(table: Table, clock: Clock, log: Log) {
    this.table = table;
    this.clock = clock;
    this.log = log;
  }

  /** These are the pools now, with the memory of those that have a circuit, by name. */
  configured(pools: readonly Pool[], memories: ReadonlyMap<string, ArrayBufferLike>): void {
    for (const [pool, { alarm }] of [...this.watched]) {
      if (pools.includes(pool) && pool.config.circuitBreaker !== null) continue;
      alarm.cancel();
      this.watched.delete(pool);
    }
    for (const pool of pools) {
      const config = pool.config.circuitBreaker;
      if (config === null) continue;
      const known = this.watched.get(pool);
      if (known === undefined) this.begin(pool, config, memories.get(pool.config.name)!);
      else known.config = config;
    }
  }

  /** Null: the pool has none. */
  stateOf(pool: Pool): 'closed' | 'open' | 'half_open' | null {
    const state = this.watched.get(pool)?.circuit.state;
    if (state === undefined) return null;
    if (state === CircuitState.closed) return 'closed';
    return state === CircuitState.open ? 'open' : 'half_open';
  }

  stop(): void {
    for (const { alarm } of this.watched.values()) alarm.cancel();
    this.watched.clear();
  }

  private begin(pool: Pool, config: CircuitBreakerConfig, memory: ArrayBufferLike): void {
    const watched: Watched = {
      circuit: new Circuit(memory),
      window: new FailureWindow(),
      outcomes: new Map(),
      alarm: { cancel: () => {} },
      config,
      dueMs: 0,
    };
    this.watched.set(pool, watched);
    this.count(pool, watched);
    this.arm(pool, watched);
  }

  private arm(pool: Pool, watched: Watched): void {
    const isClosed = watched.circuit.state === CircuitState.closed;
    const inMs = isClosed ? watched.config.intervalMs / BUCKETS : TRIAL_LOOK_MS;
    watched.alarm = this.clock.wakeAt(this.clock.nowMs() + inMs, () => {
      this.look(pool, watched);
      this.arm(pool, watched);
    });
  }

  private look(pool: Pool, watched: Watched): void {
    const { circuit, window, config } = watched;
    const { answers, failures } = this.count(pool, watched);
    const isDue = this.clock.nowMs() >= watched.dueMs;
    switch (circuit.state) {
      case CircuitState.closed: {
        window.add(answers, failures);
        const { total, failed } = window;
        if (total < config.minimumRequests || failed < config.failureRatio * total) return;
        const within = `within ${spellDuration(config.intervalMs)}`;
        this.open(pool, watched, `${failed} of ${total} attempts failed ${within}`);
        return;
      }
      case CircuitState.open:
        if (isDue) this.offerTrial(pool, watched);
        return;
      case CircuitState.tried:
        // Its client left, or its worker died, or it takes very long: somebody else may try.
        if (isDue) this.offerTrial(pool, watched);
        return;
      case CircuitState.passed:
        this.close(pool, watched);
        return;
      case CircuitState.failed:
        this.open(pool, watched, 'the exchange on trial failed');
    }
  }

  /** What came since the last look. */
  private count({ members }: Pool, watched: Watched): { answers: number; failures: number } {
    const before = watched.outcomes;
    watched.outcomes = new Map();
    let answers = 0;
    let failures = 0;
    for (const member of members) {
      const now = this.table.outcomes(member.backend.slot);
      const then = before.get(member) ?? now;
      watched.outcomes.set(member, now);
      // Of 32 bits each: the difference is right across their end.
      answers += (now.answers - then.answers) | 0;
      failures += (now.failures - then.failures) | 0;
    }
    return { answers, failures };
  }

  // ---- open, half open, closed ------------------------------------------------------------------

  private open(pool: Pool, watched: Watched, why: string): void {
    const { circuit, window, config } = watched;
    window.clear();
    watched.dueMs = this.clock.nowMs() + config.openMs;
    circuit.set(CircuitState.open, this.clock.wallMs() + config.openMs, config.openMs);
    const { name } = pool.config;
    const then = `its exchanges are answered with 503 for ${spellDuration(config.openMs)}`;
    const message = `pool ${name}: the circuit is open, ${then}: ${why}`;
    this.log.event('error', 'circuit_opened', message, { pool: name, why });
  }

  private offerTrial(pool: Pool, watched: Watched): void {
    watched.dueMs = this.clock.nowMs() + watched.config.openMs;
    watched.circuit.set(CircuitState.trial);
    const { name } = pool.config;
    const message = `pool ${name}: the circuit is half open, the next exchange decides`;
    this.log.event('warn', 'circuit_trial', message, { pool: name });
  }

  private close(pool: Pool, watched: Watched): void {
    watched.window.clear();
    watched.circuit.set(CircuitState.closed);
    const { name } = pool.config;
    const message = `pool ${name}: the circuit is closed, the exchange on trial was answered`;
    this.log.event('info', 'circuit_closed', message, { pool: name });
  }
}
