import { expect, it } from 'vitest';
import { echoes, readFrames } from './frames.ts';

/** A masked frame, as a client sends it. */
function masked(opcode: number, payload: Buffer): Buffer {
  const mask = [1, 2, 3, 4];
  const length =
    payload.length < 126
      ? [0x80 | payload.length]
      : [0x80 | 126, payload.length >> 8, payload.length & 255];
  const hidden = payload.map((byte, n) => byte ^ mask[n % 4]!);
  return Buffer.from([0x80 | opcode, ...length, ...mask, ...hidden]);
}

it('reads whole frames and leaves what is not all there', () => {
  const first = masked(2, Buffer.from('hello'));
  const second = masked(1, Buffer.alloc(300, 'x'));
  const part = masked(2, Buffer.from('later')).subarray(0, 8);
  const { frames, used } = readFrames(Buffer.concat([first, second, part]));
  expect(used).toBe(first.length + second.length);
  expect(frames.map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
    [2, 'hello'],
    [1, 'x'.repeat(300)],
  ]);
});

it('says them again without a mask', () => {
  const sent = readFrames(masked(2, Buffer.alloc(300, 'y'))).frames;
  const back = readFrames(echoes(sent));
  expect(back.used).toBe(304);
  expect(back.frames).toEqual(sent);
});

it('answers a ping with a pong', () => {
  const { frames } = readFrames(masked(9, Buffer.from('?')));
  expect([...echoes(frames)]).toEqual([0x8a, 1, '?'.charCodeAt(0)]);
});
