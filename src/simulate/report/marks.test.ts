import { describe, expect, it } from 'vitest';
import { type Label, labelRows } from './marks.ts';

const right = (x: number, text = 'server-3 takes longer'): Label => ({ x, text, isLeft: false });
const left = (x: number, text = 'server-3 takes longer'): Label => ({ x, text, isLeft: true });

describe('the words at marks', () => {
  it('stand in the first row while they are apart', () => {
    expect(labelRows([right(0), right(300), left(900)])).toEqual([0, 0, 0]);
  });

  it('have as many rows as it takes when their marks are close', () => {
    expect(labelRows([right(0), right(10), right(20), right(30), right(40)])).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(labelRows([left(800), left(810), left(820)])).toEqual([2, 1, 0]);
  });

  it('come back to the first row when nothing is in the way there', () => {
    expect(labelRows([right(0), right(10), right(300)])).toEqual([0, 1, 0]);
  });

  it('are not crossed by the mark of words above them', () => {
    const long = 'a backend with a very long name goes down';
    expect(labelRows([right(0, 'short'), right(10, long), right(100, 'short')])).toEqual([0, 1, 2]);
  });

  it('of both sides of a chart do not cover each other', () => {
    expect(labelRows([right(600), left(700)])).toEqual([0, 1]);
  });
});
