/** Who gets a connection where a backend may have only so many (`max_connections`). */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type Raw,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig } from '../../../test/fixtures/control-world.ts';
import { Table } from '../table/table.ts';

const SLOT = 0;

/** So many connections to each backend, which answers when it is told to. */
function bounded(
  maxConnections: number,
  backends = 1,
  options: StageOptions = {},
): { stage: Stage; servers: RawBackend[] } {
  const configs = Array.from({ length: backends }, (_, i) =>
    backendConfig(i + 1, { maxConnections }),
  );
  const stage = new Stage({ backends, pool: { backends: configs }, ...options });
  return { stage, servers: configs.map((_, i) => stage.backend(i + 1)) };
}

const open = ({ connections }: RawBackend): Raw[] =>
  connections.filter(({ ended, closed }) => !ended && closed === undefined);

const received = (server: RawBackend): string[] =>
  server.connections.flatMap(({ received: text }) =>
    [...text.matchAll(/^(?:GET|POST) (\S+)/gm)].map((match) => match[1]),
  );

/** Another worker, as the table shows it, holds so many connections and wants so many. */
function other(stage: Stage, connections: number, wanted = 0): Table {
  const { capacity, workers, buffer } = stage.table;
  const table = new Table({ capacity, workers }, buffer, 1);
  for (let i = 0; i < connections; i++) table.openConnection(SLOT, 0);
  table.wantConnections(SLOT, wanted);
  return table;
}

describe('a bound on connections', () => {
  it('is one on requests: who is too many waits, and goes over the connection that is free', () => {
    const { stage, servers } = bounded(2);
    const clients = ['/a', '/b', '/c', '/d'].map((path) => stage.ask(get(path)));
    const [server] = servers;
    expect(received(server)).toEqual(['/a', '/b']);
    for (let turn = 0; turn < 2; turn++) {
      for (const connection of server.connections) connection.send(ok());
      stage.pass(10);
    }
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [200], [200]]);
    expect(server.connections).toHaveLength(2);
    expect(stage.table.connections(SLOT)).toBe(2);
    expect(stage.leftovers()).toBe('');
  });

  it('counts from the dial to the close, whatever the bound', () => {
    const { stage, servers } = bounded(0);
    stage.ask(get('/a'));
    expect(stage.table.connections(SLOT)).toBe(1);
    servers[0].last.send(ok());
    stage.pass(3000);
    expect(stage.table.connections(SLOT)).toBe(1);
    stage.pass(2000);
    expect(stage.table.connections(SLOT)).toBe(0);
  });

  it('has an idle connection closed that is too old for one that must not be repeated', () => {
    const { stage, servers } = bounded(1);
    const [server] = servers;
    stage.ask(get('/a'));
    server.last.send(ok());
    stage.pass(1500);
    const client = stage.ask(post('hello'), 10);
    expect(server.connections).toHaveLength(2);
    expect(open(server)).toHaveLength(1);
    server.last.send(ok());
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
  });

  it('holds for tunnels', () => {
    const { stage, servers } = bounded(1);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';
    const tunnel = stage.ask(get('/tunnel', upgrade));
    const [server] = servers;
    server.last.send(`HTTP/1.1 101 Switching\r\n${upgrade}\r\n`);
    stage.pass(5);
    stage.ask(get('/b'), 50);
    expect(server.connections).toHaveLength(1);
    tunnel.socket.end();
    server.last.socket.end();
    stage.pass(30);
    expect(received(server)).toEqual(['/tunnel', '/b']);
    expect(open(server)).toHaveLength(1);
  });

  it('leads to the other backend while there is room', () => {
    const { stage, servers } = bounded(1, 2);
    for (const path of ['/a', '/b', '/c']) stage.ask(get(path));
    expect(servers.map(received)).toEqual([['/a'], ['/b']]);
  });
});

