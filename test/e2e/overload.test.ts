/** More than backends can do, against the real process: who gets in, who waits, who is refused. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { get } from './harness/http-client.ts';
import { Load, type Outcome, plainGet } from './harness/load.ts';
import { endServer, portOf } from './harness/named-server.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { until } from './harness/until.ts';

const waitMs = 20_000;
const workers = `workers: ${runtimeFacts().sharesPorts ? 2 : 1}\n`;

/** The state in /proc/net/tcp of a connection that nobody has ended. */
const ESTABLISHED = '01';
const portIn = (address: string): number => Number.parseInt(address.split(':')[1], 16);

/** Works on four requests at once, 10 ms each; the others wait inside it. */
class Kitchen {
  server!: Server;
  /** On: all fail, at once. */
  isBroken = false;
  /** The most requests it has had at once since it was set to 0. */
  most = 0;
  private here = 0;
  private cooking = 0;
  private readonly waiting: (() => void)[] = [];
  /** The clients' ports of connections, until it hears of their end. */
  private readonly connections = new Set<number>();
  /** The most of them that clients had not ended, as requests came. */
  mostConnections = 0;

  async open(): Promise<void> {
    this.server = createServer((_request, response) => {
      this.most = Math.max(this.most, ++this.here);
      if (this.connections.size > this.mostConnections) this.countConnections();
      if (this.isBroken) {
        this.here--;
        response.writeHead(500).end();
        return;
      }
      this.waiting.push(() => {
        setTimeout(() => {
          this.here--;
          this.cooking--;
          response.end('done\n');
          this.next();
        }, 10);
      });
      this.next();
    });
    this.server.on('connection', (socket) => {
      const port = socket.remotePort!;
      this.connections.add(port);
      for (const end of ['end', 'close']) socket.once(end, () => this.connections.delete(port));
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /**
   * Runtimes may tell of one that was opened before they tell of one that was ended. Linux knows,
   * at the client's end, where a connection is over as soon as it is closed.
   */
  private countConnections(): void {
    const here = portOf(this.server);
    const established = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote, state]) => state === ESTABLISHED && portIn(remote) === here)
      .map(([, local]) => portIn(local));
    const open = established.filter((port) => this.connections.has(port)).length;
    this.mostConnections = Math.max(this.mostConnections, open);
  }

  private next(): void {
    while (this.cooking < 4 && this.waiting.length > 0) {
      this.cooking++;
      this.waiting.shift()!();
    }
  }
}

const kitchen = new Kitchen();
let balancer: Balancer;
let load: Load | null = null;

beforeAll(() => kitchen.open());
afterAll(() => endServer(kitchen.server));
afterEach(async () => {
  await load?.stop();
  load = null;
  await balancer.stop('SIGKILL');
});

async function start(rest: string): Promise<void> {
  const backends = `backends: ["http://127.0.0.1:${portOf(kitchen.server)}"]\n`;
  balancer = await Balancer.start({ config: `port: $PORT\n${workers}${backends}${rest}` });
}

/** So many clients, each of which asks again as soon as it is answered. */
function rush(connections: number): Outcome[] {
  const outcomes: Outcome[] = [];
  load = new Load({
    port: balancer.port,
    connections,
    request: plainGet,
    onOutcome: (outcome) => void outcomes.push(outcome),
  });
  return outcomes;
}

it('an adaptive limit holds back what would only wait at the backend', async () => {
  await start('max_requests: adaptive\n');
  // What an answer takes where nobody waits: on a busy machine the first of a hundred tell nothing.
  const few = rush(2);
  await until('that is known', () => few.length > 100);
  await load?.stop();
  const outcomes = rush(100);
  const held = await balancer.logged('backend_held_back', waitMs, { level: 'warn' });
  expect(held).not.toBeNull();
  await until('a hundred clients are not at the backend any more', async () => {
    kitchen.most = 0;
    const before = outcomes.length;
    await until('some are served', () => outcomes.length > before + 100);
    return kitchen.most < 50;
  });
  await load?.stop();
  // Nobody is lost: they have waited.
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200]));
});

it('a backend has never more connections than it may have, and all workers get some', async () => {
  await start('max_connections: 3\n');
  kitchen.mostConnections = 0;
  const outcomes = rush(24);
  await until('many are served', () => outcomes.length > 500);
  await load?.stop();
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200]));
  expect(kitchen.mostConnections).toBe(3);
  // Whoever comes alone finds them idle in some worker, and gets one at once.
  for (let n = 0; n < 20; n++) expect((await get(balancer.port)).status).toBe(200);
  expect(kitchen.mostConnections).toBe(3);
});

it('an open circuit answers 503 at once, and one exchange that is answered closes it', async () => {
  await start('circuit_breaker: {minimum_requests: 5, interval: 500ms, open_time: 1s}\n');
  kitchen.isBroken = true;
  await until('it is open', async () => (await get(balancer.port)).status === 503, waitMs);
  expect(await balancer.logged('circuit_opened', waitMs, { level: 'error' })).not.toBeNull();
  const refused = await balancer.logged('exchange', waitMs, { end: 'circuit_open' });
  expect(refused).toMatchObject({ status: 503, attempts: 0 });
  kitchen.isBroken = false;
  await until('it is closed', async () => (await get(balancer.port)).status === 200, waitMs);
  expect(await balancer.logged('circuit_closed', waitMs)).not.toBeNull();
  for (let n = 0; n < 4; n++) expect((await get(balancer.port)).status).toBe(200);
});
