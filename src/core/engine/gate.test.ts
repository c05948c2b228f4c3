import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import { get, ok, type Raw, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { collectGarbage } from '../../../test/fixtures/collect-garbage.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Engine } from './engine.ts';
import { connectionBound, Gate } from './gate.ts';

describe('the bound of connections', () => {
  it('is half of the descriptors, after some for everything else', () => {
    expect(connectionBound(null, 1024, 1)).toBe(480);
    expect(connectionBound(null, 256, 1)).toBe(96);
    expect(connectionBound(null, 10, 1)).toBe(8);
  });

  it('is never above that, whatever is configured', () => {
    expect(connectionBound(100, 1024, 1)).toBe(100);
    expect(connectionBound(100_000, 1024, 1)).toBe(480);
  });

  it('is shared by the workers', () => {
    expect(connectionBound(100, 1024, 3)).toBe(33);
    expect(connectionBound(1, 1024, 4)).toBe(1);
  });
});

/** `count` clients whose requests are at the backend. */
function busyClients(stage: Stage, count: number): Raw[] {
  return Array.from({ length: count }, () => stage.ask(get()));
}

describe('a client too many', () => {
  it('is turned away while everybody else is busy, and the log says so once a second', () => {
    const stage = new Stage({ limits: { maxConnections: 3 } });
    const backend = stage.backend();
    busyClients(stage, 3);
    const late = Array.from({ length: 20 }, () => stage.client());
    expect(late.every((client) => client.wasReset)).toBe(true);
    stage.pass(1100);
    expect(stage.events).toEqual(['connections_turned_away']);
    for (const connection of backend.connections) connection.send(ok());
    stage.pass(2);
    expect(stage.records.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(stage.leftovers()).toBe('');
  });

  it('takes the place of one that waits for its next request', () => {
    const stage = new Stage({ limits: { maxConnections: 3 } });
    const backend = stage.backend();
    const [first, idle, last] = busyClients(stage, 3);
    backend.connections[1].send(ok());
    stage.pass(2);
    const late = stage.client().send(get());
    stage.pass(2);
    expect(idle.ended).toBe(true);
    expect([first.closed, last.closed, late.closed]).toEqual([undefined, undefined, undefined]);
    for (const connection of backend.connections) connection.send(ok());
    stage.pass(2);
    expect([first, last, late].map(({ statuses }) => statuses)).toEqual([[200], [200], [200]]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('connections to backends', () => {
  it('are no more than clients may be: idle ones make room', () => {
    const stage = new Stage({ backends: 3, limits: { maxConnections: 4 } });
    const backends = [1, 2, 3].map((number) => stage.backend(number).answering());
    const open = (): number =>
      backends
        .flatMap(({ connections }) => connections)
        .filter((c) => !c.ended && c.closed === undefined).length;
    // Several at once, again and again: each backend comes to have more than one connection.
    for (let round = 0; round < 5; round++) {
      const clients = Array.from({ length: 4 }, () => stage.client());
      for (const client of clients) client.send(get());
      stage.pass(2);
      expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [200], [200]]);
      for (const client of clients) client.socket.close();
      stage.pass(2);
      expect(open()).toBeLessThanOrEqual(4);
    }
    expect(stage.leftovers()).toBe('');
  });
});

describe('the gate', () => {
  /** Lets this many come and go; tells how many of them are still in memory. */
  async function leftOf(count: number, limit: number): Promise<number> {
    const clients = new Set<ClientConnection>();
    const engine = { maxConnections: limit, wheel: { nowMs: () => 0, set() {} } };
    const gate = new Gate(engine as unknown as Engine, clients);
    const gone: WeakRef<object>[] = [];
    for (let n = 0; n < count; n++) {
      gate.admits();
      const client = { closeIdle: () => false } as unknown as ClientConnection;
      clients.add(client);
      gone.push(new WeakRef(client));
      if (n % 50 === 49) clients.clear();
    }
    clients.clear();
    gate.admits();
    await collectGarbage();
    return gone.filter((each) => each.deref() !== undefined).length;
  }

  /** A full gate with so many clients, each of them busy, and what its log says. */
  function full(clients: number) {
    const clock = createSimClock();
    const said: unknown[] = [];
    let looked = 0;
    const client = () => ({ closeIdle: () => ++looked < 0 }) as unknown as ClientConnection;
    const log = {
      event: (_level: string, event: string, _text: string, fields: object) =>
        void said.push({ event, ...fields }),
    };
    const engine = { maxConnections: clients, wheel: new TimerWheel(clock), log };
    const set = new Set(Array.from({ length: clients }, client));
    const gate = new Gate(engine as unknown as Engine, set);
    const pass = (ms: number): void => clock.run(clock.nowMs() + ms);
    return { gate, said, pass, looked: () => looked };
  }

  it('looks for an idle one among 64 at a time', () => {
    const { gate, looked } = full(100);
    expect(gate.admits()).toBe(false);
    expect(looked()).toBe(64);
  });

  it('says each second how many it has turned away in it', () => {
    const { gate, said, pass } = full(3);
    for (const count of [3, 2]) {
      for (let n = 0; n < count; n++) {
        expect(gate.admits()).toBe(false);
        pass(300);
      }
      pass(500);
    }
    pass(5000);
    expect(said).toEqual([
      { event: 'connections_turned_away', connections: 3, limit: 3 },
      { event: 'connections_turned_away', connections: 2, limit: 3 },
    ]);
  });

  it('keeps nobody in memory who has gone', async () => {
    // Engines may hold on to the last one or two.
    expect(await leftOf(1000, 10_000)).toBeLessThan(20);
  });

  it('keeps nobody in memory after room was wanted either', async () => {
    expect(await leftOf(1000, 20)).toBeLessThan(20);
  });
});
