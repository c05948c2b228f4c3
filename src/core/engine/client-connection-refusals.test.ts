/** What client-connection.ts does with requests that break a rule, and with what follows them. */
import { describe, expect, it } from 'vitest';
import {
  get,
  type Raw,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';

const LINE = 'GET / HTTP/1.1\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What comes of `text`: the client's answer, and `rule (byte n)` from the log. */
function refused(text: string, options: StageOptions = {}) {
  const stage = new Stage(options);
  const backend = stage.backend();
  const client = stage.ask(text, 100);
  expect(client.received).toContain('\r\nConnection: close\r\n');
  expect(client.ended).toBe(true);
  const { status, failure } = stage.record;
  expect(client.statuses).toEqual([status]);
  expect(failure).toMatchObject({ kind: 'malformed', side: 'client', retry: 'never' });
  const [, rule, at] = /^(\w+) .* \(byte (\d+)\)$/.exec(failure!.cause)!;
  return { stage, backend, client, why: `${status} ${rule} at ${at}` };
}

const DELIVERIES = ['whole', 'bytes', 'random'] as const;

describe('a head that breaks a rule', () => {
  it.each([
    ['400 RL11 at 3', 'GET@ / HTTP/1.1\r\n\r\n'],
    ['400 RL23 at 6', 'GET /a\x01 HTTP/1.1\r\n\r\n'],
    ['400 RL19 at 6', 'GET / http/1.1\r\n\r\n'],
    ['505 RL18 at 6', 'GET / HTTP/2.0\r\n\r\n'],
    ['501 RL14 at 0', `${'M'.repeat(65)} / HTTP/1.1\r\n\r\n`],
    ['400 RL10 at 4', `\r\n\r\n\r\n${LINE}`],
    ['400 FL01 at 20', `${LINE}Host : a\r\n\r\n`],
    ['400 FL03 at 25', `${LINE}Host: a\r\n b\r\n\r\n`],
    ['400 RL29 at 23', `${LINE}Host: a\nX: b\r\n\r\n`],
  ])('is refused with its rule and byte: %s', (why, text) => {
    for (const delivery of DELIVERIES) {
      const outcome = refused(text, { network: { delivery } });
      expect(outcome.why).toBe(why);
      expect(outcome.backend.connections).toEqual([]);
      expect(outcome.stage.leftovers()).toBe('');
    }
  });

  it.each([
    ['400 HO01', 'GET / HTTP/1.1\r\n\r\n'],
    ['400 HO02', `${LINE}Host: a\r\nHost: a\r\n\r\n`],
    ['400 TE03', `${CHUNKED.slice(0, -2)}Content-Length: 5\r\n\r\n`],
    ['405 TG10', get('/').replace('GET', 'TRACE')],
    ['417 FW12', get('/', 'Expect: a miracle\r\n')],
  ])('is refused for what it means: %s', (why, text) => {
    for (const delivery of DELIVERIES) {
      const outcome = refused(text, { network: { delivery } });
      expect(outcome.why).toContain(why);
      expect(outcome.backend.connections).toEqual([]);
      expect(outcome.stage.leftovers()).toBe('');
    }
  });

  it('is refused behind others that are answered first', () => {
    const stage = new Stage();
    stage.backend().answering();
    const client = stage.ask(`${get('/one')}GET / HTTP/1.9\r\n\r\n`, 10);
    expect(client.statuses).toEqual([200, 505]);
    expect(stage.records.map(({ failure }) => failure?.cause)).toEqual([
      undefined,
      'RL18 the HTTP version is not supported (byte 6)',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  it('gets an answer without a body if it asked with HEAD', () => {
    const { client } = refused('HEAD / HTTP/1.1\r\nHost : a\r\n\r\n');
    expect(client.received.endsWith('\r\n\r\n')).toBe(true);
  });

  it('says to the log what was understood of it', () => {
    const { stage } = refused('PUT /path HTTP/1.1\r\nHost : a\r\n\r\n');
    expect(stage.record).toMatchObject({ method: 'PUT', target: '/path', attempts: 0 });
  });
});

describe('a limit', () => {
  const limits = { requestLineBytes: 100, headBytes: 200, headerFields: 3, bodyBytes: 10 };
  /** A request line of so many bytes, without its line end. */
  const line = (method: string, bytes: number): string =>
    `${method} /${'x'.repeat(bytes - `${method} / HTTP/1.1`.length)} HTTP/1.1`;

  it('is there for the request line: 414', () => {
    for (const delivery of DELIVERIES) {
      const text = `${line('GET', 101)}\r\nHost: a\r\n\r\n`;
      const outcome = refused(text, { limits, network: { delivery } });
      expect(outcome.why).toBe('414 RL15 at 91');
      expect(outcome.stage.leftovers()).toBe('');
    }
  });

  it('is there for the head, whether it ends or not: 431', () => {
    for (const delivery of DELIVERIES) {
      const outcome = refused(`${LINE}X: ${'y'.repeat(500)}`, { limits, network: { delivery } });
      expect(outcome.why).toBe('431 FL16 at 200');
      expect(outcome.stage.leftovers()).toBe('');
    }
  });

  it('is there for the number of fields: 431', () => {
    const outcome = refused(`${LINE}A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n`, { limits });
    expect(outcome.why).toBe(`431 FL17 at ${LINE.length + 18}`);
  });

  it('is there for a body whose length is said, before a byte of it: 413', () => {
    const outcome = refused('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n', { limits });
    expect(outcome.why).toContain('413 CM06');
    expect(outcome.backend.connections).toEqual([]);
    expect(outcome.stage.leftovers()).toBe('');
  });

  it('is there for a body in chunks, and the backend sees that it is not whole: 413', () => {
    for (const end of ['', '0\r\n\r\n']) {
      const outcome = refused(`${CHUNKED}8\r\n12345678\r\n8\r\n12345678\r\n${end}`, { limits });
      expect(outcome.why).toContain('413 CM06');
      expect(outcome.stage.leftovers()).toBe('');
    }
    const stage = new Stage({ limits });
    const backend = stage.backend();
    const client = stage.ask(`${CHUNKED}8\r\n12345678\r\n`);
    client.send('8\r\n12345678\r\n');
    stage.pass(2);
    expect(client.statuses).toEqual([413]);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('lets through what just fits', () => {
    const stage = new Stage({ limits });
    stage.backend().answering();
    const body = 'Transfer-Encoding: chunked\r\n\r\na\r\n1234567890\r\n0\r\n\r\n';
    const client = stage.ask(`${line('POST', 100)}\r\nHost: a\r\n${body}`);
    expect(client.statuses).toEqual([200]);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a body that breaks a rule', () => {
  it('is refused, and its attempt is broken off', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(`${CHUNKED}5\r\nhello\r\n`);
    client.send('xyz\r\n');
    stage.pass(2);
    expect(client.statuses).toEqual([400]);
    expect(stage.record.failure?.cause).toMatch(/^CH14 .* \(byte \d+\)$/);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('breaks the connection off when the answer has begun', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(`${CHUNKED}5\r\nhello\r\n`);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun');
    stage.pass(2);
    client.send('xyz\r\n');
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(client.wasReset).toBe(true);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record).toMatchObject({ status: 200, failure: { kind: 'malformed' } });
    expect(stage.record.failure?.cause).toMatch(/^CH14 /);
    expect(stage.leftovers()).toBe('');
  });
});

describe('after a refusal', () => {
  const seen = (client: Raw): unknown => [client.ended, client.closed];

  it('what still comes is read and thrown away, so that the answer can be read', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask('GET / HTTP/9.9\r\n\r\n');
    for (let i = 0; i < 9; i++) {
      client.send(get('/smuggled') + 'x'.repeat(100_000));
      stage.pass(100);
    }
    expect(client.statuses).toEqual([505]);
    expect(seen(client)).toEqual([true, undefined]);
    expect(backend.connections).toEqual([]);
    expect(stage.records.length).toBe(1);
    expect(stage.leftovers()).toBe('');
  });

  it('the connection closes with the FIN of the client', () => {
    const { stage, client } = refused('GET / HTTP/9.9\r\n\r\n');
    client.socket.end();
    stage.pass(2);
    expect(seen(client)).toEqual([true, null]);
    expect(stage.engine.open().connections).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('the FIN of a client is waited for, unless it has said that this is its last request', () => {
    const last = get('/', 'Connection: close\r\n');
    for (const [text, open] of [
      [last, 0],
      [last + get('/more'), 1],
      ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', 0],
      // Here a body may come whose length nobody has told.
      ['POST / HTTP/1.0\r\nHost: a\r\n\r\n', 1],
      ['POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', 1],
    ] as const) {
      const stage = new Stage();
      stage.backend().answering();
      const client = stage.ask(text, 100);
      expect(client.statuses).toEqual([200]);
      expect(client.ended).toBe(true);
      expect(stage.engine.open().connections).toBe(open);
    }
  });

  it('it closes by itself after five seconds', () => {
    const { stage } = refused('GET / HTTP/9.9\r\n\r\n');
    stage.pass(4800);
    expect(stage.engine.open().connections).toBe(1);
    stage.pass(400);
    expect(stage.engine.open().connections).toBe(0);
  });

  it('it is reset above 1 MiB of what nobody wants', () => {
    const { stage, client } = refused('GET / HTTP/9.9\r\n\r\n');
    client.send('x'.repeat(1024 * 1024));
    stage.pass(5);
    expect(client.closed).toBe(undefined);
    client.send('x');
    stage.pass(5);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('it is closed at once if the client has ended before', () => {
    const stage = new Stage();
    const client = stage.client().send('GET / HTTP/9.9\r\n\r\n');
    client.socket.end();
    stage.pass(2);
    expect(client.statuses).toEqual([505]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the byte that a refusal names', () => {
  const chunked = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';

  it.each([
    ['in a body', `${chunked}5\r\nhello\r\nzz\r\n`, 'CH14', 10],
    ['in a head', 'GET / HTTP/1.1\r\nHost: a.test\r\nBad Name: x\r\n\r\n', '', 33],
    ['a second Host', 'GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n', 'HO02', 30],
    ['a length and chunks', `${chunked.slice(0, -2)}Content-Length: 3\r\n\r\n`, 'TE03', 59],
  ])('is the same however the bytes are cut: %s', (_what, text, rule, at) => {
    for (const size of [text.length, 7, 1]) {
      const stage = new Stage();
      stage.backend();
      const client = stage.client();
      for (let from = 0; from < text.length; from += size) {
        client.send(text.slice(from, from + size));
        stage.pass(1);
      }
      const cause = stage.record.failure?.cause ?? '';
      expect(cause.startsWith(rule)).toBe(true);
      expect(cause).toContain(`(byte ${at})`);
      expect(stage.leftovers()).toBe('');
    }
  });
});
