import { describe, expect, it } from 'vitest';
import { compile, withBug } from './plant.ts';
import { planted } from './planted.ts';

describe('the bugs that can be planted', () => {
  it('are at least forty, each another', () => {
    expect(new Set(planted.map(({ bug }) => bug)).size).toBe(planted.length);
    expect(planted.length).toBeGreaterThanOrEqual(40);
  });

  it.each(planted.map((each) => [each.bug, each] as const))('have a place: %s', (_, each) => {
    expect(compile(withBug(each))).not.toBe('');
  });
});
