import { describe, expect, it } from 'vitest';
import type { SocketHandler } from '../../core/base/transport.ts';
import {
  deliverChunk,
  deliverRead,
  keepWritten,
  nextReadBuffer,
  toWrite,
  toWriteJoined,
} from './socket-buffers.ts';

const BULK = 20_000;

/** A stream that keeps what it is given, and takes it at once or not at all. */
class FakeStream {
  readonly given: Uint8Array[] = [];
  writableLength = 0;
  readonly takes: boolean;

  constructor(takes: boolean) {
    this.takes = takes;
  }

  write(bytes: Uint8Array): boolean {
    this.given.push(bytes);
    if (!this.takes) this.writableLength += bytes.length;
    return this.takes;
  }
}

function write(stream: FakeStream, bytes: Uint8Array): boolean {
  const more = stream.write(toWrite(bytes));
  if (stream.writableLength !== 0) keepWritten();
  return more;
}

function reader(onData: (bytes: Uint8Array) => void): SocketHandler {
  return { onOpen() {}, onData, onDrain() {}, onEnd() {}, onClose() {} };
}

/** The buffer a connection has after one bulk read: one of its own. */
function bulkBuffer(): Uint8Array {
  deliverRead(
    reader(() => {}),
    nextReadBuffer(),
    BULK,
  );
  return nextReadBuffer();
}

describe('the buffers of reads', () => {
  it('are one and the same for all connections that read little', () => {
    const shared = nextReadBuffer();
    deliverRead(
      reader(() => {}),
      shared,
      100,
    );
    expect(nextReadBuffer()).toBe(shared);
    expect(nextReadBuffer()).toBe(shared);
  });

  it('are their own for connections in bulk transfer, and shared again after it', () => {
    const shared = nextReadBuffer();
    const own = bulkBuffer();
    expect(own).not.toBe(shared);
    deliverRead(
      reader(() => {}),
      own,
      BULK,
    );
    expect(nextReadBuffer()).toBe(own);
    deliverRead(
      reader(() => {}),
      own,
      10,
    );
    expect(nextReadBuffer()).toBe(shared);
  });

  it('are never shared by two connections in bulk transfer', () => {
    const buffers = [bulkBuffer(), bulkBuffer(), bulkBuffer()];
    expect(new Set(buffers).size).toBe(3);
  });

  it('are given up for good once a stream has kept a view of them', () => {
    const slow = new FakeStream(false);
    const own = bulkBuffer();
    deliverRead(
      reader((bytes) => write(slow, bytes.subarray(5, 50))),
      own,
      BULK,
    );
    expect(slow.given[0].buffer).toBe(own.buffer);
    const later = [nextReadBuffer(), ...Array.from({ length: 20 }, bulkBuffer)];
    expect(later).not.toContain(own);
  });

  it('stay with the reader when the kernel took everything', () => {
    const quick = new FakeStream(true);
    const own = bulkBuffer();
    deliverRead(
      reader((bytes) => write(quick, bytes)),
      own,
      BULK,
    );
    expect(quick.given[0].buffer).toBe(own.buffer);
    expect(nextReadBuffer()).toBe(own);
  });
});

describe('the bytes of writes', () => {
  it('are copied when they come from the buffer that others read into', () => {
    const slow = new FakeStream(false);
    const shared = nextReadBuffer();
    shared.fill(1, 0, 10);
    deliverRead(
      reader((bytes) => write(slow, bytes)),
      shared,
      10,
    );
    shared.fill(2, 0, 10);
    expect([...slow.given[0]]).toEqual(new Array(10).fill(1));
  });

  it('are not copied when they come from a chunk of their own, but only while it is read', () => {
    const slow = new FakeStream(false);
    const chunk = new Uint8Array(30);
    deliverChunk(
      reader((bytes) => write(slow, bytes.subarray(10))),
      chunk,
    );
    write(slow, chunk);
    expect(slow.given.map((bytes) => bytes.buffer === chunk.buffer)).toEqual([true, false]);
  });

  it('are copied otherwise, to memory that is used again only when the kernel took them', () => {
    const quick = new FakeStream(true);
    const slow = new FakeStream(false);
    const scratch = new Uint8Array(1000);
    for (let i = 0; i < 200; i++) {
      scratch.fill(i);
      write(i % 2 === 0 ? slow : quick, scratch);
    }
    scratch.fill(0);
    for (const [i, bytes] of slow.given.entries()) {
      expect(bytes.every((byte) => byte === 2 * i)).toBe(true);
    }
    expect(quick.given.every((bytes) => bytes.length === 1000)).toBe(true);
  });

  it('may be two, which leave as one', () => {
    const slow = new FakeStream(false);
    const first = new Uint8Array(300).fill(1);
    const second = new Uint8Array(65_536).fill(2);
    for (let i = 0; i < 3; i++) {
      slow.write(toWriteJoined(first, second));
      keepWritten();
    }
    first.fill(0);
    second.fill(0);
    for (const bytes of slow.given) {
      expect([bytes.length, bytes[299], bytes[300], bytes[65_835]]).toEqual([65_836, 1, 2, 2]);
    }
  });

  it('may be more than one slab holds', () => {
    const slow = new FakeStream(false);
    const scratch = new Uint8Array(200_000).fill(7);
    write(slow, scratch);
    scratch.fill(0);
    expect(slow.given[0].length).toBe(200_000);
    expect(slow.given[0].every((byte) => byte === 7)).toBe(true);
  });
});
