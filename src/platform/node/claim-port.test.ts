import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../core/base/failure.ts';
import type { ListenAddress } from '../../core/base/transport.ts';
import { canSharePorts, createTransport } from '../transport.ts';
import { claimPort, isTaken } from './claim-port.ts';

const opened: { close(): void }[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

interface Claim {
  readonly failure: Failure | null;
  readonly port: number;
  readonly calls: number;
}

/** What was told, a few turns of the loop after it was told first. */
const claim = (at: ListenAddress): Promise<Claim> =>
  new Promise((resolve) => {
    let calls = 0;
    claimPort(at, (failure, port) => {
      calls++;
      if (calls === 1) setTimeout(() => resolve({ failure, port, calls }), 5);
    });
  });

const listen = (port: number, host = '127.0.0.1'): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = net.createServer();
    opened.push(server);
    server.once('error', reject);
    server.listen({ port, host }, () => resolve((server.address() as net.AddressInfo).port));
  });

const loopback = (port: number): ListenAddress => ({ host: '127.0.0.1', port });

describe('a port', () => {
  it('that the system chooses is told, and free again', async () => {
    const { failure, port, calls } = await claim(loopback(0));
    expect([failure, calls]).toEqual([null, 1]);
    expect(port).toBeGreaterThan(0);
    expect(await listen(port)).toBe(port);
  });

  it('that is free may be claimed again and again', async () => {
    const { port } = await claim(loopback(0));
    for (let again = 0; again < 3; again++) {
      expect(await claim(loopback(port))).toEqual({ failure: null, port, calls: 1 });
    }
  });

  it('that somebody has is not free, and the failure says so', async () => {
    const port = await listen(0);
    const { failure, calls } = await claim(loopback(port));
    expect(failure).toMatchObject({ kind: 'address_in_use', side: 'us' });
    expect(failure?.cause).toContain(String(port));
    expect(calls).toBe(1);
  });

  it('of every address is not free when somebody has it on one', async () => {
    const port = await listen(0, '0.0.0.0');
    const { failure } = await claim({ host: null, port });
    expect(failure?.kind).toBe('address_in_use');
  });

  it('of every address is told like any other', async () => {
    const { failure, port } = await claim({ host: null, port: 0 });
    expect(failure).toBeNull();
    expect(port).toBeGreaterThan(0);
  });

  it('on an address that is not of this machine fails', async () => {
    const { failure, port } = await claim({ host: '192.0.2.1', port: 0 });
    expect(failure).toMatchObject({ kind: 'no_resources', side: 'us' });
    expect(port).toBe(0);
  });

  it.runIf(canSharePorts())('that a stranger would share is not free', async () => {
    const transport = createTransport({ sharesPorts: true });
    const port = await new Promise<number>((resolve) => {
      const nobody = { onOpen() {}, onData() {}, onDrain() {}, onEnd() {}, onClose() {} };
      const stranger = transport.listen(
        loopback(0),
        () => nobody,
        () => resolve(stranger.port),
      );
      opened.push(stranger);
    });
    const { failure } = await claim(loopback(port));
    expect(failure?.kind).toBe('address_in_use');
  });
});

describe('a port in the tables of Linux', () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid';
  const row = (address: string): string =>
    `   0: ${address}:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  33  0 41207 1`;
  const table = (...addresses: string[]): string => [head, ...addresses.map(row)].join('\n');
  const at = (host: string | null): ListenAddress => ({ host, port: 8080 });

  it('is free when nobody listens on it', () => {
    expect(isTaken(at(null), { v4: table(), v6: table() })).toBe(false);
    expect(isTaken({ host: null, port: 81 }, { v4: table('00000000'), v6: null })).toBe(false);
  });

  it('is taken on every address by whoever listens on every one', () => {
    for (const host of [null, '127.0.0.1']) {
      expect(isTaken(at(host), { v4: table('00000000'), v6: null })).toBe(true);
      const v6 = table('00000000000000000000000000000000');
      expect(isTaken(at(host), { v4: table(), v6 })).toBe(true);
    }
  });

  it('is taken on one address by who listens on that one', () => {
    const v4 = table('0100007F');
    expect(isTaken(at('127.0.0.1'), { v4, v6: null })).toBe(true);
    expect(isTaken(at('192.0.2.1'), { v4, v6: null })).toBe(false);
    expect(isTaken(at(null), { v4, v6: null })).toBe(true);
  });

  it('is not known without tables, and not for a name or an IPv6 address', () => {
    expect(isTaken(at(null), { v4: null, v6: null })).toBeNull();
    for (const host of ['::1', 'localhost']) {
      expect(isTaken(at(host), { v4: table('00000000'), v6: null })).toBeNull();
    }
  });
});
