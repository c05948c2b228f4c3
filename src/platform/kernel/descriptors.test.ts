import { describe, expect, it } from 'vitest';
import { Descriptors } from './descriptors.ts';

const LARGEST = 8 * Descriptors.bytes - 1;

function opened(...fds: number[]): Descriptors {
  const descriptors = new Descriptors();
  for (const fd of fds) descriptors.opened(fd);
  return descriptors;
}

describe('descriptors that are written down', () => {
  it('are those that were opened, each once', () => {
    const fds = [LARGEST, 64, 0, 31, 32, 33, 32, 1000];
    expect(opened(...fds).take()).toEqual([0, 31, 32, 33, 64, 1000, LARGEST]);
  });

  it('are no longer those that were closed, until they are opened again', () => {
    const descriptors = opened(30, 31, 32);
    for (const fd of [31, 32, 33]) descriptors.closes(fd);
    descriptors.opened(32);
    expect(descriptors.take()).toEqual([30, 32]);
  });

  it('are forgotten once they are taken', () => {
    const descriptors = opened(7, 31, 40);
    descriptors.take();
    expect(descriptors.take()).toEqual([]);
    descriptors.opened(8);
    expect(descriptors.take()).toEqual([8]);
  });

  it('are seen by whoever shares the memory', () => {
    const memory = new SharedArrayBuffer(Descriptors.bytes);
    const [thread, starter] = [new Descriptors(memory), new Descriptors(memory)];
    for (const fd of [3, 4, 5]) thread.opened(fd);
    thread.closes(4);
    expect(starter.take()).toEqual([3, 5]);
    expect(thread.take()).toEqual([]);
  });

  it('do not include numbers above the bound, which touch no other', () => {
    const descriptors = opened(1, LARGEST + 1, LARGEST + 2, 2 ** 32);
    descriptors.closes(2 ** 32 + 1);
    expect(descriptors.take()).toEqual([1]);
  });

  it('are none where there is no memory for them', () => {
    const descriptors = new Descriptors(new SharedArrayBuffer(0));
    descriptors.opened(3);
    expect(descriptors.take()).toEqual([]);
  });
});
