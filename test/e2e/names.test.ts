/**
 * A backend whose name comes to mean another address, as a Compose service does that is started
 * anew: in this process, with a resolver of the test's own and real sockets.
 */
import { get, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { type Balancer, startBalancer } from '../../src/control/balancer.ts';
import { endServer, portOf, serveAlike } from './harness/named-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(name: string, host: string, port = 0): Promise<Server> {
  const server = await serveAlike(name, port, host);
  cleanups.push(() => endServer(server));
  return server;
}

async function balance(ports: { web: number; other: number }, addresses: string[]) {
  const result = parseConfig(
    `port: 0
address: 127.0.0.1
backends:
  - url: http://web.test:${ports.web}
  - url: http://127.0.0.1:${ports.other}
`,
    'names.yaml',
  );
  if (!('config' in result)) throw new Error('a good configuration');
  const events: string[] = [];
  const balancer = await startBalancer(result.config, {
    log: { exchange() {}, event: (_level, event) => void events.push(event) },
    resolver: { resolve: (_name, done) => void setImmediate(() => done([...addresses], null)) },
  });
  cleanups.push(() => balancer.stop({ timeoutMs: 0 }));
  return { balancer, events };
}

function ask(balancer: Balancer): Promise<string> {
  const [{ port }] = balancer.listeners;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, async (response) => {
      let text = `${response.statusCode} `;
      for await (const part of response) text += part;
      resolve(text);
    }).on('error', reject);
  });
}

describe('a service that comes back with another address', () => {
  it('is found again under load, and no request fails meanwhile', async () => {
    const addresses = ['127.0.0.2'];
    const before = await serve('before', '127.0.0.2');
    const other = await serve('other', '127.0.0.1');
    const { balancer } = await balance({ web: portOf(before), other: portOf(other) }, addresses);
    const answers: string[] = [];
    let loading = true;
    const load = Array.from({ length: 8 }, async () => {
      while (loading) answers.push(await ask(balancer));
    });
    await expect.poll(() => answers).toContain('200 before');
    const port = portOf(before);
    endServer(before);
    await serve('after', '127.0.0.3', port);
    addresses.splice(0, 1, '127.0.0.3');
    await expect.poll(() => answers, { timeout: 15_000 }).toContain('200 after');
    loading = false;
    await Promise.all(load);
    expect(answers.filter((answer) => !answer.startsWith('200 '))).toEqual([]);
  });
});
