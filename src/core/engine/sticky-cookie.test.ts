import { describe, expect, it } from 'vitest';
import { backendConfig, poolConfig } from '../../../test/fixtures/control-world.ts';
import { request } from '../../../test/fuzz/heads.ts';
import { toLatin1 } from '../base/bytes.ts';
import { createRng } from '../base/rng.ts';
import type { StickyCookieConfig } from '../config.ts';
import { Backend } from '../table/backend.ts';
import { StickyCookie } from './sticky-cookie.ts';

const PLAIN: StickyCookieConfig = {
  kind: 'cookie',
  cookie: 'lb',
  maxAgeMs: null,
  secret: null,
  drain: false,
};

const backends = [1, 2, 3].map((number) => {
  const config = poolConfig([backendConfig(number)]);
  return new Backend(number, 0, config.backends[0], config);
});
const [first, second] = backends;

const make = (changes: Partial<StickyCookieConfig> = {}, pool = 'default', of = backends) =>
  new StickyCookie({ ...PLAIN, ...changes }, pool, of);

const cookieOf = (sticky: StickyCookie, backend = first, secure = false): string =>
  toLatin1(sticky.valueFor(backend, secure)!);

/** What a browser sends back. */
const pairOf = (sticky: StickyCookie, backend = first): string =>
  cookieOf(sticky, backend).split(';')[0];

const homeOf = (sticky: StickyCookie, ...cookies: readonly string[]): Backend | null =>
  sticky.homeOf(request('GET / HTTP/1.1', ...cookies.map((cookie) => `Cookie: ${cookie}`)));

describe('a cookie', () => {
  it('is opaque, for the whole site, and not for scripts', () => {
    const attributes = '; Path=/; HttpOnly; SameSite=Lax';
    expect(cookieOf(make())).toMatch(new RegExp(`^lb=[0-9a-f]{16}${attributes}$`));
    expect(cookieOf(make(), first, true)).toMatch(new RegExp(`${attributes}; Secure$`));
  });

  it('lives until the browser closes, or for so many whole seconds', () => {
    expect(cookieOf(make({ maxAgeMs: 90_500 }))).toMatch(/; Max-Age=90$/);
    expect(cookieOf(make())).not.toContain('Max-Age');
  });

  it('names its backend again, among others and in any Cookie field', () => {
    const sticky = make();
    for (const backend of backends) {
      expect(homeOf(sticky, pairOf(sticky, backend))).toBe(backend);
      expect(homeOf(sticky, 'a=1', `b=2; ${pairOf(sticky, backend)};c=3`)).toBe(backend);
    }
  });

  it('is none for a backend that is not in the pool', () => {
    expect(make({}, 'default', [first]).valueFor(second, false)).toBe(null);
  });

  it('keeps its meaning after a restart and in another balancer, in whatever order', () => {
    const other = make({}, 'default', [...backends].reverse());
    for (const backend of backends) expect(homeOf(other, pairOf(make(), backend))).toBe(backend);
    const secret = 'a secret of some length';
    expect(homeOf(make({ secret }), pairOf(make({ secret })))).toBe(first);
  });

  it('does not change with the weight, and does with name and URL', () => {
    const changed = (changes: Parameters<typeof backendConfig>[1]): Backend => {
      const config = poolConfig([backendConfig(1, changes)]);
      return new Backend(1, 0, config.backends[0], config);
    };
    const cookie = pairOf(make());
    const heavy = changed({ weight: 9 });
    expect(homeOf(make({}, 'default', [heavy]), cookie)).toBe(heavy);
    expect(homeOf(make({}, 'default', [changed({ name: 'new' })]), cookie)).toBe(null);
    expect(homeOf(make({}, 'default', [changed({ url: 'http://b' })]), cookie)).toBe(null);
  });
});

describe('what is no cookie of ours', () => {
  const sticky = make();
  const value = pairOf(sticky).slice(3);

  it.each([
    ['cut off', `lb=${value.slice(0, 15)}`],
    ['too long', `lb=${value}0`],
    ['huge', `lb=${'f'.repeat(8000)}`],
    ['empty', 'lb='],
    ['quoted', `lb="${value}"`],
    ['in capitals', `lb=${value.toUpperCase()}`],
    ['not hexadecimal', `lb=${value.slice(0, 15)}g`],
    ['followed by white space', `lb=${value} `],
    ['of another name', `LB=${value}; xlb=${value}; lb2=${value}`],
    ['all zeros', `lb=${'0'.repeat(16)}`],
    ['half right', `lb=${value.slice(0, 8)}${'0'.repeat(8)}`],
    ['the other half right', `lb=${'0'.repeat(8)}${value.slice(8)}`],
  ])('names nobody: %s', (_, cookie) => {
    expect(value).toMatch(/[a-f]/);
    // Behind another one: white space at the end of a field would not be seen.
    expect(homeOf(sticky, `${cookie}; a=1`)).toBe(null);
  });

  it('names nobody, whatever bytes it has', () => {
    const rng = createRng(5);
    for (let run = 0; run < 2000; run++) {
      const bytes = Array.from({ length: 16 }, () => 33 + rng.below(94));
      const text = String.fromCharCode(...bytes).replaceAll(';', ',');
      expect(homeOf(sticky, `lb=${text}`)).toBe(null);
    }
  });

  it.each([
    ['of another pool', make({}, 'other')],
    ['of no secret', make()],
    ['of another secret', make({ secret: 'another secret text' })],
  ])('names nobody: one %s', (_, other) => {
    expect(homeOf(make({ secret: 'a secret of some length' }), pairOf(other))).toBe(null);
  });

  it('does not hide one that is, and the first of several counts', () => {
    const both = `lb=forged; ${pairOf(sticky, second)}; ${pairOf(sticky, first)}`;
    expect(homeOf(sticky, both)).toBe(second);
    expect(homeOf(sticky, 'lb=x', 'a=1', pairOf(sticky))).toBe(first);
  });

  it('leaves nothing behind for the next request', () => {
    expect(homeOf(sticky, pairOf(sticky))).toBe(first);
    expect(homeOf(sticky)).toBe(null);
  });
});
