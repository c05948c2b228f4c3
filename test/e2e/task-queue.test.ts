/** `examples/task-queue` as it stands: two workers that do one job at a time, many who want one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Balancer, freePort, runtimePath } from './harness/balancer.ts';
import { get } from './harness/http-client.ts';
import { root } from './harness/root.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { until } from './harness/until.ts';

const { isBun, sharesPorts } = runtimeFacts();
const CLIENTS = 64;
const example = (file: string): string => join(root, 'examples/task-queue', file);

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tasks-'));
const processes: ChildProcess[] = [];
let ports: number[] = [];
let balancer: Balancer;

beforeEach(async () => {
  ports = [await freePort(), await freePort()];
  for (const port of ports) {
    const worker = spawn(runtimePath(), [example('worker.mjs'), `${port}`, '10']);
    processes.push(worker);
    await once(worker.stdout, 'data');
  }
  const threads = sharesPorts ? '4' : '1';
  const config = readFileSync(example('config.yaml'), 'utf8')
    .replace('8080', '$PORT')
    .replace(/workers: 4/, `workers: ${threads}`)
    .replace('9001', `${ports[0]}`)
    .replace('9002', `${ports[1]}`);
  const preload = fileURLToPath(new URL('peers/troubles.mjs', import.meta.url));
  const option = isBun ? '--preload' : '--import';
  balancer = await Balancer.start({
    config,
    shell: `runtime=$1; shift; exec "$runtime" ${option} '${preload}' "$@"`,
    env: { EVENKEEL_TROUBLES: folder },
  });
  await balancer.logged('started', 20_000);
});

afterEach(async () => {
  await balancer.stop('SIGKILL');
  for (const each of processes.splice(0)) each.kill('SIGKILL');
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Of both workers. */
async function stats(): Promise<{ done: number; most: number }> {
  const each = await Promise.all(ports.map(async (port) => (await get(port, '/stats')).body));
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
