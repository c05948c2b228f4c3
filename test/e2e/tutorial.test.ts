/**
 * What the tutorial promises, on the real process with real backends: the order, the log, a dead
 * backend, a frozen one, nobody left, weights, both loopback addresses, and a reload.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BackendProcess } from './harness/backend-process.ts';
import { Balancer, type BalancerOptions } from './harness/balancer.ts';
import { field, get, whoAnswers } from './harness/http-client.ts';
import { Load, type Outcome, plainGet } from './harness/load.ts';
import { RawClient } from './harness/raw-client.ts';
import { RecordingBackend } from './harness/recording-backend.ts';
import { until } from './harness/until.ts';

const quickCheck = 'health_check:\n  interval: 200ms\n  timeout: 100ms\n  path: /health\n';
const waitMs = 15_000;

let servers: BackendProcess[] = [];
const balancers: Balancer[] = [];

const listOf = (members: readonly { url: string; name: string }[]): string =>
  members.map(({ url, name }) => `  - url: ${url}\n    name: ${name}\n`).join('');
const configOf = (members: readonly { url: string; name: string }[], rest = ''): string =>
  `port: $PORT\nbackends:\n${listOf(members)}${rest}`;

async function startBalancer(options: BalancerOptions): Promise<Balancer> {
  const balancer = await Balancer.start(options);
  balancers.push(balancer);
  return balancer;
}

async function namesOf(port: number, requests: number): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0; n < requests; n++) names.push(await whoAnswers(port));
  return names;
}

/** The names that six more requests show. */
const inTurn = async (port: number): Promise<string[]> => [...new Set(await namesOf(port, 6))];

/** GETs without pause on four connections; what failed is collected. */
class Visitors {
  readonly failed: Outcome[] = [];
  served = 0;
  private readonly load: Load;

  constructor(port: number) {
    const onOutcome = (outcome: Outcome): void => {
      if (outcome.status === 200) this.served++;
      else this.failed.push(outcome);
    };
    this.load = new Load({ port, connections: 4, request: plainGet, onOutcome });
  }

  async leave(): Promise<void> {
    await this.load.stop();
  }
}

beforeAll(async () => {
  servers = await BackendProcess.three();
});
afterAll(async () => {
  for (const server of servers) await server.kill();
});
afterEach(async () => {
  for (const balancer of balancers.splice(0)) await balancer.stop('SIGKILL');
  for (const server of servers) server.thaw();
});

describe('six requests', () => {
  it('go to 1, 2, 3, 1, 2, 3 with the config of the tutorial, and the log names each', async () => {
    const check = 'health_check:\n  interval: 5s\n  timeout: 2s\n  path: /health\n';
    const balancer = await startBalancer({ config: configOf(servers, check) });
    const order = ['server-1', 'server-2', 'server-3', 'server-1', 'server-2', 'server-3'];
    expect(await namesOf(balancer.port, 6)).toEqual(order);
    const exchanges = () => balancer.logs().filter((line) => line.event === 'exchange');
    await until('six exchanges are logged', () => exchanges().length === 6);
    // Lines of different workers may come in another order than they were written in.
    const lines = [...exchanges()].sort((a, b) => (String(a.time) < String(b.time) ? -1 : 1));
    expect(lines.map(({ backend, status }) => `${backend} ${status}`)).toEqual(
      order.map((name) => `${name} 200`),
    );
  });

  it('go to 1, 2, 3, 1, 2, 3 with ports on the command line', async () => {
    const words = [...servers.map(({ port }) => String(port)), '--port', '$PORT'];
    const balancer = await startBalancer({ words });
    const order = ['server-1', 'server-2', 'server-3', 'server-1', 'server-2', 'server-3'];
    expect(await namesOf(balancer.port, 6)).toEqual(order);
  });
});

