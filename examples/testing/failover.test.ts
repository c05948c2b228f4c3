/** Questions about a balancer that a test can answer in milliseconds: `npx vitest run examples`. */
import { createWorld } from 'evenkeel/testing';
import { describe, expect, it } from 'vitest';

const health_check = { path: '/health', interval: '5s', timeout: '2s' };

describe('when a backend dies', () => {
  it('nobody notices, and it gets nothing until it is back', async () => {
    const world = createWorld({ seed: 1 });
    const one = world.backend('http://one:9001');
    const two = world.backend('http://two:9002');
    const balancer = await world.balancer({ backends: [one.url, two.url], health_check });
    await world.run('1s');

    one.kill();
    for (let i = 0; i < 10; i++) {
      const answer = await world.get('/');
      expect(answer).toMatchObject({ status: 200, body: 'Response from two' });
    }
    const [{ backends }] = balancer.status();
    expect(backends.map(({ state }) => state)).toEqual(['down', 'up']);

    world.after('30s', () => one.heal());
    await world.run('1m');
    const answers = [await world.get('/'), await world.get('/')];
    expect(answers.map(({ body }) => body).sort()).toEqual([
      'Response from one',
      'Response from two',
    ]);
  });

  it('requests that it has taken are tried elsewhere, but for those that must not be', async () => {
    const world = createWorld({ seed: 1 });
    const one = world.backend('http://one:9001', () => ({ body: 'one', afterMs: 500 }));
    const two = world.backend('http://two:9002', () => ({ body: 'two', afterMs: 500 }));
    await world.balancer({ backends: [one.url, two.url] });

    world.after('100ms', () => one.kill());
    const [got, posted] = await Promise.all([
      world.get('/'),
      world.get('/').then(() => world.request('POST', '/orders', { body: '{}' })),
    ]);
    expect(got).toMatchObject({ status: 200, body: 'two' });
    expect(posted.status).toBe(200);
    expect(two.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });
});

describe('when a backend is slow', () => {
  it('policy: adaptive sends it a small part of the requests', async () => {
    const world = createWorld({ seed: 7 });
    const backends = ['one', 'two', 'three'].map((name) =>
      world.backend(`http://${name}:80`, () => ({ afterMs: 10 })),
    );
    const urls = backends.map(({ url }) => url);
    await world.balancer({ backends: urls, policy: 'adaptive' });
    backends[0].slow('300ms');

    const client = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) await world.get('/');
    };
    await Promise.all([client(), client(), client(), client()]);
    expect(world.exchanges).toHaveLength(400);
    expect(backends[0].requests.length).toBeLessThan(400 / 10);
  });

  it('a client gets 504 after timeouts.response, and the log says which key it was', async () => {
    const world = createWorld();
    const one = world.backend('http://one:9001');
    await world.balancer({ backends: [one.url], timeouts: { response: '2s' } });
    one.hang();
    const answer = await world.get('/');
    expect(answer).toMatchObject({ status: 504, broken: null });
    expect(answer.tookMs).toBeGreaterThanOrEqual(2000);
    expect(world.exchanges[0].failure!.cause).toContain('timeouts.response');
  });
});

describe('a reload', () => {
  it('loses no request', async () => {
    const world = createWorld({ seed: 3 });
    const old = world.backend('http://old:80', () => ({ body: 'old', afterMs: 50 }));
    const next = world.backend('http://new:80', () => ({ body: 'new', afterMs: 50 }));
    const balancer = await world.balancer({ backends: [old.url] });
    const client = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let i = 0; i < 50; i++) statuses.push((await world.get('/')).status);
      return statuses;
    };
    const clients = Promise.all([client(), client()]);
    await world.run('1s');
    expect(await balancer.reload({ backends: [next.url] })).toEqual([]);
    expect((await clients).flat()).toEqual(new Array(100).fill(200));
    expect((await world.get('/')).body).toBe('new');
  });
});
