import { describe, expect, it } from 'vitest';
import { sticky } from './sticky.ts';

const problemsOf = (value: unknown): string => {
  const result = sticky.safeParse(value);
  return result.success ? '' : result.error.issues.map(({ message }) => message).join('\n');
};

const secret = 'sixteen letters!';

describe('sticky', () => {
  it('needs the name of a cookie, and nothing else', () => {
    expect(sticky.parse({ cookie: 'lb' })).toEqual({ cookie: 'lb', drain: false });
    expect(sticky.safeParse({}).success).toBe(false);
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
    [{ cookie: 'lb', secret: 'abc' }, 'the secret has 3 characters and could be guessed; write 16'],
  ])('%j: %s', (value, problem) => {
    expect(problemsOf(value)).toContain(problem);
  });

  it('does not repeat a secret that is too short', () => {
    expect(problemsOf({ cookie: 'lb', secret: 'hunter2' })).not.toContain('hunter2');
  });
});
