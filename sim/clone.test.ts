import { describe, expect, it } from 'vitest';
import { clone } from './clone.ts';

describe('a message between threads', () => {
  it('is equal to what was sent, and shares no object with it', () => {
    const sent = {
      kind: 'configure',
      pages: new Map([[503, { body: new Uint8Array([1, 2]), kinds: new Set(['a']) }]]),
      list: [{ weight: 3 }, null, undefined, -0, 'text'],
    };
    const got = clone(sent);
    expect(got).toEqual(structuredClone(sent));
    expect(got.list[0]).not.toBe(sent.list[0]);
    expect(got.pages.get(503)!.body).not.toBe(sent.pages.get(503)!.body);
  });

  it('carries shared memory itself', () => {
    const memory = new SharedArrayBuffer(8);
    expect(clone({ memory }).memory).toBe(memory);
  });

  it('carries no function', () => {
    expect(() => clone({ pick: () => 1 })).toThrow('a function cannot be sent between threads');
  });
});
