import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';
import { latin1, toLatin1 } from './bytes.ts';
import { createRng } from './rng.ts';

const textOf = (queue: ByteQueue): string => toLatin1(queue.bytes, queue.start, queue.end);

function add(queue: ByteQueue, text: string): void {
  queue.append(latin1(text), 0, text.length);
}

describe('a queue of bytes', () => {
  it('gives back what was put in, in order', () => {
    const queue = new ByteQueue();
    queue.append(latin1('xhello'), 1, 6);
    add(queue, ' world');
    expect(textOf(queue)).toBe('hello world');
    queue.drop(6);
    expect(textOf(queue)).toBe('world');
    expect(queue.length).toBe(5);
  });

  it('holds no memory when it is empty', () => {
    const queue = new ByteQueue();
    expect(queue.bytes.length).toBe(0);
    add(queue, 'abc');
    queue.drop(3);
    expect(queue.bytes.length).toBe(0);
    add(queue, 'abc');
    queue.clear();
    expect([queue.bytes.length, queue.length, queue.start, queue.end]).toEqual([0, 0, 0, 0]);
  });

  it('keeps what was appended first at the same offsets until something is dropped', () => {
    const queue = new ByteQueue();
    let all = '';
    for (let i = 0; i < 200; i++) {
      const part = `${i},`.repeat(i % 40);
      add(queue, part);
      all += part;
      expect(queue.start).toBe(0);
    }
    expect(textOf(queue)).toBe(all);
  });

  it('leaves an array that somebody still reads alone when it is cleared', () => {
    const queue = new ByteQueue();
    add(queue, 'first');
    const { bytes } = queue;
    queue.clear();
    add(queue, 'other');
    expect(toLatin1(bytes, 0, 5)).toBe('first');
  });

  it('behaves like a string under any mix of calls', () => {
    const rng = createRng(7);
    const queue = new ByteQueue();
    let model = '';
    for (let i = 0; i < 5000; i++) {
      if (rng.chance(1, 2)) {
        const part = String.fromCharCode(97 + rng.below(26)).repeat(rng.below(700));
        add(queue, part);
        model += part;
      } else if (rng.chance(1, 200)) {
        queue.clear();
        model = '';
      } else {
        const count = rng.below(model.length + 1);
        queue.drop(count);
        model = model.slice(count);
      }
      expect(queue.length).toBe(model.length);
      if (i % 50 === 0) expect(textOf(queue)).toBe(model);
    }
    expect(textOf(queue)).toBe(model);
  });

  it('does not copy what waits again for every small step of a full queue', () => {
    const queue = new ByteQueue();
    queue.append(new Uint8Array(65_536), 0, 65_536);
    const step = new Uint8Array(64);
    let moves = 0;
    for (let i = 0; i < 10_000; i++) {
      queue.drop(64);
      const { bytes, start } = queue;
      queue.append(step, 0, 64);
      if (queue.bytes !== bytes || queue.start < start) moves++;
    }
    // Each move carries 64 KiB: at most one for every 32 KiB that passed.
    expect(moves).toBeLessThan((10_000 * 64) / 32_768);
    expect(queue.bytes.length).toBeLessThanOrEqual(4 * 65_536);
  });
});
