import net from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  canListen,
  dial,
  type Listened,
  listen,
  part,
  until,
} from '../../../test/conformance/transport-ends.ts';
import { platformConformance } from '../../../test/conformance/transport-platform.ts';
import type { End } from '../../../test/conformance/transport-world.ts';
import type { Transport } from '../../core/base/transport.ts';
import { createNodeTransport } from '../node/sockets.ts';
import { findRuntime } from '../transport.ts';
import { Descriptors } from './descriptors.ts';
import { EMFILE } from './libc.ts';
import { createKernelIo } from './transport.ts';

const runtime = findRuntime();
const hasIpv6 = await canListen('::1');

describe.skipIf(runtime === null)('the calls of the kernel', () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const { transport, clock } = createKernelIo(runtime);
  platformConformance('the kernel', transport);

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.skipIf(!hasIpv6)("show a peer's address and port, of both families", async () => {
    const { listener, accepted } = await listen(transport, { host: null, port: 0 });
    for (const address of ['127.0.0.1', '::1']) {
      const client = net.connect(listener.port, address).on('error', () => {});
      await until(() => accepted.length > 0 && client.localPort !== undefined);
      const [end] = accepted.splice(0);
      expect(end.peer).toEqual({ address, port: client.localPort });
      client.destroy();
      await part(end);
    }
    listener.close();
  });

  it.skipIf(!hasIpv6)('listen at IPv6 alone where they are given such an address', async () => {
    const { listener, accepted } = await listen(transport, { host: '::1', port: 0 });
    const to = { address: '127.0.0.1', port: listener.port, tls: null };
    const refused = dial(transport, to);
    await until(() => refused.closes === 1);
    expect(refused.failure?.kind).toBe('refused');
    const near = dial(transport, { ...to, address: '::1' });
    await until(() => near.saw('open') && accepted.length > 0);
    await part(near, ...accepted);
    listener.close();
  });

  it('say that a connection was refused', async () => {
    const { listener } = await listen(transport, { host: '127.0.0.1', port: 0 });
    listener.close();
    const near = dial(transport, { address: '127.0.0.1', port: listener.port, tls: null });
    expect(near.closes).toBe(0);
    await until(() => near.closes === 1);
    expect(near.events).toEqual(['close']);
    expect(near.failure).toEqual({
      kind: 'refused',
      side: 'backend',
      phase: 'connect',
      retry: 'safe',
      cause: `127.0.0.1:${listener.port} refused the connection`,
    });
  });

  it('leave an address with a zone to the runtime', async () => {
    const near = dial(transport, { address: 'fe80::1%no-such-zone', port: 9, tls: null });
    expect(near.socket.constructor.name).not.toBe('KernelSocket');
    await part(near);
  });

  it.skipIf(!hasIpv6).each(['fe80::1%lo', '::1%lo'])(
    'leave listening at %s to the runtime, whatever comes of it',
    async (host) => {
      const ours = await listen(transport, { host, port: 0 });
      const theirs = await listen(createNodeTransport(), { host, port: 0 });
      expect(ours.failure).toEqual(theirs.failure);
      expect(ours.failure?.cause ?? '').not.toContain('EINVAL');
      for (const { listener } of [ours, theirs]) listener.close();
    },
  );

  it.skipIf(!hasIpv6)("let a turn come after what lay readable on the runtime's loop", async () => {
    const { listener, accepted } = await listen(transport, { host: '::1', port: 0 });
    const to = { address: '::1%lo', port: listener.port, tls: null };
    const guests: End[] = [];
    for (let count = 1; count <= 2; count++) {
      guests.push(dial(transport, to));
      await until(() => guests[count - 1].saw('open') && accepted.length === count);
    }
    for (let round = 1; round <= 20; round++) {
      let readByThen = -1;
      guests[0].onBytes = () => {
        accepted[1].send('b');
        clock.nextTurn(() => {
          readByThen = guests[1].received;
        });
      };
      accepted[0].send('a');
      await until(() => readByThen >= 0);
      expect(readByThen).toBe(round);
    }
    await part(...guests, ...accepted);
    listener.close();
  });

  it('write down each descriptor as long as it is open', async () => {
    const memory = new SharedArrayBuffer(Descriptors.bytes);
    const open = (): number[] => new Descriptors(memory.slice(0)).take();
    const own = createKernelIo(runtime, new Descriptors(memory)).transport;
    const before = open();
    expect(before.length).toBe(1);
    const { listener, accepted } = await listen(own, { host: '127.0.0.1', port: 0 });
    expect(open().length).toBe(2);
    const near = dial(own, { address: '127.0.0.1', port: listener.port, tls: null });
    expect(open().length).toBe(3);
    await until(() => near.saw('open') && accepted.length > 0);
    expect(open().length).toBe(4);
    listener.close();
    const refused = dial(own, { address: '127.0.0.1', port: listener.port, tls: null });
    near.call((socket) => socket.close());
    await until(() => accepted[0].saw('end') && refused.closes === 1);
    accepted[0].call((socket) => socket.end());
    await until(() => near.closes + accepted[0].closes === 2);
    expect(open()).toEqual(before);
  });

  it('keep no descriptor of a listener that they could not open', async () => {
    const descriptors = new Descriptors();
    const own = createKernelIo(runtime, descriptors).transport;
    const { listener } = await listen(transport, { host: '127.0.0.1', port: 0 });
    const other = await listen(own, { host: '127.0.0.1', port: listener.port });
    expect(other.failure?.kind).toBe('address_in_use');
    expect(descriptors.take().length).toBe(1);
    listener.close();
  });

  describe('on one port', () => {
    const sharing = (): Transport => createKernelIo(runtime, new Descriptors(), true).transport;
    const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });

    it('listen in several threads that share it, and each has connections', async () => {
      const one = await listen(sharing(), at(0));
      const { port } = one.listener;
      const other = await listen(sharing(), at(port));
      expect([one.failure, other.failure]).toEqual([null, null]);
      const clients: net.Socket[] = [];
      await until(() => {
        clients.push(net.connect(port, '127.0.0.1').on('error', () => {}));
        return one.accepted.length > 0 && other.accepted.length > 0;
      });
      for (const client of clients) client.destroy();
      for (const { listener, accepted } of [one, other]) {
        listener.close();
        await part(...accepted);
      }
    });

    it.each([
      ['neither', () => transport, () => transport],
      ['only the first', sharing, () => transport],
      ['only the second', () => transport, sharing],
    ])('do not listen twice where %s shares it', async (_, first, second) => {
      const one: Listened = await listen(first(), at(0));
      const other = await listen(second(), at(one.listener.port));
      expect([one.failure, other.failure?.kind]).toEqual([null, 'address_in_use']);
      one.listener.close();
      const again = await listen(second(), at(one.listener.port));
      expect(again.failure).toBe(null);
      again.listener.close();
    });
  });

  it('accept again after a time without descriptors', async () => {
    const { listener, accepted } = await listen(transport, { host: '127.0.0.1', port: 0 });
    const refusing = vi.spyOn(libc, 'accept4').mockReturnValue(-1);
    vi.spyOn(libc, 'errno').mockReturnValue(EMFILE);
    const client = net.connect(listener.port, '127.0.0.1').on('error', () => {});
    await until(() => refusing.mock.calls.length === 3);
    expect(accepted).toEqual([]);
    vi.restoreAllMocks();
    await until(() => accepted.length === 1);
    client.destroy();
    await part(...accepted);
    listener.close();
  });

  it('accept more at once than are accepted in one turn', async () => {
    const { listener, accepted } = await listen(transport, { host: '127.0.0.1', port: 0 });
    const to = { address: '127.0.0.1', port: listener.port, tls: null };
    const clients = Array.from({ length: 50 }, () => dial(transport, to));
    await until(() => accepted.length === 50 && clients.every((client) => client.saw('open')));
    await part(...clients, ...accepted);
    listener.close();
  });

  it('listen again at once where connections of before linger', async () => {
    const at = { host: '127.0.0.1', port: 0 };
    const { listener, accepted } = await listen(transport, at);
    const { port } = listener;
    const near = dial(transport, { address: at.host, port, tls: null });
    await until(() => near.saw('open') && accepted.length > 0);
    // Whoever closes first is left with the port for a minute.
    accepted[0].call((socket) => socket.close());
    await until(() => near.saw('end'));
    near.call((socket) => socket.close());
    listener.close();
    const again = await listen(transport, { ...at, port });
    expect(again.failure).toBe(null);
    again.listener.close();
  });

  it('come with a clock that waits where they wait', async () => {
    const descriptors = new Descriptors();
    const own = createKernelIo(runtime, descriptors).clock;
    const [epoll] = descriptors.take();
    const waits = vi.spyOn(libc, 'epoll_wait');
    const ways = [
      (wake: () => void) => own.nextTurn(wake),
      (wake: () => void) => own.wakeAt(-Infinity, wake),
    ];
    for (const way of ways) {
      waits.mockClear();
      let waited = -1;
      way(() => {
        waited = waits.mock.calls.filter(([fd]) => fd === epoll).length;
      });
      await until(() => waited >= 0);
      expect(waited).toBe(1);
    }
  });
});
