import { describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { createWorld, type World } from './world.ts';

/** Some minutes with three backends, chance, and trouble. */
async function played(seed: number): Promise<World> {
  const world = createWorld({ seed });
  const backends = ['a', 'b', 'c'].map((name) =>
    world.backend(`http://${name}:80`, ({ atMs }) => ({ body: name, afterMs: (atMs * 7) % 90 })),
  );
  const health_check = { path: '/', interval: '2s', timeout: '1s' } as const;
  const urls = backends.map(({ url }) => url);
  await world.balancer({ backends: urls, policy: 'random', health_check });
  const client = async (from: string): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await world.get(`/${i}`, { from });
      await world.run('500ms');
    }
  };
  world.after('3s', () => backends[0].kill());
  world.after('8s', () => backends[0].heal());
  await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(client));
  return world;
}

describe('a world', () => {
  it('is the same for the same seed, and another for another', async () => {
    const one = await played(5);
    expect(one.exchanges).toHaveLength(60);
    const again = await played(5);
    expect([again.lines, again.events, again.nowMs]).toEqual([one.lines, one.events, one.nowMs]);
    expect((await played(6)).lines).not.toEqual(one.lines);
  });

  it('keeps what the balancer logs, in order and as text', async () => {
    const { exchanges, events, lines } = await played(5);
    expect(lines).toHaveLength(exchanges.length + events.length);
    const down = events.find(({ event, message }) => event === 'backend_down' && message);
    expect(down).toMatchObject({ level: 'warn', fields: { backend: 'a:80' } });
    expect(down!.atMs).toBeGreaterThanOrEqual(3000);
    expect(lines.some((line) => line.endsWith(`WARN ${down!.message}`))).toBe(true);
  });

  it('lets no time pass but when asked to', async () => {
    const world = createWorld();
    expect(world.nowMs).toBe(0);
    await world.run('90s');
    await world.run('1ms');
    expect(world.nowMs).toBe(90_001);
  });

  it('goes on where a test pretends timers of its own', async () => {
    vi.useFakeTimers();
    try {
      const world = createWorld();
      await world.run('10s');
      expect(world.nowMs).toBe(10_000);
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses at addresses where there is nobody', async () => {
    const world = createWorld();
    await world.balancer({ backends: ['http://nobody:80'] });
    expect((await world.get('/')).status).toBe(503);
    expect(world.exchanges[0].failure!.cause).toContain('nobody:80 refused the connection');
  });

  it('has clients at addresses, ports and hosts of their own', async () => {
    const world = createWorld();
    const one = world.backend('http://one:80', ({ headers }) => ({ body: headers['x-real-ip'] }));
    await world.balancer({
      listeners: [{ port: 80 }, { port: 81, address: '10.0.0.1' }],
      routes: [{ host: 'x.test', pool: 'p' }],
      pools: { p: { backends: [one.url] } },
    });
    const headers = { Host: 'x.test' };
    expect((await world.get('/', { headers, port: 81, from: '::9' })).body).toBe('::9');
    expect((await world.get('/')).status).toBe(404);
    expect(await world.get('/', { port: 82 })).toMatchObject({ status: 0, broken: /refused/ });
  });

  it('says what is wrong with what it is given', async () => {
    const world = createWorld();
    await expect(world.get('/')).rejects.toThrow('await world.balancer(...)');
    // @ts-expect-error: a mistake
    await expect(world.balancer('config.yaml')).rejects.toThrow(
      'a configuration is an object, not "config.yaml": write it here, or give the config that',
    );
    world.backend('http://a:1');
    expect(() => world.backend('http://A:1/base')).toThrow('this world has a backend at a:1: use');
    world.backend('http://a:2');
    // @ts-expect-error: a mistake
    await expect(world.balancer({ backend: [] })).rejects.toThrow('backend: unknown key');
    await world.balancer({ backends: ['http://a:1'] });
    await expect(world.balancer({ backends: ['http://a:1'] })).rejects.toThrow('make another');
    expect(() => createWorld({ seed: 1.5 })).toThrow('the seed is 1.5: write a whole number');
    expect(() => createWorld({ seed: 2 ** 60 })).toThrow('write a whole number below 2 ** 53');
    await expect(world.get('/', { from: 'me' })).rejects.toThrow('not at "me"');
    const headers = new Headers({ a: 'b' }) as never;
    await expect(world.get('/', { headers })).rejects.toThrow('headers are a plain object');
    expect(() => world.after('5s', 'x' as never)).toThrow('after 5s a function is called');
    expect(() => world.run(5 as never)).toThrow('5 has no unit; write 5s');
  });

  it('says what to do with what loadConfig gives, and with a promise', async () => {
    const parsed = parseConfig('backends: [http://one:80]', 'config.yaml');
    const whole = createWorld().balancer(parsed as never);
    await expect(whole).rejects.toThrow('give the config that loadConfig has read');
    const promise = createWorld().balancer(Promise.resolve(parsed) as never);
    await expect(promise).rejects.toThrow('await this promise');
  });

  it('says that nobody has waited for the balancer', async () => {
    const world = createWorld();
    const balancer = world.balancer({ backends: ['http://a:1'] });
    await expect(world.get('/')).rejects.toThrow('await world.balancer(...)');
    await balancer;
    expect((await world.get('/')).status).toBe(503);
  });

  it('rejects what the test waits for with what went wrong in between', async () => {
    const world = createWorld();
    world.after('5s', async () => {
      await world.run('1s');
      throw new Error('of the test');
    });
    await expect(world.run('10s')).rejects.toThrow('of the test');
    await world.run('1s');
    expect(world.nowMs).toBe(7000);
  });
});

describe('the balancer of a world', () => {
  it('takes what loadConfig and parseConfig give', async () => {
    const parsed = parseConfig('port: 9000\nbackends: [http://one:80]', 'config.yaml');
    if (!('config' in parsed)) throw new Error('it is good');
    const world = createWorld();
    world.backend('http://one:80');
    const balancer = await world.balancer(parsed.config);
    expect(balancer.listeners.map(({ port }) => port)).toEqual([9000]);
    expect((await world.get('/')).body).toBe('Response from one');
  });

  it('takes fake backends where their URLs would be', async () => {
    const world = createWorld();
    const one = world.backend('http://one:80');
    await world.balancer({ backends: [one, 'http://two:80'] });
    expect((await world.get('/')).body).toBe('Response from one');
    const other = createWorld();
    const two = other.backend('http://two:80');
    await other.balancer({ pools: { default: { backends: [{ url: two, weight: 2 }] } } } as never);
    expect((await other.get('/')).body).toBe('Response from two');
  });

  it('says what is wrong with the time it has to stop, and goes on', async () => {
    const world = createWorld();
    const one = world.backend('http://one:80', () => null);
    const balancer = await world.balancer({ backends: [one] });
    void world.get('/');
    await world.run('1s');
    for (const timeoutMs of ['5s', Number.NaN, -1] as never[]) {
      await expect(balancer.stop({ timeoutMs })).rejects.toThrow('write a number of milliseconds');
    }
    expect(balancer.ready()).toBe(true);
    await balancer.stop({ timeoutMs: 500 });
    expect(world.exchanges.map(({ end }) => end)).toEqual(['stopping']);
  });

  it('drains, reloads and stops', async () => {
    const world = createWorld();
    const one = world.backend('http://one:80', () => ({ afterMs: 5000 }));
    const two = world.backend('http://two:80');
    const balancer = await world.balancer({ backends: [one.url, two.url] });
    expect([balancer.ready(), balancer.drain('default', 'one:80')]).toEqual([true, true]);
    expect((await world.get('/')).body).toBe('Response from two');
    expect(await balancer.reload({ backends: [two.url, 'http://three:80'] })).toEqual([]);
    const [{ backends }] = balancer.status();
    expect(backends.map(({ name }) => name)).toEqual(['two:80', 'three:80']);
    two.answer(() => ({ afterMs: 100 }));
    const answer = world.get('/');
    await world.run('50ms');
    await balancer.stop();
    expect((await answer).status).toBe(200);
    expect([balancer.ready(), (await world.get('/')).status]).toEqual([false, 0]);
  });
});
