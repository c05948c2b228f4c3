/**
 * What must not be noticed by anybody: backends that are killed under load, and an orderly stop
 * under load. EVENKEEL_LONG=1 kills 20 times instead of 6.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BackendProcess } from './harness/backend-process.ts';
import { Balancer, builtEntry, runtimePath, shortConfig } from './harness/balancer.ts';
import { runCommand } from './harness/command.ts';
import { get } from './harness/http-client.ts';
import { Load, type Outcome, plainGet } from './harness/load.ts';
import { RawClient } from './harness/raw-client.ts';
import { until } from './harness/until.ts';

const kills = process.env.EVENKEEL_LONG === '1' ? 20 : 6;
const connections = 64;
const waitMs = 15_000;
const noteTaker = fileURLToPath(new URL('peers/note-taker.mjs', import.meta.url));

describe('one backend of three is killed again and again under load', () => {
  const check = 'health_check:\n  interval: 500ms\n  timeout: 400ms\n  path: /health\n';
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-notes-'));
  const fileOf = (name: string): string => join(folder, name);
  const names = ['server-1', 'server-2', 'server-3'];
  let servers: BackendProcess[] = [];
  let balancer: Balancer;

  beforeAll(async () => {
    servers = await Promise.all(
      names.map((name) => BackendProcess.startScript(name, noteTaker, [name, fileOf(name)])),
    );
  });
  beforeEach(async () => {
    const config = shortConfig(servers.map(({ url }) => url)) + check;
    balancer = await Balancer.start({ config: `${config}log: {access: false}\n` });
    for (const name of names) await balancer.logged('backend_up', waitMs, { backend: name });
  });
  afterEach(async () => {
    await balancer.stop('SIGKILL');
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    rmSync(folder, { recursive: true });
  });

  /** Loads the balancer while the backends die and come back in turn. */
  async function outcomesUnderFire(request: (id: number) => string): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const onOutcome = (outcome: Outcome): void => void outcomes.push(outcome);
    const load = new Load({ port: balancer.port, connections, request, onOutcome });
    for (let round = 0; round < kills; round++) {
      const enough = outcomes.length + 500;
      await until('traffic flows', () => outcomes.length > enough);
      const victim = servers[round % servers.length];
      balancer.forgetLogs();
      await victim.kill();
      const seen = outcomes.length;
      await until('traffic goes on', () => outcomes.length > seen + 200);
      await victim.restart();
      expect(await balancer.logged('backend_up', waitMs, { backend: victim.name })).not.toBeNull();
    }
    await load.stop();
    return outcomes;
  }

  it('and no GET fails', async () => {
    const outcomes = await outcomesUnderFire(plainGet);
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('and every POST is answered once, and reaches no application twice', async () => {
    const request = (id: number): string =>
      `POST /post-${id} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody`;
    const outcomes = await outcomesUnderFire(request);
    expect(outcomes.filter(({ broken }) => broken !== '')).toEqual([]);
    expect(new Set(outcomes.map(({ id }) => id)).size).toBe(outcomes.length);
    const others = outcomes.filter(({ status }) => status !== 200 && status !== 502);
    expect(others).toEqual([]);
    // The fire was real: some were on a backend when it died.
    expect(outcomes.some(({ status }) => status === 502)).toBe(true);
    const notes = names.flatMap((name) => readFileSync(fileOf(name), 'utf8').split('\n'));
    const posts = notes.filter((target) => target.startsWith('/post-'));
    const seen = new Set(posts);
    expect(posts.length - seen.size).toBe(0);
    const lost = outcomes.filter(({ id, status }) => status === 200 && !seen.has(`/post-${id}`));
    expect(lost).toEqual([]);
  });
});

