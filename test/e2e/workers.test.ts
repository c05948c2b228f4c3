/**
 * Two workers are one balancer: the same order, weights, reloads and stop as one; and a control
 * thread that stands still, a worker that dies or hangs harm nobody else.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BackendProcess } from './harness/backend-process.ts';
import { type Balancer, builtEntry, freePort, runtimePath } from './harness/balancer.ts';
import { runCommand } from './harness/command.ts';
import { Crew, type Member, names, workerOf } from './harness/crew.ts';
import { get, whoAnswers } from './harness/http-client.ts';
import { Load, type Outcome, plainGet } from './harness/load.ts';
import { RawClient } from './harness/raw-client.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { startTroubled } from './harness/troubles.ts';
import { until } from './harness/until.ts';

const { sharesPorts } = runtimeFacts();
const withTwo = it.skipIf(!sharesPorts);
const waitMs = 20_000;
const quickCheck = 'health_check: {interval: 500ms, timeout: 400ms, path: /health}\n';

const configOf = (members: readonly Member[], rest = ''): string => {
  const lines = members.map(
    ({ url, name, weight = 1 }) => `  - {url: "${url}", name: ${name}, weight: ${weight}}\n`,
  );
  return `port: $PORT\nworkers: 2\nbackends:\n${lines.join('')}${rest}`;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const crew = new Crew();
/** In processes of their own: they can be killed, and are not kept busy by the load. */
let servers: BackendProcess[] = [];
const balancers: Balancer[] = [];
const clients: RawClient[] = [];
/** Where troubles are asked for, see `peers/troubles.mjs`. */
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-troubles-'));
const ask = (trouble: string): void => writeFileSync(join(folder, trouble), '');
const isThere = (file: string): boolean => existsSync(join(folder, file));

beforeAll(async () => {
  await crew.open();
  servers = await BackendProcess.three();
});
afterAll(async () => {
  crew.close();
  for (const server of servers) await server.kill();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  for (const { answer } of crew.held.splice(0)) answer();
  for (const client of clients.splice(0)) client.destroy();
  for (const balancer of balancers.splice(0)) await balancer.stop('SIGKILL');
});

async function start(config: string): Promise<Balancer> {
  const balancer = await startTroubled(config, folder);
  balancers.push(balancer);
  await balancer.logged('started', waitMs);
  return balancer;
}

async function connect(balancer: Balancer): Promise<RawClient> {
  const client = await RawClient.connect(balancer.port);
  clients.push(client);
  return client;
}

/** Who gives the next answer on this connection; empty: nobody does. */
async function askOn(client: RawClient): Promise<string> {
  const before = client.responses().length;
  await client.send(plainGet());
  const answer = () => client.responses().at(before);
  await client.until(() => answer()?.complete === true || client.ended !== null, waitMs);
  return /^Response from (.*)\n$/.exec(answer()?.body ?? '')?.[1] ?? '';
}

async function turns(balancer: Balancer, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let n = 0; n < count; n++) seen.push(await whoAnswers(balancer.port));
  return seen;
}

/** They come in this order, from any of them on. */
function expectInTurn(seen: readonly string[], order: readonly string[] = names): void {
  const from = order.indexOf(seen[0]);
  expect(seen).toEqual(seen.map((_, n) => order[(from + n) % order.length]));
}

const linesOf = (balancer: Balancer, wanted: string): readonly Record<string, unknown>[] =>
  balancer.logs().filter(({ event }) => event === wanted);

const exchangesOf = (balancer: Balancer) => linesOf(balancer, 'exchange');

/** The workers whose exchanges are in the log. */
const workersIn = (balancer: Balancer): Set<string> =>
  new Set(exchangesOf(balancer).map((line) => workerOf(line.request_id)));

const eventsOf = (balancer: Balancer): Set<unknown> =>
  new Set(balancer.logs().map(({ event }) => event));

