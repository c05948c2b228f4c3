import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type Raw,
  type RawBackend,
  Stage,
} from '../../../test/engine-stage/engine-stage.ts';

/** A stage whose only backend answers every request with `answer`. */
function answering(answer: string): { stage: Stage; backend: RawBackend } {
  const stage = new Stage();
  return { stage, backend: stage.backend().answering(answer) };
}

/** What the log says of the only exchange. */
const causeOf = (stage: Stage): string => stage.record.failure?.cause ?? 'no failure';

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const switching = (protocol: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

describe('an interim response', () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';

  it('goes to the client before the answer', () => {
    const { stage } = answering(hints + ok());
    const client = stage.ask(get());
    expect(client.received).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP/);
    expect(client.statuses).toEqual([103, 200]);
    expect(stage.record.status).toBe(200);
    expect(stage.leftovers()).toBe('');
  });

  it('is kept from a client of HTTP/1.0', () => {
    const { stage } = answering(hints + ok());
    const client = stage.ask('GET / HTTP/1.0\r\nHost: a.test\r\n\r\n');
    expect(client.statuses).toEqual([200]);
  });

  it('does not break the answer that comes cut anywhere behind it', () => {
    const whole = hints + hints + ok('whole');
    for (let cut = 1; cut < whole.length; cut += 7) {
      const { stage, backend } = answering(whole.slice(0, cut));
      const client = stage.ask(get());
      backend.last.send(whole.slice(cut));
      stage.pass(1);
      expect(client.statuses).toEqual([103, 103, 200]);
      expect(client.received.endsWith('\r\n\r\nwhole')).toBe(true);
    }
  });

  it('may come twenty times; one more is a 502', () => {
    const many = answering(hints.repeat(20) + ok());
    expect(many.stage.ask(get()).statuses.slice(19)).toEqual([103, 200]);
    const tooMany = answering(hints.repeat(21) + ok());
    expect(tooMany.stage.ask(get()).statuses.slice(19)).toEqual([103, 502]);
    expect(causeOf(tooMany.stage)).toBe('UP22 more than 20 interim responses');
    expect(tooMany.backend.last.wasReset).toBe(true);
    expect(tooMany.stage.leftovers()).toBe('');
  });

  it('gives the backend its whole time for the answer again', () => {
    const stage = new Stage({ timeouts: { responseHeadMs: 1000 } });
    const backend = stage.backend();
    const client = stage.ask(get());
    stage.pass(800);
    backend.last.send(hints);
    stage.pass(800);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([103, 200]);
  });
});

