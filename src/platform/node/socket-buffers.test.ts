import { describe, expect, it } from 'vitest';
import type { SocketHandler } from '../../core/base/transport.ts';
import { deliverRead, giveBack, keepWritten, readBuffer, toWrite } from './socket-buffers.ts';

const LARGE = 65_836;

/** A runtime that keeps what it is given when the kernel does not take it. */
class FakeRuntime {
  readonly kept: Uint8Array[] = [];

  write(bytes: Uint8Array, following?: Uint8Array): void {
    this.kept.push(toWrite(bytes, following));
    keepWritten();
  }
}

function reader(onData: (bytes: Uint8Array) => void): SocketHandler {
  return { onOpen() {}, onData, onDrain() {}, onEnd() {}, onClose() {} };
}

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** The values that are in it. */
const valuesIn = (bytes: Uint8Array): number[] => [...new Set(bytes)];

describe('what was read', () => {
  it('is delivered where the kernel has put it', () => {
    readBuffer.fill(3, 0, 100);
    let seen: Uint8Array | null = null;
    deliverRead(
      reader((bytes) => {
        seen = bytes;
      }),
      100,
    );
    expect(seen).toEqual(filled(100, 3));
    expect(seen!).toMatchObject({ buffer: readBuffer.buffer, byteOffset: 0 });
  });

  it('may be an answer of 64 KiB with its head, in one', () => {
    expect(readBuffer.length).toBeGreaterThan(LARGE);
  });
});

describe('what is written', () => {
  it.each([
    ['little', 1000],
    ['much', LARGE],
    ['more than a block', 200_000],
  ])(
    '%s of it is safe from its writer, and from what others write, until it is gone',
    (_, size) => {
      const runtime = new FakeRuntime();
      const scratch = new Uint8Array(size);
      for (let i = 0; i < 100; i++) {
        scratch.fill(i);
        runtime.write(scratch);
        toWrite(scratch.fill(0xee));
      }
      for (const [i, bytes] of runtime.kept.entries()) expect(valuesIn(bytes)).toEqual([i]);
    },
  );

  it('is safe from the next read', () => {
    const runtime = new FakeRuntime();
    readBuffer.fill(1, 0, LARGE);
    deliverRead(
      reader((bytes) => runtime.write(bytes)),
      LARGE,
    );
    readBuffer.fill(2, 0, LARGE);
    expect(valuesIn(runtime.kept[0])).toEqual([1]);
  });

  it('may be two, which leave as one', () => {
    const runtime = new FakeRuntime();
    for (const [first, second] of [
      [84, 13],
      [300, 65_536],
      [300, 300_000],
    ]) {
      runtime.write(filled(first, 1), filled(second, 2));
      const both = runtime.kept.at(-1)!;
      expect(both.length).toBe(first + second);
      expect([both[0], both[first - 1], both[first], both.at(-1)]).toEqual([1, 1, 2, 2]);
    }
  });

  it('uses the same memory again when the kernel took everything', () => {
    for (const size of [1000, LARGE]) {
      const bytes = new Uint8Array(size);
      const first = toWrite(bytes);
      expect(toWrite(bytes)).toMatchObject({ buffer: first.buffer, byteOffset: first.byteOffset });
    }
  });

  it('uses memory that was kept again when the runtime is done with it', () => {
    const runtime = new FakeRuntime();
    for (let i = 0; i < 20; i++) runtime.write(filled(LARGE, i));
    const memories = new Set(runtime.kept.map(({ buffer }) => buffer));
    expect(memories.size).toBe(20);
    for (const bytes of runtime.kept.splice(0)) giveBack(bytes);
    for (let i = 0; i < 8; i++) runtime.write(filled(LARGE, i));
    const again = runtime.kept.filter(({ buffer }) => memories.has(buffer));
    expect(again.length).toBeGreaterThanOrEqual(7);
    for (const [i, bytes] of runtime.kept.entries()) expect(valuesIn(bytes)).toEqual([i]);
  });

  it('never gives a slab to two', () => {
    const runtime = new FakeRuntime();
    runtime.write(filled(1000, 1));
    giveBack(runtime.kept[0]);
    for (let i = 0; i < 200; i++) runtime.write(filled(1000, 2));
    expect(runtime.kept[0]).toEqual(filled(1000, 1));
  });
});