/** How many sockets listen on this port, as Linux knows it. */
function listeners(port: number): number {
  const isOne = new RegExp(`^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase()} \\S+ 0A `);
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readFileSync(file, 'latin1').split('\n'))
    .filter((line) => isOne.test(line)).length;
}

/** Its line in the log is long: a worker that cannot hand its log over soon has to drop some. */
const longGet = (): string => plainGet().replace('/', `/${'long'.repeat(500)}`);

/** GETs without pause; what failed is collected. */
class Visitors {
  readonly failed: Outcome[] = [];
  readonly tookMs: number[] = [];
  readonly load: Load;

  constructor(balancer: Balancer, connections = 16, request = plainGet, reconnects = true) {
    const onOutcome = (outcome: Outcome): void => {
      if (outcome.status === 200) this.tookMs.push(outcome.tookMs);
      else this.failed.push(outcome);
    };
    const { port } = balancer;
    this.load = new Load({ port, connections, request, onOutcome, reconnects });
  }

  get served(): number {
    return this.tookMs.length;
  }

  more(count: number): Promise<void> {
    const enough = this.served + count;
    return until(`${count} more are served`, () => this.served >= enough, waitMs);
  }
}

/** Sends requests that are held, on new connections, until `isEnough`. */
async function hold(balancer: Balancer, isEnough: () => boolean): Promise<RawClient[]> {
  const holders: RawClient[] = [];
  while (!isEnough()) {
    const client = await connect(balancer);
    const count = crew.held.length;
    await client.send('GET /held HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('a backend has it', () => crew.held.length > count);
    holders.push(client);
  }
  return holders;
}

/** Both workers have an exchange on this backend. */
const isHeldByBoth = (backend: string): boolean =>
  new Set(crew.held.filter((each) => each.backend === backend).map(({ worker }) => worker)).size ===
  2;

it.skipIf(sharesPorts)('two workers are refused where a port cannot be shared', async () => {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, configOf(crew.members).replace('$PORT', String(await freePort())));
  for (const command of ['run', 'check']) {
    const { code, err } = await runCommand(runtimePath(), [builtEntry, command, file]);
    expect(err).toMatch(/2 workers share one port, which Node .* cannot do; write auto or 1/);
    expect(code).toBe(78);
  }
});

describe('two workers give turns', () => {
  withTwo('in strict order, whichever of them accepts', async () => {
    const balancer = await start(configOf(crew.members));
    const seen = await turns(balancer, 60);
    expect(seen[0]).toBe('server-1');
    expectInTurn(seen);
    await until('all are logged', () => exchangesOf(balancer).length === 60);
    expect(workersIn(balancer).size).toBe(2);
  });

  const weighted = (weights: readonly number[]): string =>
    configOf(crew.members.map((member, n) => ({ ...member, weight: weights[n] })));
  const countsIn = (seen: readonly string[]): number[] =>
    names.map((name) => seen.filter((each) => each === name).length);

  withTwo('by weight, exactly and in one order over 1,000 requests', async () => {
    const balancer = await start(weighted([5, 3, 2]));
    const open: RawClient[] = [];
    for (let n = 0; n < 16; n++) open.push(await connect(balancer));
    const seen: string[] = [];
    for (let n = 0; n < 1000; n++) seen.push(await askOn(open[n % open.length]));
    expect(countsIn(seen)).toEqual([500, 300, 200]);
    expect(seen).toEqual(seen.map((_, n) => seen[n % 10]));
    await until('all are logged', () => exchangesOf(balancer).length === 1000);
    expect(workersIn(balancer).size).toBe(2);
  });

  withTwo('by weight, exactly with 16 requests at a time', async () => {
    const weights = [3, 3, 1];
    const balancer = await start(weighted(weights));
    // Ten times: with a cursor for each worker the sums would be right by chance every other time.
    const seen: string[] = [];
    for (let round = 1; round <= 10; round++) {
      const load = new Load({
        port: balancer.port,
        connections: 16,
        request: plainGet,
        onOutcome: ({ body }) => void seen.push(/server-\d/.exec(body)?.[0] ?? 'nobody'),
      });
      await until('a hundred more are served', () => seen.length >= 100 * round, waitMs);
      await load.stop();
      // To the end of the cycle.
      while (seen.length % 7 !== 0) seen.push(await whoAnswers(balancer.port));
      expect(countsIn(seen)).toEqual(weights.map((weight) => (weight * seen.length) / 7));
    }
    await until('all are logged', () => exchangesOf(balancer).length === seen.length);
    expect(workersIn(balancer).size).toBe(2);
  });
});