describe('a switch of protocols', () => {
  it('nobody asked for is a 502', () => {
    const { stage, backend } = answering(switching('websocket'));
    expect(stage.ask(get()).statuses).toEqual([502]);
    expect(causeOf(stage)).toMatch(/^UP24 /);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('to another protocol than asked for is a 502', () => {
    const { stage } = answering(switching('h2c'));
    expect(stage.ask(get('/', upgrade)).statuses).toEqual([502]);
    expect(causeOf(stage)).toMatch(/^UP25 /);
  });

  it('as asked for makes a tunnel, with what came along', () => {
    const { stage, backend } = answering(switching('WebSocket') + 'hello');
    const client = stage.ask(get('/', upgrade));
    expect(client.statuses).toEqual([101]);
    expect(client.received.endsWith('\r\n\r\nhello')).toBe(true);
    expect(stage.engine.open().tunnels).toBe(1);
    client.send('from the client');
    stage.pass(1);
    expect(backend.last.received.endsWith('\r\n\r\nfrom the client')).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('that was asked for may be declined', () => {
    const { stage, backend } = answering(ok());
    const client = stage.ask(get('/', upgrade));
    client.send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([200, 200]);
    expect(backend.connections).toHaveLength(1);
  });
});

describe('an answer that breaks a rule', () => {
  it.each([
    ['UP28', 'HELLO\r\n\r\n'],
    ['UP29', 'HTTP/1.1 600 Odd\r\n\r\n'],
    ['CL06', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n'],
    ['CL02', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n'],
    ['TE03', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['TE05', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['TE26', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['FL01', 'HTTP/1.1 200 OK\r\nServer : a\r\n\r\n'],
  ])('%s is a 502, and its connection is reset', (rule, answer) => {
    const { stage, backend } = answering(answer);
    const client = stage.ask(get());
    expect(client.statuses).toEqual([502]);
    expect(client.received).not.toContain(rule);
    expect(stage.record.failure).toMatchObject({ kind: 'malformed', side: 'backend' });
    expect(causeOf(stage)).toMatch(new RegExp(`^${rule} .* of the response\\)$`));
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('in the framing of its body breaks the client off: no end looks whole', () => {
    const { stage } = answering(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nxyz\r\n',
    );
    const client = stage.ask(get());
    expect(client.wasReset).toBe(true);
    expect(causeOf(stage)).toMatch(/^CH14 /);
    expect(stage.leftovers()).toBe('');
  });

  it('forgives an empty line before an answer; a later one ends the reuse', () => {
    const first = answering(`\r\n${ok()}`);
    expect(first.stage.ask(get()).statuses).toEqual([200]);
    const { stage, backend } = answering(ok());
    const client = stage.ask(get());
    backend.answering(`\r\n${ok()}`);
    client.send(get());
    stage.pass(2);
    expect(backend.connections).toHaveLength(1);
    expect(client.statuses).toEqual([200, 200]);
    client.send(get());
    stage.pass(2);
    expect(backend.connections).toHaveLength(2);
    expect(client.statuses).toEqual([200, 200, 200]);
  });
});

describe('a body', () => {
  const untilClose = 'HTTP/1.1 200 OK\r\n\r\nhello';

  /** What a client has got when the backend has sent `answer` and gone away. */
  function leftBy(answer: string, leave: (backend: Raw) => void): { stage: Stage; client: Raw } {
    const { stage, backend } = answering(answer);
    const client = stage.ask(get());
    leave(backend.last);
    stage.pass(1);
    return { stage, client };
  }

  it('that ends with the connection reaches the client in chunks', () => {
    const { stage, client } = leftBy(untilClose, (backend) => backend.socket.end());
    expect(client.received).toMatch(/chunked\r\n[\s\S]*5\r\nhello\r\n0\r\n\r\n$/);
    expect(stage.record.failure).toBe(null);
    expect(client.ended).toBe(false);
    expect(stage.leftovers()).toBe('');
  });

  it.each([
    ['Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ])('with %s that ends early resets the client', (_framing, answer) => {
    const { stage, client } = leftBy(answer, (backend) => backend.socket.end());
    expect(client.received).toContain('hello');
    expect(client.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({ kind: 'closed', side: 'backend', retry: 'never' });
    expect(stage.leftovers()).toBe('');
  });

  it('that ends with the connection resets the client when the connection breaks', () => {
    const { stage, client } = leftBy(untilClose, (backend) => backend.socket.reset());
    expect(client.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({ kind: 'reset', side: 'backend' });
    expect(stage.leftovers()).toBe('');
  });

  it('byte by byte is the same body', () => {
    const stage = new Stage({ network: { delivery: 'bytes' } });
    const parts =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n';
    const backend = stage.backend().answering(parts);
    const client = stage.ask(get());
    client.send(get());
    stage.pass(2);
    const bodies = client.received.split('\r\n\r\n').filter((part) => part.startsWith('2\r\n'));
    expect(bodies).toEqual(Array(2).fill('2\r\nhe\r\n3\r\nllo\r\n0'));
    expect(backend.connections).toHaveLength(1);
  });

  it('waits in the backend while the client does not read', () => {
    const size = 4 * 1024 * 1024;
    const { stage, backend } = answering(ok('x'.repeat(size)));
    const client = stage.client();
    client.keep = false;
    client.socket.pause();
    client.send(get());
    stage.pass(1000);
    const inKernels = 2 * 256 * 1024;
    const inOurHands = size - backend.last.socket.unsentBytes() - inKernels;
    expect(inOurHands).toBeLessThanOrEqual(256 * 1024);
    client.socket.resume();
    stage.pass(100);
    expect(client.count).toBeGreaterThan(size);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('whose last part a client is slow to take does not hold up the next exchange', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const slow = stage.ask(get());
    slow.socket.pause();
    backend.last.send(ok('x'.repeat(6000)));
    stage.network.options.sendBufferBytes = 4096;
    stage.pass(2);
    expect(stage.record.failure).toBe(null);
    backend.answering();
    const next = stage.ask(get());
    expect(backend.connections).toHaveLength(1);
    expect(next.statuses).toEqual([200]);
    expect(slow.count).toBe(0);
  });
});

describe('a backend that lets us wait', () => {
  it('with reading is given time as long as it reads', () => {
    const stage = new Stage({ timeouts: { idleMs: 2000 } });
    const backend = stage.backend();
    backend.onConnection = (connection) => {
      connection.socket.pause();
      stage.network.options.sendBufferBytes = 4096;
    };
    const client = stage.ask(post('x'.repeat(60_000)).slice(0, -1), 10);
    for (let i = 0; i < 5; i++) {
      stage.pass(1500);
      backend.last.socket.resume();
      stage.pass(0.01);
      backend.last.socket.pause();
    }
    expect(client.statuses).toEqual([]);
    stage.pass(4100);
    expect(client.statuses).toEqual([504]);
    expect(causeOf(stage)).toContain('read nothing of the request for 2 s (timeouts.idle)');
    expect(stage.leftovers()).toBe('');
  });

  it('for a connection costs the connect timeout', () => {
    const stage = new Stage({ timeouts: { connectMs: 2000 } });
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(get(), 1900);
    expect(client.received).toBe('');
    stage.pass(200);
    expect(client.statuses).toEqual([504]);
    expect(stage.record.failure).toMatchObject({ kind: 'connect_timeout', phase: 'connect' });
    expect(causeOf(stage)).toBe('no connection within 2 s (timeouts.connect)');
    expect(stage.leftovers()).toBe('');
  });

  it('for an answer gets a 504 whose cause names the key', () => {
    const stage = new Stage({ timeouts: { responseHeadMs: 2000 } });
    const backend = stage.backend();
    const client = stage.ask(get(), 1900);
    expect(client.received).toBe('');
    stage.pass(200);
    expect(client.statuses).toEqual([504]);
    expect(causeOf(stage)).toBe('no response within 2 s (timeouts.response)');
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('is timed from the last byte of the request', () => {
    const stage = new Stage({ timeouts: { responseHeadMs: 2000 } });
    const backend = stage.backend();
    const client = stage.ask(post('0123456789').slice(0, -5), 1900);
    client.send('56789');
    stage.pass(1900);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
  });

  it('in the middle of a body costs the idle timeout, and resets the client', () => {
    const stage = new Stage({ timeouts: { idleMs: 2000 } });
    const backend = stage.backend().answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234');
    const client = stage.ask(get(), 1900);
    backend.last.send('5');
    stage.pass(1900);
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'backend' });
    expect(causeOf(stage)).toBe('sent nothing for 2 s (timeouts.idle)');
    expect(stage.leftovers()).toBe('');
  });

  it('is not blamed for a gap while the client does not read', () => {
    const stage = new Stage({
      timeouts: { idleMs: 2000 },
      limits: { minRateBytesPerSecond: 0 },
      network: { sendBufferBytes: 4096 },
    });
    stage.backend().answering(ok('x'.repeat(40_000)));
    const client = stage.client();
    client.keep = false;
    client.socket.pause();
    client.send(get());
    stage.pass(4000);
    client.socket.resume();
    stage.pass(100);
    expect(client.count).toBeGreaterThan(40_000);
    expect(stage.record.failure).toBe(null);
  });

  it('to read the request costs the idle timeout', () => {
    const stage = new Stage({ timeouts: { idleMs: 2000 }, network: { sendBufferBytes: 4096 } });
    const backend = stage.backend();
    backend.onConnection = (connection) => connection.socket.pause();
    const whole = post('x'.repeat(40_000));
    const client = stage.ask(whole.slice(0, -1), 2100);
    expect(client.statuses).toEqual([504]);
    expect(causeOf(stage)).toBe('read nothing of the request for 2 s (timeouts.idle)');
    expect(stage.leftovers()).toBe('');
  });

  it('in a tunnel costs the time a tunnel may be silent', () => {
    const stage = new Stage({ timeouts: { tunnelIdleMs: 2000 } });
    const backend = stage.backend().answering(switching('websocket'));
    const client = stage.ask(get('/', upgrade), 1900);
    backend.last.send('still here');
    stage.pass(1900);
    expect(client.closed).toBe(undefined);
    stage.pass(200);
    expect(client.wasReset).toBe(true);
    expect(causeOf(stage)).toBe('silent for 2 s (timeouts.tunnel_idle)');
    expect(stage.leftovers()).toBe('');
  });
});

describe('a request', () => {
  it('leaves in one write, head and body', () => {
    const { stage, backend } = answering(ok());
    const sizes: number[] = [];
    const { onConnection } = backend;
    backend.onConnection = (connection) => {
      onConnection(connection);
      const { onData } = connection;
      connection.onData = (bytes) => {
        sizes.push(bytes.length);
        onData.call(connection, bytes);
      };
    };
    stage.ask(post('hello'));
    expect(sizes).toEqual([backend.last.received.length]);
  });

  it('in chunks may end in a piece of its own', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';
    const client = stage.ask(`${head}2\r\nok\r\n`);
    client.send('0\r\nX-After: it\r\n\r\n');
    stage.pass(2);
    expect(backend.last.received.endsWith('\r\n\r\n2\r\nok\r\n0\r\nX-After: it\r\n\r\n')).toBe(
      true,
    );
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });

  it('in chunks goes on in chunks, with the trailers that may travel', () => {
    const { stage, backend } = answering(ok());
    stage.ask(
      'PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\n\r\n',
    );
    expect(backend.last.received).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('whose head, parts and trailers are more than fits is sent in pieces', () => {
    const { stage, backend } = answering(ok());
    stage.ask(get());
    const host = `${'a'.repeat(59)}.`.repeat(500);
    const body = `3000\r\n${'d'.repeat(0x3000)}\r\n0\r\n`;
    const trailer = `X-Sum: ${'1'.repeat(15_000)}\r\n\r\n`;
    const client = stage.ask(
      `PUT / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${body}${trailer}`,
    );
    expect(client.statuses).toEqual([200]);
    expect(backend.last.received.endsWith(body + trailer)).toBe(true);
  });

  it('waits in the client while the backend does not read', () => {
    const stage = new Stage();
    const backend = stage.backend();
    backend.onConnection = (connection) => {
      connection.keep = false;
      connection.socket.pause();
    };
    const size = 4 * 1024 * 1024;
    const client = stage.ask(post('x'.repeat(size)), 1000);
    const inKernels = 2 * 256 * 1024;
    const inOurHands = size - client.socket.unsentBytes() - inKernels;
    expect(inOurHands).toBeLessThanOrEqual(256 * 1024);
    backend.last.socket.resume();
    stage.pass(100);
    expect(backend.last.count).toBeGreaterThan(size);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });

  it('ends its attempt when its client goes away', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(get());
    client.socket.reset();
    stage.pass(1);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record).toMatchObject({ status: 0, failure: { kind: 'reset', side: 'client' } });
    expect(stage.leftovers()).toBe('');
  });

  it('whose client has only ended its side still gets its answer', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.client().send(get());
    client.socket.end();
    stage.pass(2);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });
});
