/** Clients with a cookie jar, before two workers and three backends of which one dies. */
import type { Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { field, get } from './harness/http-client.ts';
import { endServer, portOf, serveAlike } from './harness/named-server.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { until } from './harness/until.ts';

const waitMs = 20_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(name: string, port = 0): Promise<Server> {
  const server = await serveAlike(
    `Response from ${name}
`,
    port,
  );
  cleanups.push(() => endServer(server));
  return server;
}

const names = ['server-1', 'server-2', 'server-3'];

async function start(): Promise<{ balancer: Balancer; servers: Map<string, Server> }> {
  const servers = new Map<string, Server>();
  for (const name of names) servers.set(name, await serve(name));
  const lines = [...servers].map(
    ([name, server]) => `  - {url: "http://127.0.0.1:${portOf(server)}", name: ${name}}\n`,
  );
  const workers = runtimeFacts().sharesPorts ? 2 : 1;
  const rest = `workers: ${workers}\nsticky: {cookie: lb}\n`;
  const config = `port: $PORT\nbackends:\n${lines.join('')}${rest}`;
  const balancer = await Balancer.start({ config });
  cleanups.push(() => balancer.stop('SIGKILL'));
  return { balancer, servers };
}

/** Keeps what it is told to, and comes with a new connection each time. */
class Browser {
  cookie = '';
  private readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  /** Who answers. */
  async visit(): Promise<string> {
    const sent = this.cookie === '' ? '' : `Cookie: theme=dark; ${this.cookie}\r\n`;
    const answer = await get(this.port, '/', sent);
    const told = field(answer, 'set-cookie');
    if (told !== null) this.cookie = told.split(';')[0];
    return /^Response from (.*)\n$/.exec(answer.body)?.[1] ?? `${answer.status} ${answer.body}`;
  }

  async visits(count: number): Promise<Set<string>> {
    const seen = new Set<string>();
    for (let n = 0; n < count; n++) seen.add(await this.visit());
    return seen;
  }
}

it(
  'stay where they were, move when that is gone, and stay where they are then',
  async () => {
    const { balancer, servers } = await start();
    const browsers = [1, 2, 3].map(() => new Browser(balancer.port));
    const homes: string[] = [];
    for (const browser of browsers) homes.push(await browser.visit());
    expect(new Set(homes).size).toBe(3);
    // Whichever worker gets the connection.
    for (const [i, browser] of browsers.entries()) {
      expect(await browser.visits(6)).toEqual(new Set([homes[i]]));
    }

    const [browser] = browsers;
    const old = browser.cookie;
    const [lost] = homes;
    const server = servers.get(lost)!;
    const port = portOf(server);
    endServer(server);
    const moved = await browser.visit();
    expect(moved).toMatch(/^server-/);
    expect(moved).not.toBe(lost);
    expect(browser.cookie).not.toBe(old);
    expect(await browser.visits(4)).toEqual(new Set([moved]));

    await serve(lost, port);
    // Those without a cookie go there again.
    await until('it is back', async () => (await new Browser(balancer.port).visit()) === lost);
    expect(await browser.visits(4)).toEqual(new Set([moved]));
    browser.cookie = old;
    expect(await browser.visits(4)).toEqual(new Set([lost]));
  },
  waitMs,
);
