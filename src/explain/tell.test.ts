import { describe, expect, it } from 'vitest';
import type { Explanation, Refused } from './explanation.ts';
import { tell } from './tell.ts';

const log = {
  status: 0,
  pool: null,
  backend: null,
  attempts: 0,
  requestId: '',
  end: 'x',
  cause: null,
};

/** Of a request that was refused. */
function refusedAt(line: string, column: number): Explanation {
  const refused: Refused = { status: 400, rule: 'XX01', what: 'wrong', byte: 9, line, column };
  return {
    accept: { listener: '*:80', peer: '::1', trusted: false, client: '::1' },
    parse: { requestLine: 'GET / HTTP/1.1', facts: null, refused },
    route: null,
    pick: null,
    connect: [],
    relay: null,
    log,
  };
}

describe('a told explanation', () => {
  it('has a paragraph for each verb it came to', () => {
    const verbs = tell(refusedAt('a', 0), false).match(/^[a-z]+/gm);
    expect(verbs).toEqual(['accept', 'parse', 'log']);
  });

  it('points at the byte, also in a long line', () => {
    for (const column of [0, 5, 59, 60, 61, 300, 999]) {
      const line = `${'.'.repeat(column)}!${'.'.repeat(999 - column)}`;
      const lines = tell(refusedAt(line, column), false).split('\n');
      const at = lines.findIndex((each) => each.trim() === '^');
      expect(lines[at - 1].indexOf('!')).toBe(lines[at].indexOf('^'));
      expect(lines[at - 1].length).toBeLessThan(100);
    }
  });

  it('shows no bytes that a terminal obeys', () => {
    expect(tell(refusedAt('\x1b[2J\x07\xff', 0), false)).not.toMatch(/[^\n\x20-\x7e]/);
  });

  it('has colours where they are wanted, and the same words', () => {
    const plain = tell(refusedAt('abc', 1), false);
    const coloured = tell(refusedAt('abc', 1), true);
    expect(coloured).toContain('\x1b[1mparse\x1b[0m');
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(plain);
  });
});
