/** `max_requests` and the queue, with four real workers on a pretended network and clock. */
import { describe, expect, it } from 'vitest';
import { get, ok, type Raw, type RawBackend } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, config, poolConfig } from '../../../test/fixtures/control-world.ts';
import { SimFleet } from '../../../test/fixtures/sim-workers.ts';

const WORKERS = 4;
const CLIENTS = 64;

/** Two backends that do one thing at a time, each for so long. */
class Jobs {
  readonly fleet: SimFleet;
  readonly clients: Raw[] = [];
  /** The most that a backend ever had at once. */
  most = 0;
  /** The targets, as they were begun. */
  readonly begun: string[] = [];

  constructor(jobMs: number) {
    const backends = [1, 2].map((number) => backendConfig(number, { maxRequests: 1 }));
    this.fleet = new SimFleet(WORKERS, config([poolConfig(backends, { healthCheck: null })]));
    for (const number of [1, 2]) this.work(this.fleet.backend(number), jobMs);
    this.fleet.start();
  }

  private work(backend: RawBackend, jobMs: number): void {
    const busy = new Set<Raw>();
    const now = (): number =>
      [...busy].filter((connection) => connection.closed === undefined).length;
    backend.onHead = (head, connection) => {
      this.begun.push(head.split(' ')[1]);
      busy.add(connection);
      this.most = Math.max(this.most, now());
      const { clock } = this.fleet;
      clock.wakeAt(clock.nowMs() + jobMs, () => {
        busy.delete(connection);
        connection.send(ok());
      });
    };
  }

  /** Client after client, each at the next worker. */
  ask(): void {
    for (let n = 0; n < CLIENTS; n++) this.clients.push(this.fleet.ask(n % WORKERS, get(`/${n}`)));
  }

  get answered(): number {
    return this.clients.filter(({ statuses }) => statuses[0] === 200).length;
  }
}

describe('two backends that take one request at a time, with four workers', () => {
  it('never get two at once, and everybody is answered, first come first served', () => {
    const jobs = new Jobs(20);
    jobs.ask();
    jobs.fleet.pass(2000);
    expect(jobs.answered).toBe(CLIENTS);
    expect(jobs.most).toBe(1);
    const order = jobs.begun.map((target) => Number(target.slice(1)));
    // Nearly: clients come 2 ms apart, and 5 ms make no difference.
    for (const [place, client] of order.entries()) {
      expect(Math.abs(place - client)).toBeLessThanOrEqual(6);
    }
  });

  it('lose no time between two of them', () => {
    const jobs = new Jobs(20);
    jobs.ask();
    // 64 jobs of 20 ms on two backends take 640 ms.
    jobs.fleet.pass(640 * 1.15 - 2 * CLIENTS);
    expect(jobs.answered).toBe(CLIENTS);
  });

  it('serve the others when a worker dies with its waiters, and have its room again', () => {
    const jobs = new Jobs(20);
    jobs.ask();
    jobs.fleet.pass(50);
    jobs.fleet.threads[1].die('killed');
    jobs.fleet.pass(3000);
    const others = jobs.clients.filter((_, n) => n % WORKERS !== 1);
    expect(others.every(({ statuses }) => statuses[0] === 200)).toBe(true);
    for (const slot of [0, 1]) expect(jobs.fleet.table.inFlight(slot)).toBe(0);
  });
});