describe('a backend that is killed under load', () => {
  withTwo('fails no GET of either worker, and returns to its turn', async () => {
    const balancer = await start(configOf(servers, quickCheck));
    for (const backend of names) await balancer.logged('backend_up', waitMs, { backend });
    const visitors = new Visitors(balancer);
    await visitors.more(500);
    balancer.forgetLogs();
    await servers[1].kill();
    await visitors.more(500);
    await servers[1].restart();
    const back = await balancer.logged('backend_up', waitMs, { backend: 'server-2' });
    expect(back?.healthy).toBe('3 of 3 up');
    expect(workersIn(balancer).size).toBe(2);
    await visitors.more(500);
    await visitors.load.stop();
    expect(visitors.failed).toEqual([]);
    expectInTurn(await turns(balancer, 12));
  });
});

describe('a reload with two workers', () => {
  withTwo('of an unchanged set keeps the order going on in mid-flight', async () => {
    const balancer = await start(configOf(crew.members));
    const seen: string[] = [];
    let isOver = false;
    const visiting = (async () => {
      while (!isOver) seen.push(await whoAnswers(balancer.port));
    })();
    for (let reload = 1; reload <= 5; reload++) {
      const enough = seen.length + 20;
      await until('traffic flows', () => seen.length >= enough, waitMs);
      await balancer.reload(configOf(crew.members, `timeouts: {response: ${reload}0s}\n`));
      await until('it is read', () => linesOf(balancer, 'reloaded').length === reload, waitMs);
    }
    isOver = true;
    await visiting;
    expectInTurn(seen);
  });

  withTwo('applies a changed weight in both', async () => {
    const balancer = await start(configOf(crew.members));
    expectInTurn(await turns(balancer, 4));
    const heavier = crew.members.map((member, n) => ({ ...member, weight: n === 0 ? 2 : 1 }));
    await balancer.reload(configOf(heavier));
    expect(await balancer.logged('reloaded', waitMs)).not.toBeNull();
    // Each worker hears of it in its own time.
    await turns(balancer, 20);
    balancer.forgetLogs();
    const seen = await turns(balancer, 80);
    expect(seen.filter((name) => name === 'server-1')).toHaveLength(40);
    expect(seen.filter((name) => name === 'server-2')).toHaveLength(20);
    await until('all are logged', () => exchangesOf(balancer).length >= 80);
    expect(workersIn(balancer).size).toBe(2);
  });

  withTwo('lets exchanges on a removed backend finish in both, then removes it', async () => {
    const balancer = await start(configOf(crew.members));
    const holders = await hold(balancer, () => isHeldByBoth('server-1'));
    await balancer.reload(configOf(crew.members.slice(1)));
    expect(await balancer.logged('reloaded', waitMs)).not.toBeNull();
    const one = { backend: 'server-1' };
    expect(await balancer.logged('backend_draining', waitMs, one)).not.toBeNull();
    await turns(balancer, 20);
    expectInTurn(await turns(balancer, 20), names.slice(1));
    expect(eventsOf(balancer)).not.toContain('backend_removed');

    for (const { answer } of crew.held.splice(0)) answer();
    for (const holder of holders) await holder.until(() => holder.ended !== null, waitMs);
    const statuses = holders.map((holder) => holder.responses()[0]?.status);
    expect(statuses).toEqual(holders.map(() => 200));
    expect(await balancer.logged('backend_removed', waitMs, one)).not.toBeNull();
  });

  withTwo('of a bad file changes nothing', async () => {
    const balancer = await start(configOf(crew.members));
    const before = await turns(balancer, 10);
    await balancer.reload(configOf(crew.members.slice(1), 'bakends: []\n'));
    expect(await balancer.logged('reload_refused', waitMs)).not.toBeNull();
    expectInTurn([...before, ...(await turns(balancer, 20))]);
  });
});

