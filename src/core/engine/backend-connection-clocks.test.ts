/** Which clock runs at which moment, on a connection to a backend. */
import { describe, expect, it } from 'vitest';
import { get, ok, post, type Raw, Stage } from '../../../test/engine-stage/engine-stage.ts';

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';

/** A client whose pace nobody looks at, and a backend that is waited for in these times. */
function staged(timeouts = {}) {
  const stage = new Stage({
    timeouts: { responseHeadMs: 3000, idleMs: 1000, tunnelIdleMs: 500, ...timeouts },
    limits: { minRateBytesPerSecond: 0 },
  });
  return { stage, backend: stage.backend() };
}

/** A client that has sent all but the end of its request: 10 bytes of a body are missing. */
const halfAsked = (stage: Stage): Raw => stage.ask(post('x'.repeat(20)).slice(0, -10));

/** The rest of a request, 10 bytes, in 9 s. */
function trickle(stage: Stage, client: Raw): void {
  for (let count = 0; count < 10; count++) {
    client.send('x');
    stage.pass(count < 9 ? 900 : 1);
  }
}

describe('an answer that begins before the request is whole', () => {
  it.each([
    ['its head', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
    ['a part of its body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234'],
  ])('may not fall silent behind %s for the idle timeout', (_, answer) => {
    const { stage, backend } = staged();
    const client = halfAsked(stage);
    backend.last.send(answer);
    stage.pass(900);
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(stage.record.failure?.cause).toBe('sent nothing for 1 s (timeouts.idle)');
    expect(stage.leftovers()).toBe('');
  });

  it('is not waited for longer when the rest of the request comes', () => {
    const { stage, backend } = staged();
    const client = halfAsked(stage);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234');
    stage.pass(900);
    client.send('x'.repeat(10));
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('may not fall silent either while its backend does not read the rest', () => {
    const { stage, backend } = staged();
    const client = stage.ask(post('x'.repeat(90_000)).slice(0, -80_000));
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234');
    stage.pass(1);
    backend.last.socket.pause();
    stage.network.options.sendBufferBytes = 4096;
    for (let count = 0; count < 3; count++) {
      client.send('x'.repeat(5000));
      stage.pass(300);
    }
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('and is an interim one leaves the client its time for the request', () => {
    const { stage, backend } = staged();
    const client = halfAsked(stage);
    backend.last.send(HINTS);
    trickle(stage, client);
    stage.pass(2000);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([103, 200]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a backend that has read nothing of a request for a while', () => {
  function slowToRead(timeouts = {}) {
    const { stage, backend } = staged(timeouts);
    backend.onConnection = (connection) => {
      connection.socket.pause();
      stage.network.options.sendBufferBytes = 4096;
    };
    return { stage, backend };
  }

  it('and then reads it all has a client to wait for, whatever that takes', () => {
    const { stage, backend } = slowToRead();
    const client = stage.ask(post('x'.repeat(30_000)).slice(0, -10));
    stage.pass(500);
    backend.last.socket.resume();
    stage.pass(1);
    trickle(stage, client);
    stage.pass(2000);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });

  it('is timed anew whenever it stops again', () => {
    const { stage, backend } = slowToRead();
    const client = stage.ask(post('x'.repeat(60_000)).slice(0, 30_000));
    stage.pass(900);
    backend.last.socket.resume();
    stage.pass(100);
    backend.last.socket.pause();
    client.send('x'.repeat(20_000));
    stage.pass(900);
    expect(client.statuses).toEqual([]);
    stage.pass(200);
    expect(client.statuses).toEqual([504]);
    expect(stage.record.failure?.cause).toContain('read nothing of the request for 1 s');
    expect(stage.leftovers()).toBe('');
  });

  it('has the time for its answer from when the request was handed over whole', () => {
    const { stage, backend } = slowToRead();
    const client = stage.ask(post('x'.repeat(20_000)));
    stage.pass(2500);
    backend.last.socket.resume();
    stage.pass(400);
    expect(client.statuses).toEqual([]);
    stage.pass(200);
    expect(client.statuses).toEqual([504]);
    expect(stage.record.failure?.cause).toBe('no response within 3 s (timeouts.response)');
    expect(stage.leftovers()).toBe('');
  });
});

describe('a tunnel', () => {
  function tunnelled(timeouts = {}) {
    const { stage, backend } = staged({ tunnelIdleMs: 5000, ...timeouts });
    backend.answering(SWITCHING);
    const client = stage.ask(get('/', upgrade));
    expect(client.statuses).toEqual([101]);
    return { stage, backend, client };
  }

  it.each([
    ['the client', (client: Raw, _: Raw) => client],
    ['the backend', (_: Raw, backend: Raw) => backend],
  ])('in which nobody but %s says anything is not silent', (_, speaker) => {
    const { stage, backend, client } = tunnelled();
    for (let count = 0; count < 3; count++) {
      stage.pass(4500);
      speaker(client, backend.last).send('still here');
    }
    stage.pass(4500);
    expect([client.closed, backend.last.closed]).toEqual([undefined, undefined]);
    stage.pass(1000);
    expect([client.wasReset, backend.last.wasReset]).toEqual([true, true]);
    expect(stage.record.failure?.cause).toBe('silent for 5 s (timeouts.tunnel_idle)');
    expect(stage.leftovers()).toBe('');
  });

  it('is as long silent from its start', () => {
    const { stage, client } = tunnelled();
    stage.pass(4900);
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
  });

  it('that a client was slow to read keeps its own time to be silent', () => {
    const { stage, backend, client } = tunnelled();
    client.socket.pause();
    stage.network.options.sendBufferBytes = 4096;
    for (let count = 0; count < 5; count++) {
      backend.last.send('x'.repeat(5000));
      stage.pass(1);
    }
    expect(backend.last.socket.unsentBytes()).toBeGreaterThan(0);
    client.socket.resume();
    stage.pass(4900);
    expect(client.count).toBeGreaterThan(25_000);
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('that a client does not read is cut when it has been silent for its time', () => {
    const { stage, backend, client } = tunnelled();
    client.socket.pause();
    stage.network.options.sendBufferBytes = 4096;
    backend.last.send('x'.repeat(30_000));
    stage.pass(4900);
    expect(stage.records).toEqual([]);
    stage.pass(200);
    expect(stage.record.failure?.kind).toBe('timeout_tunnel');
    expect(stage.leftovers()).toBe('');
  });

  it('whose ends have both ended closes both connections in order', () => {
    const { stage, backend, client } = tunnelled();
    backend.last.send('bye');
    backend.last.socket.end();
    stage.pass(1);
    expect([client.ended, stage.records.length]).toEqual([true, 0]);
    client.send('bye too');
    client.socket.end();
    stage.pass(1);
    expect(backend.last.received.endsWith('bye too')).toBe(true);
    expect([backend.last.ended, backend.last.wasReset, client.wasReset]).toEqual([
      true,
      false,
      false,
    ]);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a connection that is kept', () => {
  it('is closed when it has been idle for its time, and not before', () => {
    const { stage, backend } = staged({ backendKeepAliveMs: 4000 });
    backend.answering();
    stage.ask(get());
    stage.pass(3900);
    expect(backend.last.ended).toBe(false);
    stage.pass(200);
    expect([backend.last.ended, backend.last.wasReset]).toEqual([true, false]);
    expect(stage.leftovers()).toBe('');
  });

  it('has a whole time for the answer to its next request', () => {
    const { stage, backend } = staged({ backendKeepAliveMs: 4000 });
    backend.answering();
    const client = stage.ask(get());
    stage.pass(3000);
    backend.onHead = () => {};
    client.send(get());
    stage.pass(2900);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200, 200]);
    expect(backend.connections).toHaveLength(1);
  });

  it('waits for a request that comes slowly without a clock of its own', () => {
    const { stage, backend } = staged({ backendKeepAliveMs: 4000 });
    backend.answering();
    const client = stage.ask(get());
    backend.onHead = () => {};
    client.send(post('x'.repeat(20)).slice(0, -10));
    trickle(stage, client);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200, 200]);
    expect(backend.connections).toHaveLength(1);
  });

  it('carries an answer that comes cut anywhere, and is kept again', () => {
    const answer = HINTS + ok('whole');
    for (let cut = 1; cut < answer.length; cut++) {
      const { stage, backend } = staged();
      backend.answering();
      const client = stage.ask(get());
      backend.onHead = () => {};
      client.send(get());
      stage.pass(1);
      backend.last.send(answer.slice(0, cut));
      stage.pass(1);
      backend.last.send(answer.slice(cut));
      backend.answering();
      stage.pass(1);
      client.send(get());
      stage.pass(2);
      expect(client.statuses, `cut ${cut}`).toEqual([200, 103, 200, 200]);
      expect(backend.connections, `cut ${cut}`).toHaveLength(1);
    }
  });
});
