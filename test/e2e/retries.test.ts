/** Another attempt, on real sockets: after a bad answer, when none comes, and beside a slow one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BackendProcess } from './harness/backend-process.ts';
import { Balancer, shortConfig } from './harness/balancer.ts';
import { type Answered, field, get } from './harness/http-client.ts';
import { RawClient } from './harness/raw-client.ts';
import { until } from './harness/until.ts';

let balancer: Balancer;
afterEach(() => balancer.stop('SIGKILL'));

const start = async (urls: readonly string[], config: string): Promise<void> => {
  balancer = await Balancer.start({ config: shortConfig(urls) + config });
};

async function post(port: number): Promise<Answered> {
  const client = await RawClient.connect(port);
  await client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi');
  await client.until(() => client.responses()[0]?.complete === true, 10_000);
  client.destroy();
  return client.responses()[0];
}

describe('a backend that answers 503', () => {
  interface Busy {
    readonly server: Server;
    readonly url: string;
    /** When its requests came. */
    readonly times: number[];
    /** For its next answer: null: it is well. */
    retryAfter: (requests: number) => string | null;
  }
  let busy: Busy[] = [];

  beforeEach(async () => {
    busy = [];
    for (const name of ['first', 'second']) {
      const times: number[] = [];
      const server = createServer((_request, response) => {
        times.push(performance.now());
        const seconds = each.retryAfter(times.length);
        if (seconds !== null) response.statusCode = 503;
        if (seconds) response.setHeader('Retry-After', seconds);
        response.end(name);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const each: Busy = { server, url, times, retryAfter: () => null };
      busy.push(each);
    }
  });
  afterEach(() => {
    for (const { server } of busy) {
      server.closeAllConnections();
      server.close();
    }
  });

  const urls = (): string[] => busy.map(({ url }) => url);

  it('is not seen by a GET as long as another one is well; a POST sees it', async () => {
    const [first] = busy;
    first.retryAfter = () => '';
    await start(urls(), 'retries: {}\n');
    expect(await get(balancer.port)).toMatchObject({ status: 200, body: 'second' });
    expect(first.times).toHaveLength(1);
    expect(await post(balancer.port)).toMatchObject({ status: 503, body: 'first' });
    const attempts = (): unknown[] =>
      balancer.logs().flatMap((line) => ('attempts' in line ? [line.attempts] : []));
    await until('both are logged', () => attempts().length === 2);
    expect(attempts()).toEqual([2, 1]);
  });

  it('is left alone for as long as it asks', async () => {
    const [first, second] = busy;
    first.retryAfter = (requests) => (requests === 1 ? '1' : null);
    await start([first.url], 'retries: {}\n');
    expect(await get(balancer.port)).toMatchObject({ status: 200, body: 'first' });
    expect(first.times).toHaveLength(2);
    expect(first.times[1] - first.times[0]).toBeGreaterThanOrEqual(995);
    expect(second.times).toEqual([]);
  });

  it('is passed on when all ask for more time than a client should wait', async () => {
    for (const each of busy) each.retryAfter = () => '60';
    await start(urls(), 'retries: {attempts: 5}\n');
    const answer = await get(balancer.port);
    expect(answer).toMatchObject({ status: 503, body: 'second' });
    expect(field(answer, 'retry-after')).toBe('60');
    expect(busy.map(({ times }) => times.length)).toEqual([1, 1]);
  });
});

describe('a backend that is paused', () => {
  let backends: BackendProcess[] = [];
  beforeAll(async () => {
    backends = await Promise.all(
      ['server-1', 'server-2'].map((name) => BackendProcess.start(name)),
    );
  });
  afterEach(() => backends[0].thaw());
  afterAll(() => Promise.all(backends.map((backend) => backend.kill())));

  const urls = (): string[] => backends.map(({ url }) => url);

  it('costs an attempt its time, and no answer', async () => {
    backends[0].freeze();
    await start(urls(), 'retries: {attempt_timeout: 200ms}\n');
    const answer = await get(balancer.port);
    expect(answer).toMatchObject({ status: 200, body: 'Response from server-2\n' });
  });

  it('loses against a second attempt', async () => {
    backends[0].freeze();
    await start(urls(), 'hedge: {after: 100ms}\n');
    for (let i = 0; i < 2; i++) {
      expect((await get(balancer.port)).body).toBe('Response from server-2\n');
    }
    const hedged = { hedged: true, attempts: 2, backend: 'server-2', end: 'ok', status: 200 };
    expect(await balancer.logged('exchange', 15_000, hedged)).not.toBeNull();
  });

  it('is asked no second time by a POST', async () => {
    await start(urls(), 'hedge: {after: 50ms}\n');
    backends[0].freeze();
    const client = await RawClient.connect(balancer.port);
    await client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.received).toBe('');
    backends[0].thaw();
    await client.until(() => client.responses()[0]?.complete === true, 10_000);
    expect(client.responses()[0].body).toContain('server-1');
    client.destroy();
  });

  it('is 504 in the time of an attempt when there is no other', async () => {
    backends[0].freeze();
    await start([urls()[0]], 'retries: {attempt_timeout: 200ms}\n');
    expect((await get(balancer.port)).status).toBe(504);
  });
});