describe('a control thread that stands still for 5 s', () => {
  withTwo('stops no traffic, blames nobody, and writes the log afterwards', async () => {
    const balancer = await start(configOf(servers, quickCheck));
    for (const backend of names) await balancer.logged('backend_up', waitMs, { backend });
    const visitors = new Visitors(balancer, 4, longGet);
    await visitors.more(1000);
    const usualMs = quantile(visitors.tookMs.splice(0), 0.99);
    ask('block');
    await until('it stands still', () => isThere('block.taken'), waitMs);
    // Nobody comes after that: what was lost is not told by what follows.
    await pause(4500);
    await visitors.load.stop();
    await until('it goes on', () => isThere('block.done'), waitMs);
    expect(visitors.served).toBeGreaterThan(200);
    expect(quantile(visitors.tookMs, 0.99)).toBeLessThan(20 * usualMs + 200);
    expect(visitors.failed).toEqual([]);

    const { sent } = visitors.load;
    const logged = (): number => exchangesOf(balancer).length;
    const dropped = (): number =>
      linesOf(balancer, 'log_dropped').reduce((sum, { lines }) => sum + Number(lines), 0);
    const isTold = (): boolean => logged() + dropped() >= sent;
    await until('every exchange is logged or counted', isTold, waitMs);
    expect(logged() + dropped()).toBe(sent);
    expect(logged()).toBeGreaterThan(1200);
    const blame = ['backend_down', 'backend_suspect', 'worker_silent', 'worker_died'];
    expect([...eventsOf(balancer)].filter((event) => blame.includes(String(event)))).toEqual([]);
    expectInTurn(await turns(balancer, 12));
  });
});

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(part * sorted.length)];
}

describe('a worker that dies', () => {
  withTwo('is replaced, and takes only what was in flight on it along', async () => {
    const balancer = await start(configOf(crew.members));
    const holders = await hold(balancer, () => isHeldByBoth('server-1'));
    const workers = new Set(crew.held.map(({ worker }) => worker));
    ask('throw');
    const died = await balancer.logged('worker_died', waitMs);
    expect(died?.message).toMatch(/a trouble of the test.*; another one takes its place/s);
    const isGone = (holder: RawClient): boolean => holder.ended !== null;
    await until('its clients know', () => holders.some(isGone));

    // Its exchanges do not count any more: the backend is removed when the others have finished.
    await balancer.reload(configOf(crew.members.slice(1)));
    const one = { backend: 'server-1' };
    expect(await balancer.logged('backend_draining', waitMs, one)).not.toBeNull();
    expect(eventsOf(balancer)).not.toContain('backend_removed');
    for (const { answer } of crew.held.splice(0)) answer();
    expect(await balancer.logged('backend_removed', waitMs, one)).not.toBeNull();
    for (const holder of holders) await holder.until(() => isGone(holder), waitMs);
    const lost = holders.filter((holder) => holder.responses()[0]?.complete !== true);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(holders.length);
    for (const holder of holders) holder.destroy();

    await until('another takes part', async () => {
      expect((await get(balancer.port)).status).toBe(200);
      return [...workersIn(balancer)].some((worker) => !workers.has(worker));
    });
    expectInTurn(await turns(balancer, 20), names.slice(1));
    balancer.process.kill('SIGTERM');
    expect((await balancer.logged('stopping', waitMs))?.message).toMatch(/nothing is in flight/);
    await until('it has ended', () => !balancer.isRunning(), waitMs);
    expect(balancer.process.exitCode).toBe(0);
  });

  withTwo('for the sixth time within a minute ends the process with code 1', async () => {
    const balancer = await start(configOf(crew.members));
    for (let death = 1; death <= 6; death++) {
      const trouble = death % 2 === 0 ? 'exit' : 'throw';
      await until('both listen', () => listeners(balancer.port) === 2, waitMs);
      expectInTurn(await turns(balancer, 6));
      ask(trouble);
      await until('it is dead', () => linesOf(balancer, 'worker_died').length === death, waitMs);
    }
    await until('it has ended', () => !balancer.isRunning(), waitMs);
    expect(balancer.process.exitCode).toBe(1);
    expect((await balancer.logged('gave_up', waitMs))?.message).toMatch(/6 workers died/);
  });
});

