import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DirectWriter, learnToWrite, readInPlace } from './below-stream.ts';

const onNode = process.versions.bun === undefined;
const opened: { destroy(): void }[] = [];
const servers: net.Server[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.destroy();
  for (const each of servers.splice(0)) each.close();
});

/** Both ends of a connection. */
async function pair(): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const far = net.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' });
  const [near] = (await once(server, 'connection')) as [net.Socket];
  opened.push(near, far);
  return { near, far };
}

async function writerOf(stream: net.Socket, flushed: () => void): Promise<DirectWriter> {
  learnToWrite(stream);
  await new Promise((resolve) => stream.write(Buffer.from('first'), resolve));
  const writer = DirectWriter.for(stream, flushed);
  if (writer === null) throw new Error('this runtime does not show how it writes');
  return writer;
}

describe.skipIf(!onNode)('below the streams of this Node', () => {
  it('bytes are written at once, after what the stream wrote', async () => {
    const { near, far } = await pair();
    const writer = await writerOf(near, () => {});
    for (const text of [' second', ' third']) {
      expect(writer.write(Buffer.from(text))).toBe(true);
      expect(writer.writableLength).toBe(0);
    }
    near.end();
    far.setEncoding('latin1');
    let came = '';
    for await (const text of far) came += text;
    expect(came).toBe('first second third');
  });

  it('it is told when what the kernel did not take at once is gone', async () => {
    const { near, far } = await pair();
    let flushes = 0;
    const writer = await writerOf(near, () => flushes++);
    let written = 5;
    for (const block = Buffer.alloc(1024 * 1024); writer.write(block); ) written += block.length;
    written += 1024 * 1024;
    expect(writer.writableLength).toBeGreaterThan(0);
    expect(flushes).toBe(0);
    let read = 0;
    far.on('data', (bytes) => {
      read += bytes.length;
    });
    while (read < written) await new Promise((resolve) => setTimeout(resolve, 1));
    expect([writer.writableLength, flushes]).toEqual([0, 1]);
  });

  it('a write that libuv finishes by itself is not taken for one never begun', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    // It reads while we write: what the kernel does not take at first it takes a moment later.
    const reader = spawn(process.execPath, ['-e', `net.connect(${port}, '127.0.0.1').resume()`]);
    const [near] = (await once(server, 'connection')) as [net.Socket];
    opened.push(near);
    let flushes = 0;
    const writer = await writerOf(near, () => flushes++);
    const block = Buffer.alloc(100_000);
    for (let n = 0; n < 10_000; n++) {
      const before = flushes;
      if (writer.write(block)) continue;
      while (flushes === before) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(near.destroyed).toBe(false);
    reader.kill();
  });

  it('an error ends the stream, as one of its own would', async () => {
    const { near, far } = await pair();
    const writer = await writerOf(near, () => {});
    far.resetAndDestroy();
    const failed = once(near, 'error');
    for (let n = 0; n < 50 && !near.destroyed; n++) {
      writer.write(Buffer.from('x'));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(['EPIPE', 'ECONNRESET']).toContain(error.code);
  });

  it('accepted connections read into memory that is given', async () => {
    const { near, far } = await pair();
    const reads: string[] = [];
    const isDone = readInPlace(near, function onRead(length, buffer) {
      expect(this).toBe(near);
      reads.push(Buffer.from(buffer.subarray(0, length)).toString());
      return true;
    });
    expect(isDone).toBe(true);
    far.end('hello');
    await once(near, 'end');
    expect(reads).toEqual(['hello']);
  });
});

describe('a stream with nothing below it', () => {
  it('writes and reads by itself', () => {
    const stream = new net.Socket();
    opened.push(stream);
    learnToWrite(stream);
    expect(DirectWriter.for(stream, () => {})).toBeNull();
    expect(readInPlace(stream, () => true)).toBe(false);
  });
});
