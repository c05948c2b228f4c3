import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../core/base/failure.ts';
import type { ListenAddress } from '../../core/base/transport.ts';
import { canSharePorts, createTransport } from '../transport.ts';
import { claimPort } from './claim-port.ts';

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
