import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../../../test/conformance/transport-ends.ts';
import { CLOSED_EARLY, type Failure } from '../../core/base/failure.ts';
import type { Listener } from '../../core/base/transport.ts';
import { listenFailure } from '../node/socket-failures.ts';
import { listenAt } from './listening.ts';

/** A system that listens at nothing. */
class FakeSystem {
  readonly asked: string[] = [];
  readonly answers: (Failure | null)[] = [];
  stops = 0;
  /** What it throws, by address. */
  readonly errors = new Map<string, NodeJS.ErrnoException>();
  listener!: Listener;

  listen(host: string | null, port = 80): this {
    this.listener = listenAt(
      { host, port },
      (failure) => this.answers.push(failure),
      (address) => {
        this.asked.push(address);
        const error = this.errors.get(address);
        if (error !== undefined) throw error;
        return { port: 8080, stop: () => this.stops++ };
      },
    );
    return this;
  }

  refuse(address: string, code: string): this {
    this.errors.set(address, Object.assign(new Error(`bind ${code}`), { code }));
    return this;
  }

  /** Waits for the first answer and for what would follow it. */
  async settle(): Promise<void> {
    await until(() => this.answers.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('listening', () => {
  it('is opened later, at the address that was asked for', async () => {
    const system = new FakeSystem().listen('::1');
    expect([system.asked, system.listener.port]).toEqual([[], 0]);
    await system.settle();
    expect([system.asked, system.answers]).toEqual([['::1'], [null]]);
    expect(system.listener.port).toBe(8080);
  });

  it('at a name is at an address that it stands for', async () => {
    const system = new FakeSystem().listen('localhost');
    await system.settle();
    expect(system.answers).toEqual([null]);
    expect(system.asked.map((address) => net.isIP(address) > 0)).toEqual([true]);
  });

  it('fails for a name that stands for nothing', async () => {
    const system = new FakeSystem().listen('no-such-name.invalid');
    await system.settle();
    expect([system.asked, system.answers.map((each) => each?.kind)]).toEqual([[], ['unresolved']]);
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])(
    'everywhere is at IPv4 alone where IPv6 is absent (%s)',
    async (code) => {
      const system = new FakeSystem().refuse('::', code).listen(null);
      await system.settle();
      expect([system.asked, system.answers]).toEqual([['::', '0.0.0.0'], [null]]);
    },
  );

  it('everywhere is at both families where they are there', async () => {
    const system = new FakeSystem().listen(null);
    await system.settle();
    expect([system.asked, system.answers]).toEqual([['::'], [null]]);
  });

  it.each([
    ['everywhere, for another reason', null, ['::'], 'EADDRINUSE'],
    ['at an address that is absent', '::', ['::'], 'EAFNOSUPPORT'],
    ['at an address that must not be used', '127.0.0.1', ['127.0.0.1'], 'EACCES'],
  ])('fails %s', async (_, host, asked, code) => {
    const system = new FakeSystem().refuse(asked[0], code).listen(host);
    await system.settle();
    const failure = listenFailure(system.errors.get(asked[0])!, { host, port: 80 });
    expect([system.asked, system.answers]).toEqual([asked, [failure]]);
    expect(system.listener.port).toBe(0);
  });

  it('fails where neither family can be had', async () => {
    const system = new FakeSystem().refuse('::', 'EAFNOSUPPORT').refuse('0.0.0.0', 'EADDRINUSE');
    await system.listen(null).settle();
    expect(system.asked).toEqual(['::', '0.0.0.0']);
    expect(system.answers.map((each) => each?.kind)).toEqual(['address_in_use']);
  });

  it.each([null, '127.0.0.1', 'localhost', 'no-such-name.invalid'])(
    'is never opened when it was closed before (%s)',
    async (host) => {
      const system = new FakeSystem().listen(host);
      system.listener.close();
      await system.settle();
      expect([system.asked, system.answers]).toEqual([[], [CLOSED_EARLY]]);
    },
  );

  it('stops once, however often it is closed', async () => {
    const system = new FakeSystem().listen(null);
    await system.settle();
    for (let i = 0; i < 3; i++) system.listener.close();
    expect(system.stops).toBe(1);
  });
});
