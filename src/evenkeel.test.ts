import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Balancer,
  type Config,
  checkConfig,
  type ExchangeRecord,
  formatDiagnostics,
  ListenError,
  type Log,
  parseConfig,
  startBalancer,
  UnusableConfigError,
} from './evenkeel.ts';

let backend: Server;
let backendPort: number;
let asked: string[];
let balancer: Balancer | null;

beforeEach(async () => {
  asked = [];
  balancer = null;
  backend = createServer((request, response) => {
    const { method, url, headers } = request;
    asked.push(`${method} ${url} ${headers['x-forwarded-for']}`);
    request.pipe(response.setHeader('x-from', 'backend'));
  });
  backend.listen(0, '127.0.0.1');
  await once(backend, 'listening');
  backendPort = (backend.address() as AddressInfo).port;
});

afterEach(async () => {
  await balancer?.stop({ timeoutMs: 0 });
  backend.closeAllConnections();
  backend.close();
});

function configured(yaml: string): Config {
  const parsed = parseConfig(yaml, 'inline');
  if ('diagnostics' in parsed) throw new Error(formatDiagnostics(parsed.diagnostics));
  return parsed.config;
}

const forBackend = (path = ''): Config =>
  configured(
    `{port: 0, address: "127.0.0.1", backends: ["http://127.0.0.1:${backendPort}${path}"]}`,
  );

/** A log of the embedding program's own: it keeps what it is told. */
function memoryLog() {
  const events: string[] = [];
  const exchanges: ExchangeRecord[] = [];
  const log: Log = {
    event: (_level, event) => events.push(event),
    exchange: (record) => exchanges.push(record),
  };
  return { log, events, exchanges };
}

async function start(config: Config, log: Log): Promise<string> {
  balancer = await startBalancer(config, { log });
  return `http://127.0.0.1:${balancer.listeners[0]!.port}`;
}

describe('a balancer in the own process', () => {
  it('carries a request to its backend and the answer back', async () => {
    const { log, exchanges } = memoryLog();
    const url = await start(forBackend(), log);
    const response = await fetch(`${url}/path?q=1`, { method: 'POST', body: 'hello' });
    expect(await response.text()).toBe('hello');
    expect(response.status).toBe(200);
    expect(response.headers.get('x-from')).toBe('backend');
    expect(asked).toEqual(['POST /path?q=1 127.0.0.1']);
    await balancer!.stop();
    expect(exchanges).toMatchObject([
      { method: 'POST', target: '/path?q=1', status: 200, pool: 'default', failure: null },
    ]);
  });

  it('says its port, what it thinks of its backends, and that it is ready', async () => {
    await start(forBackend(), memoryLog().log);
    expect(balancer!.listeners).toHaveLength(1);
    expect(balancer!.listeners[0]!.port).toBeGreaterThan(0);
    expect(balancer!.status()).toMatchObject([{ name: 'default', backends: [{ state: 'up' }] }]);
    expect(balancer!.ready()).toBe(true);
  });

  it('takes another configuration without closing its listener', async () => {
    const url = await start(forBackend(), memoryLog().log);
    await (await fetch(`${url}/one`)).text();
    expect(await balancer!.reload(forBackend('/base'))).toEqual([]);
    await (await fetch(`${url}/two`)).text();
    expect(asked).toEqual(['GET /one 127.0.0.1', 'GET /base/two 127.0.0.1']);
  });

  it('is gone after it has stopped', async () => {
    const url = await start(forBackend(), memoryLog().log);
    await balancer!.stop();
    expect(balancer!.ready()).toBe(false);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('does not start on a port that is taken, and says which', async () => {
    const holder = createNetServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const config = configured(
      `{port: ${port}, address: "127.0.0.1", backends: ["http://127.0.0.1:${backendPort}"]}`,
    );
    try {
      const error = await startBalancer(config, { log: memoryLog().log }).catch((e) => e);
      expect(error).toBeInstanceOf(ListenError);
      expect(error.message).toContain(`127.0.0.1:${port}: `);
      expect(error.failures[0].listener).toMatchObject({ port });
    } finally {
      holder.close();
    }
  });
});

describe('a policy function of the own program', () => {
  it('chooses, and how often it failed is in the status', async () => {
    const url = `http://127.0.0.1:${backendPort}`;
    const seen: string[] = [];
    const checked = checkConfig({
      port: 0,
      address: '127.0.0.1',
      policy: (candidates, { path, clientAddress }) => {
        seen.push(`${path} from ${clientAddress}`);
        if (path === '/throw') throw new Error('no luck');
        return candidates.find(({ name }) => name === 'second');
      },
      backends: [
        { url, name: 'first' },
        { url: `${url}/second`, name: 'second' },
      ],
    });
    if ('diagnostics' in checked) throw new Error(formatDiagnostics(checked.diagnostics));
    const { log, events } = memoryLog();
    const at = await start(checked.config, log);
    for (const path of ['/a', '/b', '/throw']) expect((await fetch(at + path)).status).toBe(200);
    expect(seen).toEqual(['/a', '/b', '/throw'].map((path) => `${path} from 127.0.0.1`));
    expect(asked.map((line) => line.split(' ')[1])).toEqual(['/second/a', '/second/b', '/throw']);
    expect(balancer!.status()).toMatchObject([{ policyFailures: 1 }]);
    expect(events).toContain('policy_failed');
  });

  it('is not for workers unless they can import it', async () => {
    const plain = forBackend();
    const pools = plain.pools.map((pool) => ({
      ...pool,
      policy: 'function' as const,
      choose: () => null,
    }));
    const config = { ...plain, pools };
    const workers = { workers: 1, lines: { isTty: false, colour: false } };
    const options = { ...workers, logLines: () => {}, giveUp: () => {} };
    const error = await startBalancer(config, { log: memoryLog().log, workers: options }).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(UnusableConfigError);
    expect(error.message).toContain('workers cannot have its policy functions');
  });
});

describe('a wrong configuration', () => {
  it('is explained with its place before anything is started', () => {
    const parsed = parseConfig('{port: 0, backend: ["http://127.0.0.1:1"]}', 'inline');
    expect('config' in parsed).toBe(false);
    expect('diagnostics' in parsed && formatDiagnostics(parsed.diagnostics)).toMatch(
      /^inline:1:\d+ .*backend/,
    );
  });
});
