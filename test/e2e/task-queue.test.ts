/** `examples/task-queue` as it stands: two workers that do one job at a time, many who want one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackendProcess } from './harness/backend-process.ts';
import { type Balancer, freePort, runtimePath } from './harness/balancer.ts';
import { runCommand } from './harness/command.ts';
import { get } from './harness/http-client.ts';
import { root } from './harness/root.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { startTroubled } from './harness/troubles.ts';
import { until } from './harness/until.ts';

const { sharesPorts } = runtimeFacts();
const CLIENTS = 64;
const example = (file: string): string => join(root, 'examples/task-queue', file);

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tasks-'));
let workers: BackendProcess[] = [];
let balancer: Balancer;

beforeEach(async () => {
  workers = await Promise.all(
    ['worker-1', 'worker-2'].map((name) => {
      return BackendProcess.startScript(name, example('worker.mjs'), ['10']);
    }),
  );
  const config = readFileSync(example('config.yaml'), 'utf8')
    .replace('8080', '$PORT')
    .replace(/workers: 4/, `workers: ${sharesPorts ? '4' : '1'}`)
    .replace('9001', `${workers[0].port}`)
    .replace('9002', `${workers[1].port}`);
  balancer = await startTroubled(config, folder);
  await balancer.logged('started', 20_000);
});

afterEach(async () => {
  await balancer.stop('SIGKILL');
  for (const worker of workers) await worker.kill();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Of both workers. */
async function stats(): Promise<{ done: number; most: number }> {
  const each = await Promise.all(workers.map(async ({ port }) => (await get(port, '/stats')).body));
  const [a, b] = each.map((body) => JSON.parse(body) as { done: number; most: number });
  return { done: a.done + b.done, most: Math.max(a.most, b.most) };
}

const job = async (): Promise<number> => {
  try {
    return (await get(balancer.port, '/job')).status;
  } catch {
    return 0;
  }
};

describe('submit.mjs', () => {
  const submit = (port: number) =>
    runCommand(runtimePath(), [example('submit.mjs'), `http://127.0.0.1:${port}`, '3']);

  it('waits for a balancer that has only just been started', async () => {
    const port = await freePort();
    const submitted = submit(port);
    await new Promise((done) => setTimeout(done, 500));
    const late = createServer((_, response) => void response.end()).listen(port, '127.0.0.1');
    const { code, out, err } = await submitted;
    late.close();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^3 jobs: 200\nall answered/);
  });

  it('says in one sentence that nobody answers', async () => {
    const port = await freePort();
    const { code, err } = await submit(port);
    expect(code).toBe(1);
    expect(err).toBe(`nobody answers at http://127.0.0.1:${port}: is the balancer running?\n`);
  });
});

describe('a task queue', () => {
  it('hands out one job at a time to each worker, and loses none', async () => {
    const answers = await Promise.all(Array.from({ length: CLIENTS }, job));
    expect(answers.filter((status) => status === 200)).toHaveLength(CLIENTS);
    expect(await stats()).toEqual({ done: CLIENTS, most: 1 });
  });

  it.skipIf(!sharesPorts)('goes on when a thread of the balancer dies', async () => {
    const answers = Array.from({ length: CLIENTS }, job);
    writeFileSync(join(folder, 'throw'), '');
    await balancer.logged('worker_died', 20_000);
    const statuses = await Promise.all(answers);
    // What was on that thread is lost, and its clients know.
    expect(new Set(statuses)).toEqual(new Set([200, 0]));
    await until('four listen again', async () => (await job()) === 200);
    const again = await Promise.all(Array.from({ length: CLIENTS }, job));
    expect(again.filter((status) => status === 200)).toHaveLength(CLIENTS);
    expect((await stats()).most).toBe(1);
  });
});
