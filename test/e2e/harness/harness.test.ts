/** The harness tested on a plain TCP relay: what it reports must be what was on the wire. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Balancer, freePort, shortConfig } from './balancer.ts';
import { type Cut, cutBytes } from './cut.ts';
import { type PassThrough, startPassThrough } from './pass-through.ts';
import { RawClient } from './raw-client.ts';
import { RecordingBackend } from './recording-backend.ts';
import { RequestReader, ResponseReader } from './strict-reader.ts';

const cuts: Cut[] = ['whole', 'bytes', 7];

describe('cutting', () => {
  it('loses and reorders nothing', () => {
    for (const length of [0, 1, 2, 500, 60_000]) {
      const bytes = Buffer.alloc(length, 'abcdefghijklm');
      for (const cut of [...cuts, 8, 9]) {
        expect(Buffer.concat(cutBytes(bytes, cut)).equals(bytes)).toBe(true);
      }
    }
  });

  it('gives single bytes, and the same random cuts for the same seed', () => {
    const bytes = Buffer.from('0123456789');
    expect(cutBytes(bytes, 'bytes')).toHaveLength(10);
    expect(cutBytes(bytes, 3)).toEqual(cutBytes(bytes, 3));
    expect(cutBytes(bytes, 3).length).toBeGreaterThan(1);
  });
});

describe('the strict reader', () => {
  const read = (bytes: string): { seen: string[]; problem: string | null } => {
    const seen: string[] = [];
    const reader = new RequestReader(
      () => {},
      (request) => seen.push(`${request.method} ${request.target} ${request.body}`),
    );
    for (const byte of bytes) reader.push(byte);
    return { seen, problem: reader.problem };
  };

  it('reads pipelined requests with and without bodies', () => {
    const { seen, problem } = read(
      'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi' +
        'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n' +
        'POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '3\r\nabc\r\n0\r\nX: 1\r\n\r\n',
    );
    expect(problem).toBeNull();
    expect(seen).toEqual(['POST /1 hi', 'GET /2 ', 'POST /3 abc']);
  });

  it.each([
    ['a bare LF', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['a bare CR', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
    [
      'two framings',
      'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    ['a NUL', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['a bad chunk size', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n'],
  ])('complains of %s', (_, bytes) => {
    const { seen, problem } = read(bytes);
    expect(problem).not.toBeNull();
    expect(seen).toEqual([]);
  });

  it('knows the bodiless answers and the one that ends with the connection', () => {
    const methods = ['HEAD', 'GET', 'GET'];
    const reader: ResponseReader = new ResponseReader(() => methods[reader.finals().length]);
    reader.push('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    reader.push('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n');
    reader.push('HTTP/1.1 200 OK\r\n\r\nrest');
    expect(reader.finals().map((response) => response.complete)).toEqual([true, true, false]);
    reader.finish();
    expect(reader.finals()[2]).toMatchObject({ complete: true, body: 'rest' });
    expect(reader.messages).toHaveLength(4);
  });
});

describe('client and backend, with nothing but a relay between them', () => {
  const backend = new RecordingBackend();
  let relay: PassThrough;

  beforeAll(async () => {
    await backend.start();
    relay = await startPassThrough(backend.port);
  });
  afterAll(async () => {
    await relay.stop();
    await backend.stop();
  });
  beforeEach(() => backend.forget());

  it.each(cuts)('records exact bytes and answers them (%s)', async (cut) => {
    const bytes = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\xff\0\x80';
    const client = await RawClient.connect(relay.port);
    await client.send(bytes, cut);
    await client.until(() => client.responses()[0]?.complete === true, 2000);
    expect(client.responses()[0]).toMatchObject({ status: 200, body: 'ok' });
    expect(backend.connections.at(-1)?.received).toBe(bytes);
    expect(backend.requests.map((seen) => seen.message.body)).toEqual(['\xff\0\x80']);
    client.destroy();
  });

  it('answers a canary with its own name, whatever is scripted', async () => {
    backend.play([{ bytes: 'garbage', after: 'keep' }]);
    const client = await RawClient.connect(relay.port);
    await client.send('GET /canary-7 HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.responses()[0]?.complete === true, 2000);
    expect(client.responses()[0].body).toBe('/canary-7');
    expect(backend.requests).toEqual([]);
    client.destroy();
  });

  it('plays scripts in turn and tells FIN from RST', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n';
    for (const after of ['fin', 'rst'] as const) {
      backend.play([{ bytes: `${head}123`, after }], 5);
      const client = await RawClient.connect(relay.port);
      await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.until(() => client.ended !== null, 2000);
      expect(client.ended).toBe(after);
      expect(client.responses()).toMatchObject([{ status: 200, complete: false }]);
      client.destroy();
    }
  });

  it('plays an early answer after the head, and switches protocols', async () => {
    backend.play([
      { bytes: 'HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n', after: 'fin', when: 'head' },
    ]);
    const early = await RawClient.connect(relay.port);
    await early.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
    await early.until(() => early.ended !== null, 2000);
    expect(early.responses()[0].status).toBe(413);
    expect(backend.requests).toEqual([]);
    expect(backend.connections.at(-1)?.requests).toHaveLength(1);
    early.destroy();

    backend.play([{ bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\nhello', after: 'keep' }]);
    const tunnel = await RawClient.connect(relay.port);
    await tunnel.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n\0bytes');
    await tunnel.until(() => tunnel.tunnelled() === 'hello', 2000);
    expect(tunnel.tunnelled()).toBe('hello');
    expect(backend.connections.at(-1)?.tunnelled()).toBe('\0bytes');
    tunnel.destroy();
  });

  it('ends connections on demand', async () => {
    const client = await RawClient.connect(relay.port);
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.responses()[0]?.complete === true, 2000);
    const closing = backend.end(backend.connections);
    expect(await client.until(() => client.ended === 'fin', 2000)).toBe(true);
    client.end();
    await closing;
    expect(backend.connections.at(-1)?.ended).toBe('fin');
  });
});

describe('starting a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'harness-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = (text: string): string => {
    const path = join(folder, `entry-${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(path, text);
    return path;
  };

  it('waits until it listens, collects its log and stops it', async () => {
    const entry = program(`
      import { readFileSync } from 'node:fs';
      import { createServer } from 'node:net';
      const port = Number(/port: (\\d+)/.exec(readFileSync(process.argv[3], 'utf8'))[1]);
      createServer((socket) => socket.on('error', () => {})).listen(port, '127.0.0.1', () => {
        console.log(JSON.stringify({ event: 'started', port }));
      });
      process.on('SIGTERM', () => process.exit(3));
    `);
    const balancer = await Balancer.start({ entry, config: shortConfig(['http://127.0.0.1:1']) });
    expect(await balancer.logged('started', 2000)).toMatchObject({ port: balancer.port });
    expect(await balancer.logged('never', 20)).toBeNull();
    expect(await balancer.stop()).toBe(3);
    expect(balancer.isRunning()).toBe(false);
  });

  it('fails with the output of a process that ends at once', async () => {
    const entry = program(`console.error('no such key'); process.exit(78);`);
    await expect(Balancer.start({ entry, config: '', port: await freePort() })).rejects.toThrow(
      /no such key/,
    );
  });
});
