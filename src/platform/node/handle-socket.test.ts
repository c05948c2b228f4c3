import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Listener, Peer, Socket, SocketHandler } from '../../core/base/transport.ts';
import { acceptHandle, connectHandle, hasHandles } from './handle-socket.ts';
import { createNodeTransport } from './sockets.ts';
import type { TcpHandle } from './tcp-handle.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Notes what a connection is told. */
class Notes implements SocketHandler {
  readonly told: string[] = [];
  bytes = 0;
  drains = 0;
  onOpen(): void {
    this.told.push('open');
  }
  onData(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  onDrain(): void {
    this.drains++;
  }
  onEnd(): void {
    this.told.push('end');
  }
  onClose(): void {
    this.told.push('close');
  }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

interface Accepted {
  readonly socket: Socket;
  readonly notes: Notes;
  readonly peer: Peer;
}

/** Listens; `accepted` grows. */
async function listen(): Promise<{ port: number; accepted: Accepted[] }> {
  const accepted: Accepted[] = [];
  const listener = await new Promise<Listener>((resolve) => {
    const opening: Listener = createNodeTransport().listen(
      { host: '127.0.0.1', port: 0 },
      (socket, peer) => {
        const notes = new Notes();
        accepted.push({ socket, notes, peer });
        return notes;
      },
      () => resolve(opening),
    );
  });
  cleanUps.push(() => {
    listener.close();
    for (const { socket } of accepted) socket.reset();
  });
  return { port: listener.port, accepted };
}

describe.skipIf(!hasHandles)('a connection on the handle below a stream', () => {
  it('a write that libuv finishes by itself is not taken for one never begun', async () => {
    const { port, accepted } = await listen();
    // It reads while we write: what the kernel does not take at first it takes a moment later.
    const reader = spawn(process.execPath, ['-e', `net.connect(${port}, '127.0.0.1').resume()`]);
    cleanUps.push(() => reader.kill());
    await until(() => accepted.length === 1);
    const [{ socket, notes }] = accepted;
    const block = Buffer.alloc(100_000);
    let waits = 0;
    for (let n = 0; n < 10_000; n++) {
      if (socket.write(block)) continue;
      waits++;
      await until(() => notes.drains === waits);
      expect(socket.unsentBytes()).toBe(0);
    }
    expect(notes.told).toEqual([]);
  });

  it('may be reset in the same breath as its end', async () => {
    const { port, accepted } = await listen();
    const far = net.connect({ port, host: '127.0.0.1' }).resume();
    const ended = once(far, 'close');
    far.on('error', () => {});
    await until(() => accepted.length === 1);
    const [{ socket, notes }] = accepted;
    socket.end();
    socket.reset();
    await until(() => notes.told.length > 0);
    expect(notes.told).toEqual(['close']);
    await ended;
  });

  it('sends its FIN and closes when the other side has sent its own, in either order', async () => {
    const { port, accepted } = await listen();
    for (const weBegin of [true, false]) {
      const notes = new Notes();
      const socket = connectHandle({ address: '127.0.0.1', port, tls: null }, notes);
      await until(() => notes.told.length > 0);
      const far = accepted.at(-1)!;
      if (weBegin) socket.end();
      else far.socket.end();
      await until(() => (weBegin ? far.notes : notes).told.includes('end'));
      if (weBegin) far.socket.end();
      else socket.end();
      await until(() => notes.told.includes('close') && far.notes.told.includes('close'));
      expect(notes.told).toEqual(['open', 'end', 'close']);
    }
  });

  it('that was reset before it is accepted is nobody', () => {
    let closed = 0;
    const handle = { getpeername: () => -1, close: () => closed++ } as unknown as TcpHandle;
    acceptHandle(handle, () => {
      throw new Error('there is nobody to accept');
    });
    expect(closed).toBe(1);
  });
});