describe('a worker that hangs', () => {
  withTwo('is ended and replaced after 5 s, and the other serves on', async () => {
    const balancer = await start(configOf(crew.members));
    const open: RawClient[] = [];
    await until('both have a client', async () => {
      const client = await connect(balancer);
      await askOn(client);
      open.push(client);
      return workersIn(balancer).size === 2;
    });
    ask('hang');
    await until('one hangs', () => isThere('hang.taken'), waitMs);
    let isOver = false;
    const served = open.map(async (client) => {
      let count = 0;
      for (; !isOver && (await askOn(client)) !== ''; count++) await pause(10);
      return count;
    });
    const silent = await balancer.logged('worker_silent', waitMs);
    expect(silent?.message).toMatch(/no sign of life for 5 s/);
    expect(await balancer.logged('worker_died', waitMs)).toMatchObject({ worker: silent?.worker });
    isOver = true;
    const counts = await Promise.all(served);
    expect(Math.min(...counts)).toBe(0);
    expect(Math.max(...counts)).toBeGreaterThan(50);
    await until('another takes part', async () => {
      expect((await get(balancer.port)).status).toBe(200);
      return workersIn(balancer).size === 3;
    });
    expectInTurn(await turns(balancer, 20));
  });
});

describe('a stop of two workers', () => {
  withTwo('under load fails no exchange that has begun, and ends with 0', async () => {
    const balancer = await start(configOf(crew.members));
    const holders = await hold(balancer, () => isHeldByBoth('server-1'));
    const visitors = new Visitors(balancer, 16, plainGet, false);
    await visitors.more(500);
    balancer.process.kill('SIGTERM');
    await visitors.load.ended();
    expect(visitors.failed).toEqual([]);
    expect(balancer.isRunning()).toBe(true);
    for (const { answer } of crew.held.splice(0)) answer();
    for (const holder of holders) await holder.until(() => holder.ended !== null, waitMs);
    const whole = holders.filter((holder) => holder.responses()[0]?.complete === true);
    expect(whole).toHaveLength(holders.length);
    for (const holder of holders) holder.destroy();
    await until('it has ended', () => !balancer.isRunning(), waitMs);
    expect(balancer.process.exitCode).toBe(0);
    expect(workersIn(balancer).size).toBe(2);
  });
});

describe('a port that another process shares', () => {
  withTwo('is refused like any that is taken', async () => {
    const port = await freePort();
    const file = join(folder, 'stranger.cjs');
    const script = `
      const { createServer } = require('node:net');
      const open = (done) => createServer().listen({ port: ${port}, reusePort: true }, done);
      open(() => open(() => console.log('twice')));
    `;
    writeFileSync(file, script);
    const stranger = spawn(runtimePath(), [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(stranger.stdout, 'data');
    expect(String(said)).toBe('twice\n');
    const config = join(folder, 'taken.yaml');
    writeFileSync(config, configOf(crew.members).replace('$PORT', String(port)));
    const { code, err } = await runCommand(runtimePath(), [builtEntry, 'run', config]);
    stranger.kill();
    expect(err).toMatch(/cannot listen on port \d+: .*(using it|in use)/);
    expect(err).toContain(String(port));
    expect(code).toBe(1);
  });
});
