import { describe, expect, it } from 'vitest';
import { findRuntime } from '../transport.ts';
import { Descriptors } from './descriptors.ts';
import { Kernel } from './kernel.ts';
import { AF_INET, AF_UNIX, STREAM_TYPE } from './libc.ts';
import { Loop } from './loop.ts';

const runtime = findRuntime();

describe.skipIf(runtime === null)('what the connections of a thread share', () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const descriptors = new Descriptors();
  const kernel = new Kernel(libc, new Loop(runtime, descriptors), descriptors);

  function received(text: string, most: number): Uint8Array {
    const pair = new Int32Array(2);
    libc.socketpair(AF_UNIX, STREAM_TYPE, 0, pair);
    libc.send(pair[0], Buffer.from(text), text.length, 0);
    const bytes = kernel.lastRead(kernel.read(pair[1], most));
    for (const fd of pair) libc.close(fd);
    return bytes;
  }

  it('is read into, no more than was asked for', () => {
    expect(Buffer.from(received('a long answer', 6)).toString()).toBe('a long');
  });

  it('puts a head before a part of what was read, over what lay there', () => {
    const bytes = received('HEAD|body', 100);
    const at = kernel.join(Buffer.from('head of ours: '), bytes.subarray(5));
    expect(Buffer.from(kernel.memory).toString('latin1', at, at + 18)).toBe('head of ours: body');
  });

  it('says when there is no room for it, or when it is no part of what was read', () => {
    const bytes = received('body', 100);
    expect(kernel.join(new Uint8Array(32 * 1024 + 1), bytes)).toBe(-1);
    expect(kernel.join(new Uint8Array(1), new Uint8Array(8).subarray(4))).toBe(-1);
  });

  it('knows which sockets are open', () => {
    const fd = kernel.open(AF_INET);
    expect(descriptors.take()).toContain(fd);
    descriptors.opened(fd);
    kernel.close(fd);
    expect(descriptors.take()).not.toContain(fd);
  });
});
