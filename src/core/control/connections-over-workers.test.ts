/** `max_connections`, with four real workers on a pretended network and clock. */
import { describe, expect, it } from 'vitest';
import { get, ok, type Raw, type RawBackend } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, config, poolConfig } from '../../../test/fixtures/control-world.ts';
import { SimFleet } from '../../../test/fixtures/sim-workers.ts';

const WORKERS = 4;

/** A backend that may have so many connections, and answers each request after so long. */
class Bounded {
  readonly fleet: SimFleet;
  readonly backend: RawBackend;
  readonly clients: Raw[] = [];
  /** The most connections that were open at once, as the backend and as the table see it. */
  most = 0;
  mostCounted = 0;

  constructor(maxConnections: number, workMs: number) {
    const backends = [backendConfig(1, { maxConnections })];
    this.fleet = new SimFleet(WORKERS, config([poolConfig(backends, { healthCheck: null })]));
    this.backend = this.fleet.backend(1);
    this.backend.onHead = (_head, connection) => {
      this.look();
      const { clock } = this.fleet;
      clock.wakeAt(clock.nowMs() + workMs, () => connection.send(ok()));
    };
    this.fleet.start();
  }

  private look(): void {
    const open = this.backend.connections.filter(
      (each) => !each.ended && each.closed === undefined,
    );
    this.most = Math.max(this.most, open.length);
    this.mostCounted = Math.max(this.mostCounted, this.fleet.table.connections(0));
  }

  ask(worker: number, path = '/'): Raw {
    const client = this.fleet.ask(worker, get(path));
    this.clients.push(client);
    return client;
  }

  get unanswered(): number {
    return this.clients.filter(({ statuses }) => statuses[0] !== 200).length;
  }
}

describe('a backend that may have three connections, with four workers', () => {
  it('never has four, and everybody is answered', () => {
    const world = new Bounded(3, 5);
    for (let n = 0; n < 80; n++) world.ask((n * 7) % WORKERS);
    world.fleet.pass(2000);
    expect(world.unanswered).toBe(0);
    expect([world.most, world.mostCounted]).toEqual([3, 3]);
    expect(world.fleet.inFlight).toBe(0);
  });

  it('gives up idle ones to a worker that has none, within milliseconds', () => {
    const world = new Bounded(3, 5);
    for (let n = 0; n < 3; n++) world.ask(0);
    world.fleet.pass(50);
    expect(world.fleet.table.connections(0)).toBe(3);
    for (const worker of [1, 2, 3]) {
      const client = world.ask(worker);
      world.fleet.pass(20);
      expect(client.statuses).toEqual([200]);
    }
    expect(world.most).toBe(3);
  });

  it('is shared also by a worker that always has something to send', () => {
    const world = new Bounded(2, 5);
    const { fleet } = world;
    let waits = 0;
    for (let round = 0; round < 100; round++) {
      for (let n = 0; n < 3; n++) world.ask(0);
      if (round % 10 !== 5) continue;
      waits++;
      world.ask(1, '/rare');
    }
    fleet.pass(2000);
    expect(world.unanswered).toBe(0);
    expect(waits).toBe(10);
    expect(world.most).toBe(2);
  });

  it('has those of a worker that dies to give to others', () => {
    const world = new Bounded(3, 5);
    for (let n = 0; n < 3; n++) world.ask(0);
    world.fleet.pass(20);
    world.fleet.threads[0].die('killed');
    world.fleet.pass(20);
    expect(world.fleet.table.connections(0)).toBe(0);
    for (let n = 0; n < 9; n++) world.ask(1 + (n % 3));
    world.fleet.pass(500);
    expect(world.unanswered).toBe(0);
    expect(world.most).toBe(3);
  });

  it('is waited for while a worker hangs with its idle ones, until that is replaced', () => {
    const world = new Bounded(3, 5);
    for (let n = 0; n < 3; n++) world.ask(0);
    world.fleet.pass(20);
    world.fleet.threads[0].hang();
    const client = world.ask(1);
    world.fleet.pass(3100);
    expect(client.statuses).toEqual([503]);
    world.fleet.pass(3000);
    const again = world.ask(1);
    world.fleet.pass(50);
    expect(again.statuses).toEqual([200]);
    expect(world.most).toBe(3);
  });
});
