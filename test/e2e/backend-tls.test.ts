/** TLS to backends, on real sockets, and what a reload of its settings does to connections. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../fixtures/certificates.ts';
import { Balancer, shortConfig } from './harness/balancer.ts';
import { RawClient } from './harness/raw-client.ts';
import { until } from './harness/until.ts';

const waitMs = 10_000;
const certificates = makeCertificates();

describe.skipIf(certificates === null)('a backend behind https (openssl)', () => {
  const { caPem, key, cert } = certificates ?? { caPem: '', key: '', cert: '' };
  let server: Server;
  /** What carried each request of ours; probes have connections of their own. */
  const carriers: Socket[] = [];

  beforeAll(async () => {
    server = createServer({ key, cert }, ({ url, socket }, response) => {
      if (url === '/ours') carriers.push(socket);
      response.end('ok');
    });
    // Longer than this takes on a busy machine: none is given up for its age.
    server.keepAliveTimeout = 120_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is spoken to over what a reload of tls says, and over nothing from before', async () => {
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const config = (tls: object, rest = ''): string =>
      `${shortConfig([url])}tls: ${JSON.stringify(tls)}\n${rest}`;
    const balancer = await Balancer.start({ config: config({ verify: false }) });
    // One client stays with one worker, and so with the connections that this one keeps.
    const client = await RawClient.connect(balancer.port);
    let asked = 0;
    const status = async (): Promise<number> => {
      const at = asked++;
      await client.send('GET /ours HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await client.until(() => client.responses()[at]?.complete === true, waitMs);
      return client.responses()[at].status;
    };
    const reload = async (text: string): Promise<void> => {
      const times = (): number =>
        balancer.logs().filter(({ event }) => event === 'reloaded').length;
      const before = times();
      await balancer.reload(text);
      await until('it is reloaded', () => times() > before, waitMs);
    };
    try {
      for (let n = 0; n < 3; n++) expect(await status()).toBe(200);
      const before = new Set(carriers);
      await reload(config({ verify: false }, 'log: {level: debug}\n'));
      await until('a connection from before carries one more', async () => {
        expect(await status()).toBe(200);
        return before.has(carriers[carriers.length - 1]);
      });

      // Workers hear of it a moment later; requests all the while keep a connection in use.
      await reload(config({ verify: true }));
      await until('the certificate is refused', async () => (await status()) !== 200);
      const served = carriers.length;
      for (let n = 0; n < 3; n++) expect(await status()).not.toBe(200);
      expect(carriers).toHaveLength(served);

      await reload(config({ ca: caPem, server_name: 'backend.test' }));
      await until('the certificate is accepted', async () => (await status()) === 200);
      for (let n = 0; n < 3; n++) expect(await status()).toBe(200);
    } finally {
      client.destroy();
      await balancer.stop('SIGKILL');
    }
  });
});
