/**
 * What the data plane promises about connections and bodies, on the real process: reuse on both
 * sides, order, framing in every combination of versions, interim and early answers. The rules of
 * the wire one by one are in `test/wire`; here is what people rely on.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RawClient } from './harness/raw-client.ts';
import type { RecordingBackend } from './harness/recording-backend.ts';
import { defaultWorkers } from './harness/runtime.ts';
import { methodsIn, Stage } from './harness/stage.ts';
import { fieldValue, type ResponseMessage } from './harness/strict-reader.ts';
import { until } from './harness/until.ts';

const waitMs = 10_000;
let stage: Stage;
let backend: RecordingBackend;

beforeAll(async () => {
  stage = await Stage.open();
  backend = stage.backend;
});
afterAll(() => stage.close());
beforeEach(() => backend.forget());

const request = (target: string, fields = '', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nHost: example.com\r\n${fields}\r\n`;

/** Sends bytes on a new connection and waits for whole final answers to all requests in them. */
async function ask(bytes: string): Promise<RawClient> {
  const methods = methodsIn(bytes.replaceAll('HTTP/1.0\r\n\r\n', 'HTTP/1.0\r\nHost: a\r\n\r\n'));
  const client = await RawClient.connect(stage.balancer.port, methods);
  await client.send(bytes);
  await answered(client, Math.max(methods.length, 1));
  return client;
}

async function answered(client: RawClient, count: number): Promise<ResponseMessage> {
  const whole = (): boolean =>
    client.responses().filter(({ complete }) => complete).length >= count;
  await client.until(() => whole() || client.ended !== null, waitMs);
  expect(client.problem()).toBeNull();
  expect(whole(), client.received).toBe(true);
  return client.responses()[count - 1];
}

describe('connections', () => {
  it('to a backend are used again, whoever the client is', async () => {
    await (await ask(request('/canary-first'))).untilQuiet(20);
    backend.forget();
    for (let n = 0; n < 20; n++) {
      const client = await ask(request(`/${n}`));
      await client.untilQuiet(5);
      client.destroy();
    }
    expect(backend.requests).toHaveLength(20);
    // Each worker has its own.
    const used = new Set(backend.requests.map(({ connection }) => connection.id));
    expect(used.size).toBeLessThanOrEqual(defaultWorkers());
  });

  it('of a client stay open from one exchange to the next', async () => {
    const client = await ask(request('/1'));
    for (let n = 2; n <= 5; n++) {
      await client.send(request(`/${n}`));
      await answered(client, n);
    }
    expect(client.ended).toBeNull();
    expect(backend.requests.map(({ message }) => message.target)).toEqual([
      '/1',
      '/2',
      '/3',
      '/4',
      '/5',
    ]);
    client.destroy();
  });

  it('of a client that says close are closed after the answer', async () => {
    const client = await ask(request('/', 'Connection: close\r\n'));
    await client.until(() => client.ended !== null, waitMs);
    expect(client.ended).toBe('fin');
    expect(fieldValue(client.responses()[0].fields, 'connection')).toBe('close');
  });

  it.each(['whole', 'bytes'] as const)('answer pipelined requests in order (%s)', async (cut) => {
    const targets = Array.from({ length: 20 }, (_, n) => `/canary-pipelined-${n}`);
    const client = await RawClient.connect(stage.balancer.port);
    await client.send(targets.map((target) => request(target)).join(''), cut);
    await answered(client, 20);
    expect(client.responses().map(({ body }) => body)).toEqual(targets);
    client.destroy();
  });

  it('that the client half-closes still get the answer to what was whole', async () => {
    const client = await RawClient.connect(stage.balancer.port);
    await client.send(request('/canary-half-1') + request('/canary-half-2'));
    client.end();
    await answered(client, 2);
    await client.until(() => client.ended !== null, waitMs);
    expect(client.responses().map(({ body }) => body)).toEqual([
      '/canary-half-1',
      '/canary-half-2',
    ]);
    expect(client.ended).toBe('fin');
  });
});

