/** On the runtime's own sockets, over the loopback: what is wired, not what is decided. */
import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { backendConfig, config, poolConfig } from '../../test/fixtures/control-world.ts';
import { failure } from '../core/base/failure.ts';
import type { BackendConfig, Config } from '../core/config.ts';
import type { Log } from '../core/telemetry/log.ts';
import { type Balancer, type BalancerOptions, ListenError, startBalancer } from './balancer.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Answers every request with its name; `hold`: not before it is called. */
async function backend(name: string, hold?: Promise<void>): Promise<Server> {
  const server = createServer((_request, response) => {
    if (hold === undefined) response.end(name);
    else void hold.then(() => response.end(name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

const listener = (port = 0) => ({ address: `127.0.0.1:${port}`, host: '127.0.0.1', port });

function memberOf(server: Server, number: number, host = '127.0.0.1'): BackendConfig {
  return backendConfig(number, { host, port: portOf(server) });
}

function configOf(members: readonly BackendConfig[], changes: Partial<Config> = {}): Config {
  const pools = [poolConfig(members, { healthCheck: null })];
  return config(pools, { listeners: [listener()], ...changes });
}

const events: string[] = [];
const log: Log = { exchange: () => {}, event: (_level, event) => void events.push(event) };

async function start(first: Config, options: Partial<BalancerOptions> = {}): Promise<Balancer> {
  events.length = 0;
  const balancer = await startBalancer(first, { log, ...options });
  cleanups.push(() => balancer.stop({ timeoutMs: 0 }));
  return balancer;
}

/** The body of an answer, or the code of the error instead. */
function ask(balancer: Balancer): Promise<string> {
  const { port } = balancer.listeners[0];
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const states = (balancer: Balancer): string[] =>
  balancer
    .status()
    .flatMap(({ backends }) => backends)
    .map(({ name, state }) => `${name} ${state}`);

describe('a balancer', () => {
  it('serves on the port that it names, from its backends in turn', async () => {
    const servers = [await backend('one'), await backend('two')];
    const balancer = await start(configOf(servers.map((server, at) => memberOf(server, at + 1))));
    expect(balancer.listeners).toEqual([
      { address: '127.0.0.1:0', host: '127.0.0.1', port: expect.any(Number) },
    ]);
    expect(balancer.listeners[0].port).toBeGreaterThan(0);
    expect(balancer.ready()).toBe(true);
    expect(states(balancer)).toEqual(['server-1 up', 'server-2 up']);
    const answers = [await ask(balancer), await ask(balancer), await ask(balancer)];
    expect(answers).toEqual(['one', 'two', 'one']);
  });

  it('rejects when a port is taken, names it, and leaves nothing open', async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanups.push(() => taken.close());
    const free = createTcpServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const freed = portOf(free);
    free.close();
    await once(free, 'close');
    const listeners = [listener(portOf(taken)), listener(freed)];
    const error = await start(configOf([backendConfig(1)], { listeners })).catch((e) => e);
    expect(error).toBeInstanceOf(ListenError);
    expect(error.failures).toMatchObject([
      { listener: listeners[0], failure: { kind: 'address_in_use' } },
    ]);
    expect(error.message).toContain(`127.0.0.1:${portOf(taken)}: `);
    // What never ran does not say that it stops.
    expect(events).not.toContain('stop_began');
    const again = createTcpServer().listen(freed, '127.0.0.1');
    await once(again, 'listening');
    again.close();
  });

  it('looks names up with the resolver it is given', async () => {
    const server = await backend('by name');
    const asked: string[] = [];
    const balancer = await start(configOf([memberOf(server, 1, 'web.test')]), {
      resolver: {
        resolve: (name, done) => {
          asked.push(name);
          setImmediate(done, ['127.0.0.1'], null);
        },
      },
    });
    expect(await ask(balancer)).toBe('by name');
    expect(asked).toEqual(['web.test']);
  });

  it('starts with a name that nobody knows', async () => {
    const why = failure('unresolved', 'us', 'connect', 'safe', 'no such name');
    const balancer = await start(configOf([backendConfig(1, { host: 'web.test' })]), {
      resolver: { resolve: (_name, done) => void setImmediate(done, [], why) },
    });
    await expect.poll(() => states(balancer)).toEqual(['server-1 down']);
    expect(await ask(balancer)).toContain('503 Service Unavailable');
  });
});

describe('a reload', () => {
  it('changes the backends in place, and keeps the port', async () => {
    const [one, two] = [await backend('one'), await backend('two')];
    const balancer = await start(configOf([memberOf(one, 1)]));
    const before = balancer.listeners;
    expect(await balancer.reload(configOf([memberOf(two, 2)]))).toEqual([]);
    expect(balancer.listeners).toEqual(before);
    expect(await ask(balancer)).toBe('two');
    expect(events).toContain('backend_removed');
  });

  it('that cannot be done says why, and changes nothing', async () => {
    const one = await backend('one');
    const balancer = await start(configOf([memberOf(one, 1)], { tableSize: 1 }));
    const next = configOf([memberOf(one, 2), memberOf(one, 3)], { tableSize: 1 });
    expect(await balancer.reload(next)).toEqual([expect.stringContaining('table')]);
    expect(states(balancer)).toEqual(['server-1 up']);
    expect(await ask(balancer)).toBe('one');
  });
});

describe('a drain', () => {
  it('takes a backend out; of one that is not there it says no', async () => {
    const servers = [await backend('one'), await backend('two')];
    const balancer = await start(configOf(servers.map((server, at) => memberOf(server, at + 1))));
    expect(balancer.drain('default', 'server-1')).toBe(true);
    expect(balancer.drain('default', 'server-9')).toBe(false);
    expect(states(balancer)).toEqual(['server-1 draining', 'server-2 up']);
    expect([await ask(balancer), await ask(balancer)]).toEqual(['two', 'two']);
  });
});

describe('a stop', () => {
  /** A balancer with an exchange that waits for its backend until `release`. */
  async function waiting(): Promise<{
    balancer: Balancer;
    answer: Promise<string>;
    release: () => void;
  }> {
    let release = (): void => {};
    const server = await backend(
      'at last',
      new Promise((resolve) => {
        release = resolve;
      }),
    );
    const balancer = await start(configOf([memberOf(server, 1)]));
    const answer = ask(balancer);
    await once(server, 'request');
    return { balancer, answer, release };
  }

  it('waits for what is going on', async () => {
    const { balancer, answer, release } = await waiting();
    let stopped = false;
    const stop = balancer.stop().then(() => {
      stopped = true;
    });
    expect(balancer.ready()).toBe(false);
    expect(balancer.listeners).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stopped).toBe(false);
    release();
    expect(await answer).toBe('at last');
    await stop;
    expect(events).toContain('stop_began');
    expect(events).not.toContain('stop_cut');
  });

  it('resets what is left at its deadline', async () => {
    const { balancer, answer } = await waiting();
    await balancer.stop({ timeoutMs: 50 });
    expect(await answer).toBe('ECONNRESET');
    expect(events).toContain('stop_cut');
  });

  it('says what is wrong with a deadline, and has not begun then', async () => {
    const { balancer } = await waiting();
    const wrong = balancer.stop({ timeoutMs: '5s' as never });
    await expect(wrong).rejects.toThrow('timeoutMs is "5s": write a number of milliseconds');
    expect(balancer.ready()).toBe(true);
  });

  it('asked for again is over at the nearer deadline, for both', async () => {
    const { balancer, answer } = await waiting();
    const patient = balancer.stop({ timeoutMs: null });
    await balancer.stop({ timeoutMs: 20 });
    await patient;
    expect(await answer).toBe('ECONNRESET');
  });
});
