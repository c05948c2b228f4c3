/** Two ordinary backends and a backup, which are killed and come back. */
import type { Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { whoAnswers } from './harness/http-client.ts';
import { endServer, portOf, serveAlike } from './harness/named-server.ts';

const WAIT_MS = 15_000;
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

describe('a backup', () => {
  it('answers from the first request on when all others are dead, never beside them', async () => {
    const servers = [await serve('one'), await serve('two'), await serve('spare')];
    const ports = servers.map(portOf);
    const [one, two, spare] = ports.map((port) => `url: "http://127.0.0.1:${port}"`);
    const balancer = await Balancer.start({
      config:
        'port: $PORT\nhealth_check: {interval: 500ms, timeout: 400ms, healthy_threshold: 1}\n' +
        `backends:\n  - {${one}, name: one}\n  - {${two}, name: two}\n` +
        `  - {${spare}, name: spare, backup: true}\n`,
    });
    cleanups.push(() => balancer.stop('SIGKILL'));
    const answers = async (): Promise<string[]> => {
      const all: string[] = [];
      for (let n = 0; n < 6; n++) all.push(await whoAnswers(balancer.port));
      return [...new Set(all)].sort();
    };
    for (const backend of ['one', 'two', 'spare']) {
      await balancer.logged('backend_up', WAIT_MS, { backend });
    }
    expect(await answers()).toEqual(['one', 'two']);

    for (const server of servers.slice(0, 2)) endServer(server);
    expect(await answers()).toEqual(['spare']);
    expect(await balancer.logged('pool_uses_backups', WAIT_MS)).not.toBeNull();
    for (const backend of ['one', 'two']) {
      await balancer.logged('backend_down', WAIT_MS, { backend });
    }

    balancer.forgetLogs();
    await serve('two', ports[1]);
    expect(await balancer.logged('pool_returns', WAIT_MS)).not.toBeNull();
    await balancer.logged('backend_up', WAIT_MS, { backend: 'two' });
    expect(await answers()).toEqual(['two']);
  });
});
