/** client-connection.ts and clients that leave: after a request, in the middle of one, by reset. */
import { describe, expect, it } from 'vitest';
import { get, ok, post, Stage } from '../../../test/engine-stage/engine-stage.ts';

function staged() {
  const stage = new Stage();
  return { stage, backend: stage.backend() };
}

const UPLOAD = `POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n`;

describe('a client that leaves', () => {
  it('one way only, after a whole request, still gets its answer', () => {
    const { stage, backend } = staged();
    const client = stage.client().send(post('hello'));
    client.socket.end();
    stage.pass(1000);
    backend.last.send(ok('here'));
    stage.pass(2);
    expect(client.received).toMatch(/\r\n\r\nhere$/);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.closed).toBe(null);
    expect(stage.record.failure).toBe(null);
    expect(stage.engine.open().connections).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('one way only, while its answer comes, gets the rest and is let go at once', () => {
    const { stage, backend } = staged();
    const client = stage.ask(get());
    backend.last.send(ok('hello').slice(0, -2));
    stage.pass(2);
    client.socket.end();
    stage.pass(2);
    backend.last.send('lo');
    stage.pass(2);
    expect(client.received).toMatch(/\r\n\r\nhello$/);
    expect(client.closed).toBe(null);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('one way only, after several requests, gets all answers', () => {
    const { stage, backend } = staged();
    backend.answering();
    const client = stage.client().send(get('/one') + get('/two') + get('/three'));
    client.socket.end();
    stage.pass(10);
    expect(client.statuses).toEqual([200, 200, 200]);
    expect(client.closed).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('in the middle of a body breaks its attempt off', () => {
    const { stage, backend } = staged();
    const client = stage.ask(`${UPLOAD}hello`);
    client.socket.end();
    stage.pass(2);
    expect(backend.last.wasReset).toBe(true);
    expect(backend.last.ended).toBe(false);
    expect(client.wasReset).toBe(true);
    expect(stage.record).toMatchObject({
      status: 0,
      failure: { kind: 'closed', side: 'client', cause: 'ended in the middle of a request' },
    });
    expect(stage.leftovers()).toBe('');
  });

  it('in the middle of a head is forgotten', () => {
    const { stage } = staged();
    const client = stage.ask('GET / HTTP/1.1\r\nHost');
    client.socket.end();
    stage.pass(2);
    expect([client.closed, client.received]).toEqual([null, '']);
    expect(stage.records).toEqual([]);
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    expect(stage.leftovers()).toBe('');
  });

  it('between two requests is let go', () => {
    const { stage, backend } = staged();
    backend.answering();
    const client = stage.ask(get());
    client.socket.end();
    stage.pass(2);
    expect(client.closed).toBe(null);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('with a reset breaks its attempt off, whatever the backend is doing', () => {
    for (const said of ['', 'HTTP/1.1 20', ok('hello').slice(0, -2)]) {
      const { stage, backend } = staged();
      const client = stage.ask(get());
      if (said !== '') backend.last.send(said);
      stage.pass(2);
      client.socket.reset();
      stage.pass(2);
      expect(backend.last.wasReset).toBe(true);
      expect(stage.record.failure).toMatchObject({ kind: 'reset', side: 'client' });
      expect(stage.leftovers()).toBe('');
    }
  });

  it('with a reset while a connection is being opened for it, gives that up', () => {
    const { stage } = staged();
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(get());
    client.socket.reset();
    stage.pass(2);
    expect(stage.record).toMatchObject({ attempts: 1, failure: { kind: 'reset', side: 'client' } });
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    stage.network.heal('10.0.0.1');
    expect(stage.leftovers()).toBe('');
  });
});