describe('a killed backend', () => {
  const ways: readonly [string, () => BalancerOptions, (n: number) => string][] = [
    [
      'with a health check',
      () => ({ config: configOf(servers, quickCheck) }),
      (n) => `server-${n}`,
    ],
    [
      'with ports on the command line',
      () => ({ words: [...servers.map(({ port }) => String(port)), '--port', '$PORT'] }),
      (n) => `localhost:${servers[n - 1].port}`,
    ],
  ];

  it.each(ways)('leaves at once and comes back, and no GET fails: %s', async (_, how, nameOf) => {
    const balancer = await startBalancer(how());
    const backend = nameOf(2);
    const visitors = new Visitors(balancer.port);
    await until('traffic flows', () => visitors.served > 100);
    balancer.forgetLogs();
    await servers[1].kill();
    const left = await Promise.race([
      balancer.logged('backend_suspect', waitMs, { backend }),
      balancer.logged('backend_down', waitMs, { backend }),
    ]);
    expect(left?.message).toMatch(/refused/);
    await visitors.leave();
    expect(await inTurn(balancer.port)).toEqual(expect.arrayContaining(['server-1', 'server-3']));
    expect(await inTurn(balancer.port)).toHaveLength(2);

    const again = new Visitors(balancer.port);
    balancer.forgetLogs();
    await servers[1].restart();
    const back = await balancer.logged('backend_up', waitMs, { backend });
    expect(back?.message).toContain(backend);
    expect(back?.healthy).toBe('3 of 3 up');
    await again.leave();
    expect((await inTurn(balancer.port)).sort()).toEqual(['server-1', 'server-2', 'server-3']);
    expect([...visitors.failed, ...again.failed]).toEqual([]);
  });
});

describe('a frozen backend', () => {
  it('leaves after its third failed probe, comes back, and no GET fails', async () => {
    const balancer = await startBalancer({ config: configOf(servers, quickCheck) });
    expect(await balancer.logged('backend_up', waitMs, { backend: 'server-3' })).not.toBeNull();
    const visitors = new Visitors(balancer.port);
    await until('traffic flows', () => visitors.served > 100);
    servers[2].freeze();
    const down = await balancer.logged('backend_down', waitMs, { backend: 'server-3' });
    expect(down?.message).toMatch(/3 probes/);
    await visitors.leave();
    balancer.forgetLogs();
    servers[2].thaw();
    expect(await balancer.logged('backend_up', waitMs, { backend: 'server-3' })).not.toBeNull();
    expect(visitors.failed).toEqual([]);
  });
});

describe('nobody left', () => {
  const dead = [{ url: 'http://127.0.0.1:1', name: 'server-1' }];

  it('is a 503 that says so, as text or as JSON', async () => {
    const balancer = await startBalancer({ config: configOf(dead, quickCheck) });
    const text = await get(balancer.port);
    expect(text.status).toBe(503);
    expect(field(text, 'content-type')).toBe('text/plain; charset=utf-8');
    expect(text.body).toMatch(/^503 Service Unavailable\n\nNo backend is available.*\n/);
    const json = await get(balancer.port, '/', 'Accept: application/json\r\n');
    expect(json.status).toBe(503);
    expect(field(json, 'content-type')).toBe('application/json');
    const told = JSON.parse(json.body) as Record<string, unknown>;
    expect(told).toMatchObject({ status: 503, error: 'Service Unavailable' });
    const line = await balancer.logged('exchange', waitMs, { request_id: told.request_id });
    expect(line).toMatchObject({ status: 503, end: expect.any(String) });
  });

  it('is the page of the user, if there is one', async () => {
    const page = 'error_pages:\n  503: "<h1>Closed for lunch</h1>"\n';
    const balancer = await startBalancer({ config: configOf(dead, page) });
    const answer = await get(balancer.port, '/', 'Accept: application/json\r\n');
    expect(answer.status).toBe(503);
    expect(field(answer, 'content-type')).toMatch(/^text\/html/);
    expect(answer.body).toBe('<h1>Closed for lunch</h1>');
  });
});