describe('bodies', () => {
  it('in chunks with trailers go up', async () => {
    const head = 'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n';
    const chunks = '5\r\nhello\r\n1;note=1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 11\r\n\r\n';
    const client = await ask(request('/up', head, 'POST') + chunks);
    const { message } = backend.requests[0];
    expect(message.body).toBe('hello world');
    expect(message.trailers).toEqual([{ name: 'x-sum', value: '11' }]);
    expect(client.responses()[0].status).toBe(200);
    client.destroy();
  });

  it('in chunks with trailers come down', async () => {
    backend.play([
      {
        bytes:
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
          '5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n',
        after: 'keep',
      },
    ]);
    const client = await ask(request('/down'));
    expect(client.responses()[0]).toMatchObject({
      body: 'hello world',
      trailers: [{ name: 'x-sum', value: '11' }],
    });
    client.destroy();
  });

  it('with a length go both ways unchanged, whatever bytes they are', async () => {
    const body = Array.from({ length: 256 }, (_, n) => String.fromCharCode(n))
      .join('')
      .repeat(64);
    const length = `Content-Length: ${body.length}\r\n`;
    backend.play([{ bytes: `HTTP/1.1 200 OK\r\n${length}\r\n${body}`, after: 'keep' }]);
    const client = await ask(request('/bytes', length, 'PUT') + body);
    expect(backend.requests[0].message.body === body).toBe(true);
    expect(client.responses()[0].body === body).toBe(true);
    client.destroy();
  });

  it('that end with the connection of the backend are put in chunks', async () => {
    backend.play([{ bytes: 'HTTP/1.1 200 OK\r\n\r\nuntil the end', after: 'fin' }]);
    const client = await ask(request('/'));
    const [answer] = client.responses();
    expect(answer.body).toBe('until the end');
    expect(fieldValue(answer.fields, 'transfer-encoding')).toBe('chunked');
    backend.play([]);
    await client.send(request('/again'));
    expect((await answered(client, 2)).body).toBe('ok');
    client.destroy();
  });

  it('that break off are never made to look whole', async () => {
    const length = 'Content-Length: 100\r\n';
    const chunked = 'Transfer-Encoding: chunked\r\n';
    for (const [framing, part] of [
      [length, 'some'],
      [chunked, '4\r\nsome\r\n'],
    ]) {
      backend.play([{ bytes: `HTTP/1.1 200 OK\r\n${framing}\r\n${part}`, after: 'fin' }]);
      const client = await RawClient.connect(stage.balancer.port);
      await client.send(request('/'));
      await client.until(() => client.ended !== null, waitMs);
      expect(client.ended).toBe('rst');
      expect(client.responses()[0]?.complete ?? false).toBe(false);
    }
  });
});

describe('interim answers', () => {
  it('let a client wait for 100 (Continue) before it sends the body', async () => {
    const fields = 'Content-Length: 5\r\nExpect: 100-continue\r\n';
    const client = await RawClient.connect(stage.balancer.port, ['POST']);
    await client.send(request('/expect', fields, 'POST'));
    await client.until(() => client.interims().length > 0, waitMs);
    expect(client.interims().map(({ status }) => status)).toEqual([100]);
    expect(backend.requests).toEqual([]);
    await client.send('hello');
    expect((await answered(client, 1)).status).toBe(200);
    expect(backend.requests[0].message.body).toBe('hello');
    client.destroy();
  });

  it('may be a refusal instead, and then nothing of the body is needed', async () => {
    const refusal = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';
    backend.play([{ bytes: refusal, after: 'keep', when: 'head' }]);
    const fields = 'Content-Length: 5\r\nExpect: 100-continue\r\n';
    const client = await RawClient.connect(stage.balancer.port, ['POST']);
    await client.send(request('/expect', fields, 'POST'));
    expect(await answered(client, 1)).toMatchObject({ status: 401, body: 'no' });
    expect(client.interims()).toEqual([]);
    client.destroy();
  });

  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';
  const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  it('reach a client of HTTP/1.1', async () => {
    backend.play([{ bytes: hints + hints + final, after: 'keep' }]);
    const client = await ask(request('/'));
    expect(client.interims().map(({ status }) => status)).toEqual([103, 103]);
    expect(fieldValue(client.interims()[0].fields, 'link')).toBe('</a.css>; rel=preload');
    expect(client.responses()[0].body).toBe('ok');
    client.destroy();
  });

  it('do not reach a client of HTTP/1.0', async () => {
    backend.play([{ bytes: hints + final, after: 'keep' }]);
    const client = await ask('GET / HTTP/1.0\r\n\r\n');
    expect(client.interims()).toEqual([]);
    expect(client.responses()[0].body).toBe('ok');
    client.destroy();
  });
});

