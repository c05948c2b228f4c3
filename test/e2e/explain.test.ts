/** The command `evenkeel explain`, and whether a running balancer does what it said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Explanation } from '../../src/explain/explanation.ts';
import { Balancer, builtEntry, runtimePath } from './harness/balancer.ts';
import { type Ended, runCommand } from './harness/command.ts';
import { get } from './harness/http-client.ts';
import { RecordingBackend } from './harness/recording-backend.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-explain-'));
const backends = [new RecordingBackend(), new RecordingBackend(), new RecordingBackend()];
let balancer: Balancer;

const explain = (...words: string[]): Promise<Ended> =>
  runCommand(runtimePath(), [builtEntry, 'explain', ...words], { cwd: folder });

beforeAll(async () => {
  for (const backend of backends) await backend.start();
  const listed = backends.map(({ url }, i) => `{name: server-${i + 1}, url: "${url}/base"}`);
  const config = [
    'workers: 1',
    'listeners: [{port: $PORT}]',
    'routes: [{path: /keyed, pool: keyed}, {pool: turns}]',
    'pools:',
    `  keyed: {policy: maglev, hash_key: "header:x-user", backends: [${listed.join()}]}`,
    `  turns: {backends: [${listed.join()}]}`,
  ].join('\n');
  balancer = await Balancer.start({ config });
  writeFileSync(join(folder, 'config.yaml'), config.replace('$PORT', `${balancer.port}`));
}, 60_000);

afterAll(async () => {
  await balancer.stop('SIGKILL');
  for (const backend of backends) await backend.stop();
  rmSync(folder, { recursive: true });
});

/** Which backend got the last request, and its head without what differs from one to the next. */
function seen(): { backend: string; head: string[] } {
  const number = backends.findIndex(({ requests }) => requests.length > 0);
  const { received } = backends[number].requests[0].connection;
  for (const backend of backends) backend.forget();
  const head = received.slice(0, received.indexOf('\r\n\r\n')).split('\r\n');
  return { backend: `server-${number + 1}`, head: head.filter(isTheSame) };
}

const isTheSame = (line: string): boolean => !line.startsWith('X-Request-Id:');

it('says where a request goes and what is sent, as it then happens', async () => {
  const url = `http://localhost:${balancer.port}`;
  const hosts = ['-H', 'Host: localhost', '-H', 'Connection: close'];
  const went = new Set<string>();
  for (const user of ['ann', 'bob', 'cid', 'dora', 'eve']) {
    const asked = await explain(
      'GET',
      `${url}/keyed/x`,
      ...hosts,
      '-H',
      `X-User: ${user}`,
      '--json',
    );
    expect([asked.code, asked.err]).toEqual([0, '']);
    const { relay, log } = JSON.parse(asked.out) as Explanation;
    await get(balancer.port, '/keyed/x', `X-User: ${user}\r\n`);
    expect(seen()).toEqual({ backend: log.backend, head: relay!.head.filter(isTheSame) });
    went.add(log.backend!);
  }
  expect(went.size).toBeGreaterThan(1);
}, 60_000);

it('says in which order requests go, as they then do', async () => {
  const { log, pick } = JSON.parse((await explain('GET', '/', '--json')).out) as Explanation;
  const order: string[] = [];
  for (let i = 0; i < 6; i++) {
    await get(balancer.port, '/');
    order.push(seen().backend);
  }
  expect(order).toEqual([log.backend, ...pick!.next].slice(0, 6));
}, 60_000);

it('refuses what the balancer refuses, with the same status', async () => {
  const { out, code } = await explain('GET', '/', '-H', 'Bad Name: x');
  expect(code).toBe(0);
  const [, status] = /refused with (\d+)/.exec(out)!;
  expect((await get(balancer.port, '/', 'Bad Name: x\r\n')).status).toBe(Number(status));
}, 60_000);

it('ends with 2 when what was typed makes no sense, and with 78 without a good file', async () => {
  expect((await explain('GET', 'https://localhost/')).code).toBe(2);
  expect((await explain('GET')).code).toBe(2);
  expect((await explain('GET', '/', '--config', 'none.yaml')).code).toBe(78);
}, 60_000);