describe('weights', () => {
  it('of 3 and 1 are exact over 1,000 requests, and smoothly interleaved', async () => {
    const names: string[] = [];
    const peers = await Promise.all(
      ['heavy', 'light'].map(async (name) => {
        const server = createServer((_, response) => response.end(name));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { port } = server.address() as AddressInfo;
        return { server, name, url: `http://127.0.0.1:${port}` };
      }),
    );
    const [heavy, light] = peers;
    const config =
      `port: $PORT\nbackends:\n  - {url: "${heavy.url}", name: heavy, weight: 3}\n` +
      `  - {url: "${light.url}", name: light}\n`;
    const balancer = await startBalancer({ config });
    const done = new Promise<void>((resolve) => {
      const load = new Load({
        port: balancer.port,
        connections: 1,
        request: plainGet,
        onOutcome: ({ body }) => {
          names.push(body);
          if (names.length === 1000) void load.stop().then(resolve);
        },
      });
    });
    await done;
    for (const { server } of peers) server.close();
    expect(names.filter((name) => name === 'heavy')).toHaveLength(750);
    expect(names.filter((name) => name === 'light')).toHaveLength(250);
    for (let n = 0; n < 1000; n += 4) {
      expect(names.slice(n, n + 4).filter((name) => name === 'light')).toHaveLength(1);
      expect(names.slice(n, n + 4)).toEqual(names.slice(0, 4));
    }
    expect(names[0]).toBe('heavy');
    expect(names[3]).toBe('heavy');
  });
});

describe('localhost', () => {
  it.each(['127.0.0.1', '::1'])('reaches a backend that listens on %s only', async (address) => {
    const server = createServer((_, response) => response.end(`from ${address}`));
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://localhost:${port}`;
    const balancer = await startBalancer({ config: configOf([{ url, name: 'one' }], quickCheck) });
    expect(await balancer.logged('backend_up', waitMs, { backend: 'one' })).not.toBeNull();
    for (let n = 0; n < 4; n++) {
      expect(await get(balancer.port)).toMatchObject({ status: 200, body: `from ${address}` });
    }
    server.closeAllConnections();
    server.close();
  });
});

describe('a reload', () => {
  const slow = new RecordingBackend();
  afterAll(() => slow.stop());

  it('lets the exchange of a removed backend finish, then removes the backend', async () => {
    await slow.start();
    // Answers half, and the rest when the test says so.
    let finish = (): void => {};
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('first');
      finish = () => response.end('after');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const leaving = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      name: 'x',
    };
    const staying = { url: slow.url, name: 'y' };
    const balancer = await startBalancer({ config: configOf([leaving, staying]) });
    const client = await RawClient.connect(balancer.port);
    await client.send(plainGet());
    await client.until(() => client.received.endsWith('first'), waitMs);

    await balancer.reload(configOf([staying]));
    expect(await balancer.logged('reloaded', waitMs)).not.toBeNull();
    expect(await balancer.logged('backend_draining', waitMs, { backend: 'x' })).not.toBeNull();
    for (let n = 0; n < 4; n++) expect((await get(balancer.port)).body).toBe('ok');
    expect(balancer.logs().some((line) => line.event === 'backend_removed')).toBe(false);

    finish();
    await client.until(() => client.responses()[0].complete, waitMs);
    expect(client.responses()[0]).toMatchObject({ status: 200, body: 'firstafter' });
    expect(await balancer.logged('backend_removed', waitMs, { backend: 'x' })).not.toBeNull();
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  it('with a bad configuration changes nothing and logs what is wrong', async () => {
    const balancer = await startBalancer({ config: configOf(servers) });
    await balancer.reload(`port: $PORT\nbakends:\n${listOf(servers)}health_check: {interval: 5}\n`);
    const refused = await balancer.logged('reload_refused', waitMs);
    await until('the last line is logged', () => {
      return balancer.logs().some((line) => /is not in force/.test(String(line.message)));
    });
    const said = balancer.logs().filter((line) => line.event === 'reload_refused');
    expect(refused).not.toBeNull();
    expect(said.map((line) => line.message).join('\n')).toMatch(/did you mean "backends"/);
    expect(said.map((line) => line.message).join('\n')).toMatch(/health_check.interval/);
    expect(await inTurn(balancer.port)).toHaveLength(3);
    expect(balancer.isRunning()).toBe(true);
  });
});
