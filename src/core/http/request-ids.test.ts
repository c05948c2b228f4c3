import { describe, expect, it } from 'vitest';
import { toLatin1 } from '../base/bytes.ts';
import { createRng } from '../base/rng.ts';
import { RequestIds } from './request-ids.ts';

describe('request ids', () => {
  it('are a prefix of their own and a count', () => {
    const ids = new RequestIds(createRng(1));
    const texts = [ids.next(), ids.next(), ids.next()].map((count) => ids.text(count));
    expect(new Set(texts.map((text) => text.slice(0, 16))).size).toBe(1);
    expect(texts.map((text) => text.slice(16))).toEqual(['00000001', '00000002', '00000003']);
    expect(new RequestIds(createRng(2)).text(1).slice(0, 16)).not.toBe(texts[0].slice(0, 16));
  });

  it.each([1, 0x7fffffff, 0x80000000 | 0, -1, 0])(
    'are the same as text and in a field: %d',
    (count) => {
      const ids = new RequestIds(createRng(3));
      const out = new Uint8Array(50);
      const end = ids.writeField(count, out, 2);
      expect(toLatin1(out, 2, end)).toBe(`X-Request-Id: ${ids.text(count)}`);
      expect(ids.text(count)).toMatch(/^[0-9a-f]{24}$/);
      expect(toLatin1(out, end)).toBe('\0'.repeat(50 - end));
    },
  );
});