describe('answers without a body', () => {
  const cases = [
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', '1234'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', null],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', null],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 77\r\n\r\n', '77'],
  ] as const;

  it.each(cases)('to %s: %j', async (method, bytes, length) => {
    backend.play([{ bytes, after: 'keep' }]);
    const client = await ask(request('/', '', method));
    expect(fieldValue(client.responses()[0].fields, 'content-length')).toBe(length);
    backend.play([]);
    await client.send(request('/next'));
    expect((await answered(client, 2)).body).toBe('ok');
    client.destroy();
  });
});

describe('HTTP/1.0', () => {
  it('clients get a body without chunks, and the connection is closed', async () => {
    backend.play([
      {
        bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n',
        after: 'keep',
      },
    ]);
    const client = await RawClient.connect(stage.balancer.port);
    await client.send('GET /old HTTP/1.0\r\n\r\n');
    await client.until(() => client.ended !== null, waitMs);
    expect(client.ended).toBe('fin');
    const [answer] = client.responses();
    expect(answer).toMatchObject({ status: 200, body: 'old', complete: true });
    expect(fieldValue(answer.fields, 'transfer-encoding')).toBeNull();
    // Between us and the backend it is HTTP/1.1, which needs a Host.
    expect(backend.requests[0].message.version).toBe('HTTP/1.1');
  });

  it('clients that say keep-alive keep their connection', async () => {
    const old = 'GET /canary-old HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n';
    const client = await ask(old);
    expect(fieldValue(client.responses()[0].fields, 'connection')?.toLowerCase()).toBe(
      'keep-alive',
    );
    await client.send(old);
    expect((await answered(client, 2)).body).toBe('/canary-old');
    client.destroy();
  });

  it('backends are understood, and their connections not used again', async () => {
    backend.play([{ bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold', after: 'keep' }]);
    for (let n = 0; n < 2; n++) {
      const client = await ask(request('/'));
      expect(client.responses()[0]).toMatchObject({ version: 'HTTP/1.1', body: 'old' });
      await client.untilQuiet(5);
      client.destroy();
    }
    expect(new Set(backend.requests.map(({ connection }) => connection.id)).size).toBe(2);
  });
});

describe('an answer that comes while the body is still coming', () => {
  it('reaches the client whole, and then the connection is closed', async () => {
    const early = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\n\r\ntoo big';
    backend.play([{ bytes: early, after: 'fin', when: 'head' }]);
    const client = await RawClient.connect(stage.balancer.port, ['POST']);
    await client.send(request('/early', 'Content-Length: 1000000\r\n', 'POST') + 'x'.repeat(1000));
    const answer = await answered(client, 1);
    expect(answer).toMatchObject({ status: 413, body: 'too big' });
    expect(fieldValue(answer.fields, 'connection')).toBe('close');
    // A client that sends on for a while still finds its answer, and no reset.
    await client.send('x'.repeat(100_000));
    await client.until(() => client.ended !== null, waitMs);
    expect(client.ended).toBe('fin');
    client.destroy();
  });

  it('leaves no connection behind that could mix up answers', async () => {
    const early = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly';
    backend.play([{ bytes: early, after: 'keep', when: 'head' }]);
    const client = await RawClient.connect(stage.balancer.port, ['POST']);
    await client.send(request('/early', 'Content-Length: 10\r\n', 'POST') + 'x'.repeat(5));
    await answered(client, 1);
    client.destroy();
    const [seen] = stage.caseConnections();
    await until('the connection to the backend is closed', () => seen.ended !== null);
    expect((await stage.canary()).own).toBe(true);
  });
});