describe('a stop', () => {
  /** Answers when it is told to: `answers` are the responses that wait. */
  let server: Server;
  let answers: ServerResponse[] = [];
  let url = '';
  let balancer: Balancer;

  beforeEach(async () => {
    answers = [];
    server = createServer((request, response) => {
      if (request.url === '/slow') answers.push(response);
      else response.end('at once');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await balancer.stop('SIGKILL');
    server.closeAllConnections();
    server.close();
  });

  const start = async (rest = ''): Promise<void> => {
    balancer = await Balancer.start({ config: shortConfig([url]) + rest });
    await balancer.logged('started', waitMs);
  };
  async function askSlowly(): Promise<RawClient> {
    const client = await RawClient.connect(balancer.port);
    await client.send('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until('the backend has it', () => answers.length > 0);
    return client;
  }
  const exited = async (): Promise<number | null> => {
    await until('it has ended', () => !balancer.isRunning(), waitMs);
    return balancer.process.exitCode;
  };

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    'by %s under load fails no exchange that has begun, and ends with 0',
    async (signal) => {
      await start('log: {access: false}\n');
      const outcomes: Outcome[] = [];
      const load = new Load({
        port: balancer.port,
        connections,
        request: plainGet,
        onOutcome: (outcome) => void outcomes.push(outcome),
        reconnects: false,
      });
      const slow = await askSlowly();
      await until('traffic flows', () => outcomes.length > 500);
      balancer.process.kill(signal);
      await load.ended();
      expect(await balancer.logged('stopping', waitMs)).not.toBeNull();
      expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
      expect(balancer.isRunning()).toBe(true);
      answers[0].end('late');
      await slow.until(() => slow.ended !== null, waitMs);
      expect(slow.responses()[0]).toMatchObject({ status: 200, body: 'late', complete: true });
      expect(slow.received).toMatch(/\r\nconnection: close\r\n/i);
      slow.destroy();
      expect(await exited()).toBe(0);
    },
  );

  it('takes no new connections', async () => {
    await start();
    const slow = await askSlowly();
    balancer.process.kill('SIGTERM');
    await balancer.logged('stop_began', waitMs);
    await expect(RawClient.connect(balancer.port)).rejects.toThrow(/ECONNREFUSED/);
    answers[0].end();
    await slow.until(() => slow.ended !== null, waitMs);
    slow.destroy();
    expect(await exited()).toBe(0);
  });

  it('by TERM has a deadline, and cuts what is left then', async () => {
    await start('shutdown_timeout: 200ms\n');
    const slow = await askSlowly();
    balancer.process.kill('SIGTERM');
    expect(await balancer.logged('stop_cut', waitMs)).not.toBeNull();
    expect(await exited()).toBe(0);
    await slow.until(() => slow.ended !== null, waitMs);
    expect(slow.responses()).toEqual([]);
    slow.destroy();
  });

  it('by QUIT has none', async () => {
    await start('shutdown_timeout: 100ms\n');
    const slow = await askSlowly();
    balancer.process.kill('SIGQUIT');
    await balancer.logged('stop_began', waitMs);
    // Nothing happens at the deadline, and that cannot be waited for.
    await new Promise((resolve) => setTimeout(resolve, 300));
    answers[0].end('late');
    await slow.until(() => slow.ended !== null, waitMs);
    expect(slow.responses()[0]).toMatchObject({ status: 200, body: 'late' });
    slow.destroy();
    expect(await exited()).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    'by a second %s is forced, with exit code 1',
    async (signal) => {
      await start();
      const slow = await askSlowly();
      balancer.process.kill(signal);
      await balancer.logged('stopping', waitMs);
      // A signal soon after the first counts as the same wish, so it is said until it is heard.
      const insist = setInterval(() => balancer.process.kill(signal), 5);
      expect(await exited()).toBe(1);
      clearInterval(insist);
      expect(balancer.output).toMatch(/stop_forced/);
      await slow.until(() => slow.ended !== null, waitMs);
      expect(slow.responses()).toEqual([]);
      slow.destroy();
    },
  );
});

describe('a port that is taken', () => {
  it('is named, and the process ends with 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-taken-'));
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const file = join(folder, 'config.yaml');
    writeFileSync(file, `port: ${port}\nbackends: ["http://127.0.0.1:1"]\n`);
    const { code, err } = await runCommand(runtimePath(), [builtEntry, 'run', file]);
    server.close();
    rmSync(folder, { recursive: true });
    expect(err).toContain(String(port));
    expect(err).toMatch(/cannot listen on port \d+: .*(using it|in use)/);
    expect(code).toBe(1);
  });
});

describe('an output that nobody reads', () => {
  it('stops no traffic and no end', async () => {
    const server = createServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const balancer = await Balancer.start({ config: shortConfig([`http://127.0.0.1:${port}`]) });
    balancer.process.stdout?.pause();
    let failed = 0;
    let served = 0;
    const load = new Load({
      port: balancer.port,
      connections,
      request: plainGet,
      onOutcome: ({ status }) => {
        if (status === 200) served++;
        else failed++;
      },
    });
    await until('thousands are served', () => served >= 10_000, 30_000);
    await load.stop();
    expect(failed).toBe(0);
    expect((await get(balancer.port)).status).toBe(200);
    // What had room in the pipe is far less than ten thousand lines.
    expect(balancer.output.length).toBeLessThan(2_000_000);
    expect(await balancer.stop('SIGTERM')).toBe(0);
    server.closeAllConnections();
    server.close();
  });
});
