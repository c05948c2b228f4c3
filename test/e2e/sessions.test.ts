/** Sessions of an application, before two workers and three backends: by header, and learned. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { field, get } from './harness/http-client.ts';
import { endServer, portOf } from './harness/named-server.ts';
import { runtimeFacts } from './harness/runtime.ts';

const waitMs = 20_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Answer = (request: IncomingMessage, response: ServerResponse, name: string) => void;

interface Site {
  readonly balancer: Balancer;
  readonly servers: ReadonlyMap<string, Server>;
  readonly config: string;
}

/** Three servers that answer so, behind a balancer that is sticky by this. */
async function start(sticky: string, answer: Answer): Promise<Site> {
  const servers = new Map<string, Server>();
  for (const name of ['server-1', 'server-2', 'server-3']) {
    const server = createServer((request, response) => answer(request, response, name));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => endServer(server));
    servers.set(name, server);
  }
  const lines = [...servers].map(
    ([name, server]) => `  - {url: "http://127.0.0.1:${portOf(server)}", name: ${name}}\n`,
  );
  const workers = runtimeFacts().sharesPorts ? 2 : 1;
  const rest = `workers: ${workers}\nsticky: ${sticky}\n`;
  const config = `port: $PORT\nbackends:\n${lines.join('')}${rest}`;
  const balancer = await Balancer.start({ config });
  cleanups.push(() => balancer.stop('SIGKILL'));
  return { balancer, servers, config };
}

it(
  'requests with the same header stay together, whichever worker they come to, and move once',
  async () => {
    const { balancer, servers } = await start('{header: X-Session}', (_, response, name) =>
      response.end(name),
    );
    const ask = async (session: string): Promise<string> =>
      (await get(balancer.port, '/', `X-Session: ${session}\r\n`)).body;
    const homes = new Map<string, string>();
    for (let n = 0; n < 6; n++) homes.set(`s${n}`, await ask(`s${n}`));
    expect(new Set(homes.values()).size).toBeGreaterThan(1);
    // A connection each: some come to one worker, some to the other.
    for (let n = 0; n < 6; n++) {
      for (const [session, home] of homes) expect(await ask(session)).toBe(home);
    }

    const lost = homes.get('s0')!;
    endServer(servers.get(lost)!);
    const moved = await ask('s0');
    expect(moved).not.toBe(lost);
    for (let n = 0; n < 6; n++) expect(await ask('s0')).toBe(moved);
  },
  waitMs,
);

it(
  'a session is found by the cookie that its backend has made, and survives a reload',
  async () => {
    let made = 0;
    // As an application does that keeps its sessions in memory.
    const known = new Map<string, string>();
    const { balancer, config } = await start(
      '{learn: {cookie: sid}}',
      (request, response, name) => {
        const sid = /(?:^|; )sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
        if (sid === undefined || known.get(sid) !== name) {
          made += 1;
          known.set(`id-${made}`, name);
          response.setHeader('Set-Cookie', `sid=id-${made}; Path=/; HttpOnly`);
        }
        response.end(name);
      },
    );
    const first = await Promise.all(Array.from({ length: 5 }, () => get(balancer.port, '/')));
    const ids = first.map((answer) => /sid=([^;]+)/.exec(field(answer, 'set-cookie') ?? '')?.[1]);
    const check = async (): Promise<void> => {
      for (const [at, { body }] of first.entries()) {
        for (let n = 0; n < 4; n++) {
          const again = await get(balancer.port, '/', `Cookie: theme=dark; sid=${ids[at]}\r\n`);
          expect([again.body, field(again, 'set-cookie')]).toEqual([body, null]);
        }
      }
    };
    await check();
    await balancer.reload(config.replace('sticky: ', 'panic: true\nsticky: '));
    await balancer.logged('reload_applied', waitMs);
    await check();
    expect(made).toBe(5);
  },
  waitMs,
);
