/** Who waits until a backend has room for it (`max_requests`, `queue`). */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type Raw,
  type RawBackend,
  Stage,
} from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig } from '../../../test/fixtures/control-world.ts';
import type { QueueConfig } from '../config.ts';
import { State } from '../table/table.ts';

const fifo: QueueConfig = { size: 1000, timeoutMs: 10_000, order: 'fifo' };

/** So many backends, each of which takes one request at a time and answers when it is told to. */
function limited(
  backends: number,
  queue: Partial<QueueConfig> = {},
): { stage: Stage; servers: RawBackend[] } {
  const configs = Array.from({ length: backends }, (_, i) =>
    backendConfig(i + 1, { maxRequests: 1 }),
  );
  const pool = { backends: configs, queue: { ...fifo, ...queue } };
  const stage = new Stage({ backends, pool });
  return { stage, servers: configs.map((_, i) => stage.backend(i + 1)) };
}

const received = (server: RawBackend): string[] =>
  server.connections.flatMap(({ received: text }) =>
    [...text.matchAll(/^(?:GET|POST) (\S+)/gm)].map((match) => match[1]),
  );

const asked = (stage: Stage, ...paths: string[]): Raw[] =>
  paths.map((path) => stage.ask(get(path)));

describe('an exchange that finds no room', () => {
  it('waits, and goes on in turn over the connection that has become free', () => {
    const { stage, servers } = limited(1);
    const clients = asked(stage, '/a', '/b', '/c');
    const [server] = servers;
    expect(received(server)).toEqual(['/a']);
    for (let n = 0; n < 3; n++) {
      server.last.send(ok());
      stage.pass(5);
    }
    expect(received(server)).toEqual(['/a', '/b', '/c']);
    expect(server.connections).toHaveLength(1);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [200]]);
    expect(stage.records.map(({ queueMs }) => queueMs > 0)).toEqual([false, true, true]);
    expect(stage.leftovers()).toBe('');
  });

  it('goes to whichever backend has room first', () => {
    const { stage, servers } = limited(2);
    asked(stage, '/a', '/b', '/c');
    servers[1].last.send(ok());
    stage.pass(5);
    expect(servers.map(received)).toEqual([['/a'], ['/b', '/c']]);
  });

  it('is answered with 503 when so many wait as may', () => {
    const { stage } = limited(1, { size: 1 });
    const [, , third] = asked(stage, '/a', '/b', '/c');
    expect(third.statuses).toEqual([503]);
    expect(third.received).toContain('Retry-After: 1\r\n');
    expect(stage.record.failure).toMatchObject({
      kind: 'overloaded',
      cause: 'no backend has room (max_requests or max_connections), and 1 request waits already',
    });
  });

  it('is answered with 503 at once where nobody may wait', () => {
    const { stage } = limited(1, { size: 0 });
    const [, second] = asked(stage, '/a', '/b');
    expect(second.statuses).toEqual([503]);
    expect(stage.record.failure?.cause).toMatch(/and nobody may wait$/);
  });

  it('is answered with 503 when it has waited too long, and not before', () => {
    const { stage } = limited(1, { timeoutMs: 300 });
    const [, second] = asked(stage, '/a', '/b');
    stage.pass(280);
    expect(second.statuses).toEqual([]);
    stage.pass(30);
    expect(second.statuses).toEqual([503]);
    expect(stage.record.failure?.cause).toMatch(/and none had any within 300 ms$/);
  });

  it('is forgotten when its client is gone', () => {
    const { stage, servers } = limited(1);
    const [, second] = asked(stage, '/a', '/b', '/c');
    second.socket.reset();
    stage.pass(5);
    servers[0].last.send(ok());
    stage.pass(5);
    expect(received(servers[0])).toEqual(['/a', '/c']);
  });

  it('keeps what comes of its body meanwhile', () => {
    const { stage, servers } = limited(1);
    stage.ask(get('/a'));
    const client = stage.ask(post('hello').slice(0, -3));
    client.send('llo');
    stage.pass(5);
    servers[0].last.send(ok());
    stage.pass(5);
    expect(servers[0].last.received.endsWith('\r\n\r\nhello')).toBe(true);
  });

  it('gets 503 when there is nobody any more', () => {
    const { stage } = limited(1);
    const [, second] = asked(stage, '/a', '/b');
    stage.table.setState(stage.backends[0].slot, State.down);
    stage.refresh();
    stage.pass(5);
    expect(second.statuses).toEqual([503]);
    expect(stage.record.failure?.kind).toBe('no_backend');
  });

  it('waits also after an attempt that failed, and then goes elsewhere', () => {
    const { stage, servers } = limited(2);
    const [, second] = asked(stage, '/a', '/b');
    servers[1].last.socket.reset();
    stage.pass(5);
    expect(second.statuses).toEqual([]);
    servers[0].last.send(ok());
    stage.pass(10);
    expect(received(servers[0])).toEqual(['/a', '/b']);
  });
});

describe('a full queue of those who wait for some backends only', () => {
  it('keeps nobody out who finds room at another', () => {
    const { stage, servers } = limited(2, { size: 1 });
    const clients = asked(stage, '/a', '/b');
    servers[1].last.socket.reset();
    stage.pass(5);
    clients.push(...asked(stage, '/c', '/d'));
    expect(servers.map(received)).toEqual([['/a'], ['/b', '/c']]);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[], [], [], [503]]);
    for (let n = 0; n < 2; n++) {
      for (const { last } of servers) last.send(ok());
      stage.pass(10);
    }
    expect(received(servers[0])).toEqual(['/a', '/b']);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200], [200], [503]]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('room', () => {
  it('is not there while a tunnel is', () => {
    const { stage, servers } = limited(1);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';
    const client = stage.ask(get('/tunnel', upgrade));
    const [server] = servers;
    server.last.send(`HTTP/1.1 101 Switching\r\n${upgrade}\r\n`);
    stage.pass(5);
    asked(stage, '/b');
    expect(received(server)).toEqual(['/tunnel']);
    client.socket.end();
    server.last.socket.end();
    stage.pass(20);
    expect(received(server)).toEqual(['/tunnel', '/b']);
  });

  it('is there again when an exchange ends badly', () => {
    const { stage, servers } = limited(1);
    const [first] = asked(stage, '/a', '/b');
    first.socket.reset();
    stage.pass(10);
    expect(received(servers[0])).toEqual(['/a', '/b']);
  });
});

describe('a queue that stands', () => {
  it('lets the newest go first, and the others not wait long, when it is adaptive', () => {
    const { stage, servers } = limited(1, { order: 'adaptive' });
    const clients = asked(stage, '/a', '/b');
    stage.pass(95);
    expect(clients[1].statuses).toEqual([]);
    stage.pass(20);
    // The only one that waits may stay.
    expect(clients[1].statuses).toEqual([]);
    const [c] = asked(stage, '/c');
    stage.pass(10);
    expect(clients[1].statuses).toEqual([503]);
    servers[0].last.send(ok());
    stage.pass(10);
    expect(received(servers[0])).toEqual(['/a', '/c']);
    servers[0].last.send(ok());
    stage.pass(10);
    expect(c.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });
});