describe('connections that another worker holds', () => {
  it('are asked for, and waited for', () => {
    const { stage, servers } = bounded(2);
    const elsewhere = other(stage, 2);
    const client = stage.ask(get('/a'), 20);
    expect(stage.evidence.filter((line) => line.startsWith('connectionWanted'))).toEqual([
      'connectionWanted server-1',
    ]);
    expect(elsewhere.othersWant(SLOT)).toBe(true);
    expect(servers[0].connections).toHaveLength(0);
    elsewhere.closeConnection(SLOT);
    stage.pass(10);
    servers[0].last.send(ok());
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
    expect(elsewhere.othersWant(SLOT)).toBe(false);
  });

  it('are waited for by who then goes to the addresses that the backend has by now', () => {
    const { stage } = bounded(1);
    const elsewhere = other(stage, 1);
    const server = stage.backend(1, '10.0.1.1').answering();
    const client = stage.ask(get('/a'), 20);
    stage.backends[0].addresses = ['10.0.1.1'];
    elsewhere.closeConnection(SLOT);
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
    expect(server.connections).toHaveLength(1);
  });

  it('are waited for between two addresses, of which none is left out though they change', () => {
    const { stage, servers } = bounded(1);
    stage.backends[0].addresses = ['10.0.9.9', '10.0.0.1'];
    servers[0].answering();
    stage.network.blackHole('10.0.9.9');
    const client = stage.ask(get('/a'), 10);
    const elsewhere = other(stage, 1);
    stage.network.heal('10.0.9.9');
    stage.pass(1000);
    stage.backends[0].addresses = ['10.0.0.1', '10.0.9.9'];
    expect(client.statuses).toEqual([]);
    elsewhere.closeConnection(SLOT);
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
    expect(stage.evidence.filter((line) => line.startsWith('connectFailed'))).toHaveLength(1);
  });

  it('are given back by who finds that no address is left to try', () => {
    const { stage } = bounded(1, 1, { timeouts: { connectMs: 2000 } });
    stage.backends[0].addresses = ['10.0.9.9', '10.0.0.1'];
    stage.network.blackHole('10.0.9.9');
    const client = stage.ask(get('/a'), 10);
    const elsewhere = other(stage, 1);
    stage.network.heal('10.0.9.9');
    stage.pass(1000);
    stage.backends[0].addresses = ['10.0.9.9'];
    elsewhere.closeConnection(SLOT);
    stage.pass(10);
    expect(client.statuses).toEqual([503]);
    expect(stage.table.connections(SLOT)).toBe(0);
  });

  it('are asked for again while nobody gives one up', () => {
    const { stage } = bounded(1);
    other(stage, 1);
    stage.ask(get('/a'), 200);
    const asked = stage.evidence.filter((line) => line.startsWith('connectionWanted'));
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(6);
  });

  it('are waited for as long as a connection may take, and then another backend is tried', () => {
    const { stage, servers } = bounded(1, 2, { timeouts: { connectMs: 200 } });
    other(stage, 1);
    const client = stage.ask(get('/a'), 230);
    servers[1].last.send(ok());
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
    expect(stage.records[0].attempts).toBe(2);
  });

  it('are waited for in vain: 503 where there is nobody else', () => {
    const { stage } = bounded(1, 1, { timeouts: { connectMs: 200 } });
    other(stage, 1);
    const client = stage.ask(get('/a'), 230);
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('Retry-After: 1\r\n');
    expect(stage.record.failure).toMatchObject({
      kind: 'overloaded',
      side: 'us',
      cause: "none of the backend's 1 connections (max_connections) became free within 200 ms",
    });
    expect(stage.leftovers()).toBe('');
  });

  it('are not waited for any more when the client is gone', () => {
    const { stage, servers } = bounded(1);
    const elsewhere = other(stage, 1);
    const client = stage.ask(get('/a'));
    client.socket.reset();
    stage.pass(5);
    expect(elsewhere.othersWant(SLOT)).toBe(false);
    elsewhere.closeConnection(SLOT);
    stage.pass(50);
    expect(servers[0].connections).toHaveLength(0);
    expect(stage.leftovers()).toBe('');
  });

  it('are waited for on, and not for ever, by the others when one client is gone', () => {
    const { stage } = bounded(2, 1, { timeouts: { connectMs: 200 } });
    other(stage, 2);
    const clients = ['/a', '/b'].map((path) => stage.ask(get(path)));
    clients[0].socket.reset();
    stage.pass(230);
    expect(clients[1].statuses).toEqual([503]);
    expect(stage.leftovers()).toBe('');
  });

  it('are not waited for beyond the deadline of a drain', () => {
    const { stage } = bounded(1);
    other(stage, 1);
    const client = stage.ask(get('/a'));
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(5);
    expect(client.statuses).toEqual([503]);
    expect(stage.record.failure?.kind).toBe('stopping');
  });
});

