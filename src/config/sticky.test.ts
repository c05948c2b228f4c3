import { describe, expect, it } from 'vitest';
import { sticky, stickyProblems } from './sticky.ts';

const problemsOf = (value: unknown): string => {
  const result = sticky.safeParse(value);
  return result.success ? '' : result.error.issues.map(({ message }) => message).join('\n');
};

const secret = 'sixteen letters!';

describe('sticky', () => {
  it('needs the name of a cookie, and nothing else', () => {
    expect(sticky.parse({ cookie: 'lb' })).toEqual({ cookie: 'lb', drain: false });
    expect(stickyProblems({ cookie: 'lb' })).toEqual([]);
  });

  it('or of a header, or of what backends say', () => {
    for (const by of [{ header: 'X' }, { learn: { cookie: 'J' } }, { learn: { header: 'X' } }]) {
      expect(sticky.parse(by)).toEqual({ ...by, drain: false });
      expect(stickyProblems({ ...by, idle: '1h', sessions: 5 })).toEqual([]);
    }
  });

  it.each([
    [{ drain: true }, 'does not say by what clients stay; add cookie: lb, header: X-Session, or'],
    [{ cookie: 'lb', learn: { cookie: 'J' } }, 'there is "cookie"; clients stay by one of them'],
    [{ header: 'X', secret }, 'has no meaning without "cookie" of ours; remove this'],
    [{ cookie: 'lb', idle: '1h' }, 'has no meaning without "header" or "learn"; remove this'],
    [{ learn: {} }, 'does not say from what; write {cookie: JSESSIONID}'],
    [{ learn: { cookie: 'J', header: 'X' } }, 'there is "cookie"; remove one of them'],
  ])('%j are not right together: %s', (value, problem) => {
    const found = stickyProblems(value).map(([, words]) => words);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  it('says nothing of what is missing when a key is misspelt', () => {
    expect(stickyProblems({ cokie: 'lb' })).toEqual([]);
    expect(stickyProblems({ learn: { cokie: 'J' } })).toEqual([]);
  });

  it('reads all there is', () => {
    const written = { cookie: '__Host-lb', max_age: '1.5h', secret, drain: true };
    expect(sticky.parse(written)).toEqual({ ...written, max_age: 5_400_000 });
  });

  it.each([
    ['lb', 'expected a mapping, found "lb"; write {cookie: lb}'],
    [true, 'expected a mapping, found true; write {cookie: lb}'],
    [{ cookie: '' }, 'the name is empty; write one, such as lb'],
    [{ cookie: 'a b' }, '"a b" can be no name of a cookie; write letters, digits and _-'],
    [{ cookie: 'a;b' }, '"a;b" can be no name of a cookie'],
    [{ cookie: 'a=b' }, '"a=b" can be no name of a cookie'],
    [{ cookie: 'x'.repeat(129) }, 'the name is longer than 128 characters'],
    [{ cookie: 'lb', max_age: '0s' }, '"0s" is too short; write 1s or more, or remove the key'],
    [{ cookie: 'lb', max_age: '999ms' }, '"999ms" is too short; write 1s or more'],
    [{ cookie: 'lb', max_age: 60 }, '60 has no unit; write 60s'],
    [{ header: 'a b' }, '"a b" can be no name of a header; write one such as X-Session'],
    [{ header: 'X', idle: '0s' }, '"0s" is too short; write 1s or more'],
    [{ header: 'X', sessions: 0 }, '0 is out of range; write a whole number from 1 to 10000000'],
    [{ learn: 'JSESSIONID' }, 'expected a mapping, found "JSESSIONID"; write {cookie: JSESSIONID}'],
    [{ cookie: 'lb', secret: 'abc' }, 'the secret has 3 characters and could be guessed; write 16'],
  ])('%j: %s', (value, problem) => {
    expect(problemsOf(value)).toContain(problem);
  });

  it('does not repeat a secret that is too short', () => {
    expect(problemsOf({ cookie: 'lb', secret: 'hunter2' })).not.toContain('hunter2');
  });
});
