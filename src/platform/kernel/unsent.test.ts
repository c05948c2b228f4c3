import { describe, expect, it } from 'vitest';
import { keepWritten, toWrite } from '../node/socket-buffers.ts';
import { Pipe, type Pipes } from './pipes.ts';
import { Unsent } from './unsent.ts';

/** Pipes whose only use is that they are given back. */
function world() {
  const given: Pipe[] = [];
  const pipes = { give: (pipe: Pipe) => void given.push(pipe) } as unknown as Pipes;
  return { unsent: new Unsent(pipes), given };
}

function pipeOf(length: number): Pipe {
  const pipe = new Pipe(-1, -1);
  pipe.length = length;
  return pipe;
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** What is to be sent next: the bytes, or the pipe. */
function next(unsent: Unsent): unknown {
  const first = unsent.first();
  return first instanceof Pipe ? first : [...first];
}

describe('what is unsent', () => {
  it('is nothing at first', () => {
    expect(world().unsent.length).toBe(0);
  });

  it('leaves in the order in which it came, bytes and pipes', () => {
    const { unsent, given } = world();
    const pipes = [pipeOf(100), pipeOf(50)];
    unsent.push(bytes(1, 2), 0);
    unsent.push(pipes[0], 0);
    unsent.push(pipes[1], 0);
    unsent.push(bytes(3), 0);
    expect([unsent.length, next(unsent)]).toEqual([153, [1, 2]]);
    expect(unsent.advance(2)).toBe(true);
    for (const pipe of pipes) {
      expect(next(unsent)).toBe(pipe);
      const { length } = pipe;
      pipe.length = 0;
      expect(unsent.advance(length)).toBe(true);
    }
    expect([unsent.length, next(unsent)]).toEqual([1, [3]]);
    expect(unsent.advance(1)).toBe(true);
    expect(unsent.length).toBe(0);
    expect(given).toEqual(pipes);
  });

  it('goes on in the middle of bytes of which a part was taken', () => {
    const { unsent } = world();
    unsent.push(bytes(1, 2, 3, 4, 5), 2);
    unsent.push(bytes(6, 7), 0);
    expect([unsent.length, next(unsent)]).toEqual([5, [3, 4, 5]]);
    expect([unsent.advance(0), next(unsent)]).toEqual([false, [3, 4, 5]]);
    expect([unsent.advance(2), unsent.length, next(unsent)]).toEqual([false, 3, [5]]);
    expect([unsent.advance(1), unsent.length, next(unsent)]).toEqual([true, 2, [6, 7]]);
    expect([unsent.advance(2), unsent.length]).toEqual([true, 0]);
    unsent.push(bytes(8, 9), 1);
    expect([unsent.length, next(unsent)]).toEqual([1, [9]]);
  });

  it('stays in a pipe of which a part was taken, which keeps its place', () => {
    const { unsent, given } = world();
    const pipe = pipeOf(10);
    unsent.push(pipe, 0);
    unsent.push(bytes(1, 2), 0);
    pipe.length = 3;
    expect([unsent.advance(7), unsent.length, next(unsent), given]).toEqual([false, 5, pipe, []]);
    pipe.length = 0;
    expect([unsent.advance(3), unsent.length, given]).toEqual([true, 2, [pipe]]);
    expect(next(unsent)).toEqual([1, 2]);
  });

  it('gives its memory back when it has left, and when it never will', () => {
    const last = [
      (unsent: Unsent, block: Uint8Array) => unsent.advance(block.length),
      (unsent: Unsent) => unsent.drop(),
    ];
    for (const end of last) {
      const { unsent } = world();
      const large = new Uint8Array(50_000);
      const block = toWrite(large);
      keepWritten();
      unsent.push(block, 0);
      end(unsent, block);
      toWrite(large);
      keepWritten();
      expect(toWrite(large).buffer).toBe(block.buffer);
    }
  });

  it('gives its pipes back when it is dropped, full or not, and is as new', () => {
    const { unsent, given } = world();
    const pipes = [pipeOf(100), pipeOf(50)];
    unsent.push(bytes(1, 2, 3), 2);
    for (const pipe of pipes) unsent.push(pipe, 0);
    unsent.drop();
    expect([unsent.length, given]).toEqual([0, pipes]);
    unsent.drop();
    expect(given).toHaveLength(2);
    unsent.push(bytes(4, 5), 0);
    expect([unsent.length, next(unsent)]).toEqual([2, [4, 5]]);
  });
});