describe('a backend that a reload takes out', () => {
  it('is left at the deadline of its drain also by who had waited for a connection', () => {
    const { stage, servers } = bounded(1, 2);
    const elsewhere = other(stage, 1);
    const client = stage.ask(get('/a'));
    stage.configure(stage.config, () => stage.backends.slice(1));
    stage.pass(20);
    elsewhere.closeConnection(SLOT);
    stage.pass(20);
    expect(received(servers[0])).toEqual(['/a']);
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(5);
    expect(client.statuses).toEqual([503]);
    expect(stage.record.failure?.kind).toBe('stopping');
    expect(stage.leftovers()).toBe('');
  });
});

describe('a connection that carries nothing', () => {
  it('is closed when another worker wants one', () => {
    const { stage, servers } = bounded(2);
    other(stage, 0, 1);
    stage.ask(get('/a'));
    servers[0].last.send(ok());
    stage.pass(10);
    expect(open(servers[0])).toHaveLength(0);
    expect(stage.table.connections(SLOT)).toBe(0);
  });

  it('is kept when nobody does, and given up when asked for', () => {
    const { stage, servers } = bounded(2);
    stage.ask(get('/a'));
    servers[0].last.send(ok());
    stage.pass(10);
    expect(open(servers[0])).toHaveLength(1);
    stage.engine.giveConnection(stage.backends[0]);
    stage.pass(5);
    expect(open(servers[0])).toHaveLength(0);
  });

  it('is waited for by who has one for each of its requests, and leaves the rest to others', () => {
    const { stage, servers } = bounded(3);
    const [server] = servers;
    stage.ask(get('/a'));
    // Its connection is about to become idle, but is not yet.
    other(stage, 0, 1);
    server.last.send(ok());
    const client = stage.ask(get('/b'), 10);
    server.last.send(ok());
    stage.pass(10);
    expect(client.statuses).toEqual([200]);
    expect(open(server).length).toBeLessThanOrEqual(1);
  });

  it('is not kept when there are more than a reload allows', () => {
    const { stage, servers } = bounded(2);
    for (const path of ['/a', '/b']) stage.ask(get(path));
    const [backend] = stage.backends;
    backend.config = { ...backend.config, maxConnections: 1 };
    for (const connection of servers[0].connections) connection.send(ok());
    stage.pass(10);
    expect(open(servers[0]).length).toBeLessThanOrEqual(1);
  });

  it('carries on with who has waited, without another one', () => {
    const { stage, servers } = bounded(2);
    other(stage, 1);
    const clients = ['/a', '/b'].map((path) => stage.ask(get(path)));
    stage.pass(20);
    expect(received(servers[0])).toEqual(['/a']);
    servers[0].last.send(ok());
    stage.pass(1);
    expect(received(servers[0])).toEqual(['/a', '/b']);
    expect(servers[0].connections).toHaveLength(1);
    servers[0].last.send(ok());
    stage.pass(1);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
    expect(stage.leftovers()).toBe('');
  });
});
