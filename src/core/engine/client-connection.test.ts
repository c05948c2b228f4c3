import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type Raw,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';

/** A stage whose backend answers each request with its path. */
function echoing(options: StageOptions = {}) {
  const stage = new Stage(options);
  const backend = stage.backend();
  const paths: string[] = [];
  backend.onHead = (head, connection) => {
    const path = head.split(' ')[1];
    paths.push(path);
    connection.send(ok(path));
  };
  return { stage, backend, paths };
}

const CHUNKED = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a connection that is kept', () => {
  it('is as idle with an empty line behind the last request as without', () => {
    const { stage } = echoing();
    const client = stage.ask(`${get('/one')}\r\n`);
    stage.pass(60_000);
    expect(client.take()).toMatch(/\/one$/);
    client.send(get('/two'));
    stage.pass(2);
    expect(client.take()).toMatch(/\/two$/);
    client.send('\r\n');
    stage.pass(2);
    stage.engine.beginStop();
    stage.pass(1100);
    expect(client.ended).toBe(true);
    expect(client.received).toBe('');
    expect(stage.leftovers()).toBe('');
  });

  it('closes when the client ends behind an empty line', () => {
    const { stage } = echoing();
    const client = stage.ask(`${get('/one')}\r\n`);
    client.socket.end();
    stage.pass(2);
    expect(client.closed).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('carries one exchange after the other', () => {
    const { stage, paths } = echoing();
    const client = stage.ask(get('/one'));
    expect(client.take()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\/one$/s);
    client.send(get('/two'));
    stage.pass(2);
    expect(client.take()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\/two$/s);
    expect(paths).toEqual(['/one', '/two']);
    expect(client.ended).toBe(false);
    expect(stage.records.map(({ target }) => target)).toEqual(['/one', '/two']);
    expect(stage.leftovers()).toBe('');
  });

  it('is over when the client says so', () => {
    const { stage } = echoing();
    const client = stage.ask(get('/', 'Connection: close\r\n'));
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('goes on after an answer of ours, if the request was whole', () => {
    const { stage, backend } = echoing({ config: { routes: [] } });
    const client = stage.ask(get('/nowhere'));
    client.send(get('/again'));
    stage.pass(2);
    expect(client.statuses).toEqual([404, 404]);
    expect(client.received).not.toContain('Connection:');
    expect(backend.connections).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });

  it('is not kept after an answer to a request whose body has not come whole', () => {
    const { stage } = echoing({ config: { routes: [] } });
    const client = stage.ask(CHUNKED);
    expect(client.statuses).toEqual([404]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('is not kept after an answer of the backend that did not wait for the body', () => {
    const { stage } = echoing();
    const client = stage.ask(`${CHUNKED}3\r\nabc\r\n`);
    expect(client.statuses).toEqual([200]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });
});

describe('requests sent ahead', () => {
  it('are answered in order, one at a time', () => {
    const { stage, backend } = echoing();
    const waiting: [string, Raw][] = [];
    backend.onHead = (head, connection) => void waiting.push([head.split(' ')[1], connection]);
    const client = stage.ask(get('/one') + get('/two') + get('/three'));
    for (const path of ['/one', '/two', '/three']) {
      stage.pass(100);
      expect(waiting.map(([asked]) => asked)).toEqual([path]);
      waiting.pop()![1].send(ok(path));
      stage.pass(2);
    }
    expect(client.received.match(/\/(one|two|three)/g)).toEqual(['/one', '/two', '/three']);
    expect(stage.leftovers()).toBe('');
  });

  it('may have bodies, and come cut anywhere', () => {
    const { stage, backend } = echoing({ network: { delivery: 'random' } });
    const text = get('/one') + post('hello') + `${CHUNKED}5\r\nhello\r\n0\r\n\r\n` + get('/four');
    const client = stage.ask(text.repeat(5), 500);
    expect(client.statuses).toEqual(new Array(20).fill(200));
    expect(
      backend.connections
        .map(({ received }) => received)
        .join('')
        .split('hello').length,
    ).toBe(11);
    expect(stage.records.length).toBe(20);
    expect(stage.leftovers()).toBe('');
  });

  it('are answered by us in order as well, however many come at once', () => {
    const { stage } = echoing({ config: { routes: [] } });
    const client = stage.ask(get('/').repeat(5000), 50);
    expect(client.statuses.length).toBe(5000);
    expect(stage.leftovers()).toBe('');
  });

  it('are dropped behind one that closes the connection', () => {
    const { stage, paths } = echoing();
    const client = stage.ask(get('/one', 'Connection: close\r\n') + get('/two'), 10);
    expect(client.statuses).toEqual([200]);
    expect(paths).toEqual(['/one']);
    expect(stage.leftovers()).toBe('');
  });

  it('are read no further when 64 KiB wait, and go on when there is room', () => {
    const { stage, backend } = echoing({ network: { sendBufferBytes: 4096 } });
    const answer = backend.onHead;
    backend.onHead = () => {};
    const one = get('/one', `X-Fill: ${'x'.repeat(1000)}\r\n`);
    const client = stage.ask(one.repeat(200), 100);
    const accepted = one.length * 200 - client.socket.unsentBytes();
    expect(accepted).toBeGreaterThan(64 * 1024);
    expect(accepted).toBeLessThan(80 * 1024);
    backend.onHead = answer;
    backend.last.send(ok('/one'));
    stage.pass(500);
    expect(client.statuses.length).toBe(200);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a head that comes in parts', () => {
  it('is the same request, byte by byte', () => {
    const { stage, backend } = echoing();
    const heads: string[] = [];
    backend.onHead = (head, connection) => {
      heads.push(head);
      connection.send(ok());
    };
    const whole = stage.ask(get('/path', 'X-Some: value\r\n'));
    const client = stage.client();
    for (const byte of get('/path', 'X-Some: value\r\n')) {
      client.send(byte);
      stage.pass(1);
    }
    stage.pass(2);
    const [first, second] = heads.map((head) => head.replace(/X-Request-Id: .*\r\n/, ''));
    expect(second).toBe(first);
    expect(client.received).toBe(whole.received);
    expect(stage.leftovers()).toBe('');
  });

  it('may end in the middle of what follows it', () => {
    const { stage, paths } = echoing();
    const client = stage.client();
    for (const part of ['GET /one HT', `TP/1.1\r\nHost: a\r\n\r\n${get('/two')}GET`, ' /three ']) {
      client.send(part);
      stage.pass(2);
    }
    expect(paths).toEqual(['/one', '/two']);
    client.send('HTTP/1.1\r\nHost: a\r\n\r\n');
    stage.pass(2);
    expect(paths).toEqual(['/one', '/two', '/three']);
    expect(stage.leftovers()).toBe('');
  });

  it('may begin with two empty lines', () => {
    const { stage, paths } = echoing();
    const client = stage.ask('\r\n');
    client.send('\r\n');
    stage.pass(1);
    client.send(get('/one'));
    stage.pass(2);
    expect(paths).toEqual(['/one']);
    expect(client.statuses).toEqual([200]);
  });
});

describe('a client of HTTP/1.0', () => {
  const old = (fields = ''): string => `GET /one HTTP/1.0\r\nHost: a.test\r\n${fields}\r\n`;

  it('gets one answer and the end', () => {
    const { stage } = echoing();
    const client = stage.ask(old());
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('may ask for more', () => {
    const { stage } = echoing();
    const client = stage.ask(old('Connection: keep-alive\r\n'));
    expect(client.take()).toContain('\r\nConnection: keep-alive\r\n');
    client.send(old());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(client.ended).toBe(true);
  });

  it('gets a body of unknown length without chunks, and the connection ends with it', () => {
    const { stage, backend } = echoing();
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    backend.answering(chunked);
    const client = stage.ask(old('Connection: keep-alive\r\n'));
    expect(client.received).not.toContain('Transfer-Encoding');
    expect(client.received).toMatch(/\r\nConnection: close\r\n\r\nhello$/);
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('gets no interim answers', () => {
    const { stage, backend } = echoing();
    backend.answering(`HTTP/1.1 103 Early Hints\r\n\r\n${ok()}`);
    expect(stage.ask(old()).statuses).toEqual([200]);
  });
});

describe('a head of more than 64 KiB', () => {
  it('is answered where the limit allows it', () => {
    const stage = new Stage({ limits: { headBytes: 256 * 1024, headerFields: 1000 } });
    stage.backend().answering();
    const text = get('/', `X-Long: ${'x'.repeat(1000)}\r\n`.repeat(200));
    const client = stage.client();
    for (let at = 0; at < text.length; at += 1400) {
      client.send(text.slice(at, at + 1400));
      stage.pass(1);
    }
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a client that waits for 100 (Continue)', () => {
  const HEAD = get('/', 'Content-Length: 5\r\nExpect: 100-continue\r\n').replace('GET', 'POST');

  it('hears from the backend whether to go on', () => {
    const { stage, backend } = echoing();
    backend.onHead = (_head, connection) => void connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    const client = stage.ask(HEAD);
    expect(backend.last.take()).toContain('\r\nExpect: 100-continue\r\n');
    expect(client.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    stage.pass(2);
    expect(backend.last.take()).toBe('hello');
    backend.last.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(client.received).not.toContain('Connection:');
    expect(stage.leftovers()).toBe('');
  });

  it('gets a final answer instead, and the connection is over', () => {
    const { stage, backend } = echoing();
    backend.answering('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    const client = stage.ask(HEAD);
    expect(client.statuses).toEqual([401]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('is not too slow while it waits', () => {
    const { stage, backend } = echoing();
    backend.onHead = () => {};
    const client = stage.ask(HEAD);
    stage.pass(50_000);
    expect(client.closed).toBe(undefined);
    backend.last.send('HTTP/1.1 100 Continue\r\n\r\n');
    stage.pass(2);
    client.send('hello');
    stage.pass(2);
    backend.last.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([100, 200]);
    expect(stage.record.failure).toBe(null);
  });
});

describe('a balancer that stops', () => {
  it('closes an idle connection after a second of quiet, a fresh one as well', () => {
    const { stage } = echoing();
    const idle = stage.ask(get());
    const fresh = stage.client();
    stage.engine.beginStop();
    stage.pass(900);
    expect([idle.closed, fresh.closed]).toEqual([undefined, undefined]);
    stage.pass(200);
    expect([idle.ended, fresh.ended]).toEqual([true, true]);
    expect([idle.wasReset, fresh.wasReset]).toEqual([false, false]);
    expect(stage.leftovers()).toBe('');
  });

  it('answers a request that comes in that second, and closes', () => {
    const { stage } = echoing();
    const client = stage.ask(get());
    client.take();
    stage.engine.beginStop();
    stage.pass(900);
    client.send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('says so with the answer of an exchange that is going on', () => {
    const { stage, backend } = echoing();
    backend.onHead = () => {};
    const client = stage.ask(get());
    stage.engine.beginStop();
    stage.pass(20_000);
    expect(client.closed).toBe(undefined);
    backend.last.send(ok());
    stage.pass(2);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('waits a second more where the answer had begun before', () => {
    const { stage, backend } = echoing();
    backend.onHead = (_head, connection) => void connection.send(ok('hello').slice(0, -2));
    const client = stage.ask(get());
    stage.engine.beginStop();
    backend.last.send('lo');
    stage.pass(900);
    expect(client.ended).toBe(false);
    stage.pass(200);
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('cuts off what is still open at its deadline', () => {
    const { stage, backend } = echoing();
    backend.onHead = () => {};
    const busy = stage.ask(get());
    const idle = stage.client();
    const inHead = stage.ask('GET / HT');
    stage.engine.cutAll();
    stage.pass(2);
    expect([busy, idle, inHead].map(({ wasReset }) => wasReset)).toEqual([true, true, true]);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({ kind: 'stopping', side: 'us' });
    expect(stage.leftovers()).toBe('');
  });
});
