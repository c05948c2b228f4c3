import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { platformConformance } from '../../../test/conformance/transport-platform.ts';
import { End } from '../../../test/conformance/transport-world.ts';
import type { Socket } from '../../core/base/transport.ts';
import { createBunTransport } from './sockets.ts';

const onBun = process.versions.bun !== undefined;

describe.skipIf(!onBun)("Bun's own sockets (skipped on Node)", () => {
  const transport = createBunTransport();
  platformConformance('Bun', transport);

  it('carry both ends, and leave the stream that opened one to nobody', async () => {
    const far = new End();
    const near = new End();
    const listener = await new Promise<{ port: number; close(): void }>((resolve) => {
      const opened = transport.listen(
        { host: '127.0.0.1', port: 0 },
        (socket) => {
          far.socket = socket;
          return far;
        },
        () => resolve(opened),
      );
    });
    near.socket = transport.connect({ address: '127.0.0.1', port: listener.port, tls: null }, near);
    await until(() => near.saw('open'));
    near.send('question');
    await until(() => far.text() === 'question');
    far.send('answer');
    await until(() => near.text() === 'answer');
    const kinds = [near, far].map((end) => end.socket.constructor.name);
    expect(kinds).toEqual(['BunSocket', 'BunSocket']);
    near.call((socket) => socket.close());
    await until(() => near.closes === 1 && far.saw('end'));
    far.call((socket) => socket.close());
    await until(() => far.closes === 1);
    expect([near.intrusions, far.intrusions]).toEqual([[], []]);
    listener.close();
  });

  it('put nothing of ours over what waits to be sent of the bytes before it', async () => {
    const [near, relay, out, sink] = [new End(), new End(), new End(), new End()];
    const accepting = [relay, sink];
    const listener = await new Promise<{ port: number; close(): void }>((resolve) => {
      const accept = (socket: Socket): End => {
        const end = accepting.shift()!;
        end.socket = socket;
        return end;
      };
      const at = { host: '127.0.0.1', port: 0 };
      const opened = transport.listen(at, accept, () => resolve(opened));
    });
    for (const end of [near, out]) {
      end.socket = transport.connect({ address: '127.0.0.1', port: listener.port, tls: null }, end);
      await until(() => end.saw('open') && accepting.length === (end === near ? 1 : 0));
    }
    sink.socket.pause();
    let before = 0;
    while (out.socket.write(new Uint8Array(100_000))) before += 100_000;
    before += 100_000;
    relay.onBytes = (bytes) => {
      out.socket.write(bytes.subarray(0, 2000));
      out.socket.write(new Uint8Array(1500).fill(7), bytes.subarray(2000));
    };
    near.socket.write(new Uint8Array(4000).fill(5));
    await until(() => relay.received === 4000);
    sink.socket.resume();
    await until(() => sink.received === before + 5500);
    const last = [...sink.bytes().subarray(before)];
    const runs = [last.slice(0, 2000), last.slice(2000, 3500), last.slice(3500)];
    expect(runs.map((run) => [...new Set(run)])).toEqual([[5], [7], [5]]);
    for (const end of [near, out, relay, sink]) end.socket.reset();
    listener.close();
  });

  it('read what came before a reset that a write has heard of', async () => {
    const server = net.createServer((stream) => {
      stream.on('error', () => {});
      stream.write('too late', () => stream.resetAndDestroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const near = new End();
    near.socket = transport.connect({ address: '127.0.0.1', port, tls: null }, near);
    near.onBytes = () => {
      for (let i = 0; i < 3; i++) near.send('more');
    };
    await until(() => near.closes === 1);
    expect([near.events, near.text()]).toEqual([['open', 'data', 'close'], 'too late']);
    expect(near.failure?.kind).toBe('reset');
    server.close();
  });

  it('tell a reset from an end that came before it', async () => {
    const server = net.createServer((stream) => {
      stream.on('error', () => {});
      stream.end();
      stream.on('finish', () => setTimeout(() => stream.destroy(), 20));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const near = new End();
    near.socket = transport.connect({ address: '127.0.0.1', port, tls: null }, near);
    await until(() => near.saw('end'));
    await new Promise((resolve) => setTimeout(resolve, 60));
    // The first is answered with a RST, which the others are told of.
    for (let i = 0; i < 3; i++) near.send('unwanted');
    await until(() => near.closes === 1);
    expect([near.events, near.intrusions]).toEqual([['open', 'end', 'close'], []]);
    expect(near.failure?.kind).toBe('reset');
    server.close();
  });
});

async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
