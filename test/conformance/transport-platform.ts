/** What is asked of the platforms' transports alone: TLS, address families, the system. */
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/core/base/failure.ts';
import type { ListenAddress, Target, TlsTarget, Transport } from '../../src/core/base/transport.ts';
import { makeCertificates } from '../fixtures/certificates.ts';
import {
  canListen,
  dial as dialBy,
  type Listened,
  listen as listenBy,
  until,
} from './transport-ends.ts';
import { bytesOf, type End, PatternReader, Pourer } from './transport-world.ts';

const hasIpv6 = await canListen('::1');

/** `transport` stands alone: it needs no world of its own. */
export function platformConformance(name: string, transport: Transport): void {
  const certificates = makeCertificates();

  const dial = (to: Target): End => dialBy(transport, to);
  const listen = (at: ListenAddress): Promise<Listened> => listenBy(transport, at);

  describe(`a listener of ${name}`, () => {
    it.skipIf(!hasIpv6)('serves both families on one port, and shows IPv4 as IPv4', async () => {
      const { listener, accepted } = await listen({ host: null, port: 0 });
      for (const [i, address] of ['127.0.0.1', '::1'].entries()) {
        const near = dial({ address, port: listener.port, tls: null });
        await until(() => near.saw('open') && accepted.length > i);
        expect(accepted[i].peer).toMatchObject({ address });
        near.socket.reset();
        await until(() => near.closes === 1 && accepted[i].closes === 1);
      }
      listener.close();
    });

    it('serves only the address it is given', async () => {
      const { listener, failure } = await listen({ host: '127.0.0.1', port: 0 });
      expect(failure).toBe(null);
      const near = dial({ address: '127.0.0.2', port: listener.port, tls: null });
      await until(() => near.closes === 1);
      expect(near.failure?.kind).toBe('refused');
      listener.close();
    });

    it('may be given a name, and says when there is no such name', async () => {
      const { listener, failure } = await listen({ host: 'localhost', port: 0 });
      expect([failure, listener.port > 0]).toEqual([null, true]);
      listener.close();
      const other = await listen({ host: 'no-such-name.invalid', port: 0 });
      // Bun's own `node:net` gives no code here; nothing listens through it any more.
      const nameless = name === 'Node' && process.versions.bun !== undefined;
      expect(other.failure?.kind).toBe(nameless ? 'no_resources' : 'unresolved');
      other.listener.close();
    });

    it('refuses a port that a stranger would share', async () => {
      const stranger = net.createServer();
      const options = { port: 0, host: '127.0.0.1', reusePort: true };
      await new Promise<void>((resolve) => stranger.listen(options, resolve));
      const { port } = stranger.address() as net.AddressInfo;
      for (const host of [null, '127.0.0.1']) {
        const { listener, failure } = await listen({ host, port });
        expect(failure?.kind).toBe('address_in_use');
        listener.close();
      }
      await new Promise((resolve) => stranger.close(resolve));
    });

    it('says when an address is not of this machine', async () => {
      const { listener, failure } = await listen({ host: '203.0.113.1', port: 0 });
      expect(failure).toMatchObject({ kind: 'no_resources', side: 'us' });
      expect(failure?.cause).toContain('203.0.113.1:0 is not an address of this machine');
      listener.close();
    });
  });

  describe.skipIf(certificates === null)(`a TLS connection of ${name} (openssl)`, () => {
    const { caPem, key, cert } = certificates ?? { caPem: '', key: '', cert: '' };
    const received: Buffer[] = [];
    const errors: string[] = [];
    let server: tls.Server;
    let port = 0;

    beforeAll(async () => {
      const options = { key, cert, ALPNProtocols: ['http/1.1'] };
      server = tls.createServer(options, (stream) => {
        stream.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
        stream.on('data', (chunk: Buffer) => {
          received.push(chunk);
          stream.write(chunk);
        });
      });
      server.on('tlsClientError', () => {});
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      port = (server.address() as net.AddressInfo).port;
    });
    afterAll(() => {
      server.close();
    });

    function secure(target: Partial<TlsTarget>, at = port): End {
      received.length = 0;
      const defaults = { serverName: 'backend.test', verify: true, caPem };
      return dial({ address: '127.0.0.1', port: at, tls: { ...defaults, ...target } });
    }

    async function failureOf(end: End): Promise<Failure | null> {
      await until(() => end.closes === 1);
      expect(end.events).toEqual(['close']);
      expect(end.failure).toMatchObject({ side: 'backend', phase: 'connect', retry: 'safe' });
      return end.failure;
    }

    it.each(['backend.test', '127.0.0.1'])('opens when the certificate is for %s', async (name) => {
      const end = secure({ serverName: name });
      end.send('early ');
      await until(() => end.saw('open'));
      end.send('late');
      await until(() => end.text() === 'early late');
      expect(end.events[0]).toBe('open');
      end.call((socket) => socket.end());
      await until(() => end.closes === 1);
      expect([end.failure, end.intrusions]).toEqual([null, []]);
    });

    it('fails for an authority it does not know, before a byte is sent', async () => {
      const end = secure({ caPem: null });
      end.send('secret');
      const failure = await failureOf(end);
      expect(failure?.kind).toBe('tls');
      expect(failure?.cause).toContain('set tls.ca');
      expect(received).toEqual([]);
    });

    it.each(['other.test', '127.0.0.9'])(
      'fails when the certificate is not for %s',
      async (name) => {
        const failure = await failureOf(secure({ serverName: name }));
        expect(failure?.kind).toBe('tls');
        expect(failure?.cause).toContain(`certificate is not for ${name}`);
      },
    );

    it('opens for any certificate when told not to verify', async () => {
      const end = secure({ serverName: 'other.test', caPem: null, verify: false });
      await until(() => end.saw('open'));
      end.socket.reset();
      await until(() => end.closes === 1);
    });

    it('fails where the other side does not speak TLS, or hangs up', async () => {
      for (const [answer, cause] of [
        ['HTTP/1.1 400 Bad Request\r\n\r\n', 'the answer was not TLS'],
        ['', 'closed during the handshake'],
      ]) {
        const { listener, accepted } = await listen({ host: '127.0.0.1', port: 0 });
        const end = secure({}, listener.port);
        await until(() => accepted.length > 0);
        accepted[0].socket.write(bytesOf(answer));
        accepted[0].socket.close();
        const failure = await failureOf(end);
        expect(failure?.kind).toBe('tls');
        expect(failure?.cause).toContain(cause);
        listener.close();
      }
    });

    it('is refused like any other where nobody listens', async () => {
      const { listener } = await listen({ host: '127.0.0.1', port: 0 });
      const closed = listener.port;
      listener.close();
      const failure = await failureOf(secure({}, closed));
      expect(failure?.kind).toBe('refused');
    });

    it('can be given up during the handshake', async () => {
      const { listener, accepted } = await listen({ host: '127.0.0.1', port: 0 });
      const end = secure({}, listener.port);
      await until(() => (accepted[0]?.received ?? 0) > 0);
      end.call((socket) => socket.reset());
      // Bun says goodbye with a FIN here; nothing was asked of the other side yet.
      await until(() => end.closes === 1 && (accepted[0].saw('end') || accepted[0].saw('close')));
      expect([end.events, end.failure, end.intrusions]).toEqual([['close'], null, []]);
      accepted[0].socket.reset();
      listener.close();
    });

    it('can be given up before anything is sent', async () => {
      const ends = [secure({}), secure({})];
      ends[0].call((socket) => socket.reset());
      ends[1].call((socket) => socket.close());
      await until(() => ends.every((end) => end.closes === 1));
      for (const end of ends) {
        expect([end.events, end.failure, end.intrusions]).toEqual([['close'], null, []]);
      }
    });

    it('is reset without a close notice', async () => {
      const end = secure({});
      end.send('x');
      await until(() => end.text() === 'x');
      errors.length = 0;
      end.call((socket) => socket.reset());
      await until(() => end.closes === 1 && errors.length > 0);
      expect([errors, end.failure, end.intrusions]).toEqual([['ECONNRESET'], null, []]);
    });

    it('sends what was written before it closes', async () => {
      const end = secure({});
      await until(() => end.saw('open'));
      end.send('last words');
      end.call((socket) => socket.close());
      await until(() => end.closes === 1 && Buffer.concat(received).toString() === 'last words');
      expect([end.events, end.failure]).toEqual([['open', 'close'], null]);
    });

    it('carries bulk both ways at once, and tells of room', async () => {
      const total = 4_000_000;
      const end = secure({});
      const reader = new PatternReader();
      end.keep = false;
      end.onBytes = (bytes) => reader.read(bytes);
      await until(() => end.saw('open'));
      const pourer = new Pourer(end, total, 30_000);
      pourer.pour();
      await until(() => end.received === total);
      expect([reader.firstWrong, end.intrusions]).toEqual([-1, []]);
      expect(pourer.blocks).toBeGreaterThan(0);
      end.socket.reset();
      await until(() => end.closes === 1);
    });
  });
}
