import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseDuration } from './quantities.ts';
import { asList, asMapping, read, understood } from './written.ts';

describe('what is written', () => {
  it('is a mapping, a list, or neither', () => {
    expect(asMapping({ a: 1 })).toEqual({ a: 1 });
    expect([null, [], 'x', 1, undefined].map(asMapping)).toEqual([null, null, null, null, null]);
    expect(asList([1])).toEqual([1]);
    expect([null, {}, 'x', undefined].map(asList)).toEqual([[], [], [], []]);
  });

  it('is null where it is wrong in itself', () => {
    expect(understood(parseDuration, '2s')).toBe(2000);
    expect([understood(parseDuration, '2'), understood(parseDuration, 2)]).toEqual([null, null]);
    expect([read(z.string(), 'x'), read(z.string(), 1)]).toEqual(['x', null]);
  });
});
