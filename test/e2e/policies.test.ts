/** Policies that go by what backends say of themselves, on the real process. */
import type { Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createBackend, listenBackend, stopBackend } from '../../src/cli/backend.ts';
import { Balancer, shortConfig } from './harness/balancer.ts';

const servers: Server[] = [];
let balancer: Balancer | undefined;

afterEach(async () => {
  await balancer?.stop('SIGKILL');
  for (const server of servers.splice(0)) await stopBackend(server);
});

it('demo backends report their load to prequal, and clients do not see it', async () => {
  const urls: string[] = [];
  for (const name of ['server-1', 'server-2', 'server-3']) {
    const server = createBackend(name);
    servers.push(server);
    urls.push(`http://127.0.0.1:${await listenBackend(server, 0)}`);
  }
  const direct = await fetch(urls[0]!);
  expect([direct.headers.has('backend-load'), await direct.text()]).toEqual([
    true,
    'Response from server-1\n',
  ]);
  balancer = await Balancer.start({ config: `policy: prequal\n${shortConfig(urls)}` });
  const ask = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${balancer!.port}/`);
    expect(response.headers.has('backend-load')).toBe(false);
    return await response.text();
  };
  const answers: string[] = [];
  for (let i = 0; i < 30; i++) answers.push(...(await Promise.all([ask(), ask(), ask(), ask()])));
  expect(new Set(answers).size).toBe(3);
  expect(balancer.output).not.toContain('no_load_reports');
});
