import { describe, expect, it } from 'vitest';
import { Views } from './views.ts';

const outer = Uint8Array.from({ length: 2000 }, (_, n) => n % 251);
/** It does not begin where its buffer does. */
const memory = outer.subarray(100, 1100);

describe('views', () => {
  it.each([
    [0, 1000],
    [0, 0],
    [7, 0],
    [0, 10],
    [3, 10],
    [0, 10 + 256],
    [0, 10],
    [999, 1],
  ])('show what is there: %d bytes in, %d long', (start, length) => {
    const views = new Views(memory);
    for (let again = 0; again < 2; again++) {
      views.of(5, 10);
      const view = views.of(start, length);
      expect([...view]).toEqual([...memory.subarray(start, start + length)]);
      expect(view.buffer).toBe(memory.buffer);
    }
  });

  it('are the same the next time', () => {
    const views = new Views(memory);
    expect(views.of(3, 10)).toBe(views.of(3, 10));
    expect(views.of(4, 10)).not.toBe(views.of(3, 10));
  });
});
