import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import type { RouteConfig } from '../config.ts';
import { Router } from './router.ts';

/** Written `host,host /prefix`. */
const route = (written: string): RouteConfig => {
  const [hosts, pathPrefix] = written.split(' ') as [string, string];
  return { hosts: hosts === '' ? [] : hosts.split(','), pathPrefix, pool: '', rateLimits: [] };
};

/** The route of these that takes a request, which comes in one array of bytes. */
function taken(
  router: Router,
  routes: readonly string[],
  host: string,
  path: string,
): string | null {
  // What stands around them would change the outcome if it were looked at.
  const text = `a.${host}:/${path}/x/`;
  const hostStart = 2;
  const pathStart = hostStart + host.length + 2;
  const hostEnd = hostStart + host.length;
  const pathEnd = pathStart + path.length;
  return routes[router.match(latin1(text), hostStart, hostEnd, pathStart, pathEnd)] ?? null;
}

const match = (routes: readonly string[], host: string, path: string): string | null =>
  taken(new Router(routes.map(route)), routes, host, path);

describe('a path', () => {
  it.each([
    ['/', '/', true],
    ['/', '/a', true],
    ['/', '*', true],
    ['/', '', true],
    ['/', '?a', true],
    ['/a', '/a', true],
    ['/a', '/a/', true],
    ['/a', '/a/b', true],
    ['/a', '/a?b', true],
    ['/a', '/ab', false],
    ['/a', '/a%2Fb', false],
    ['/a', '/A', false],
    ['/a', '/', false],
    ['/a', '', false],
    ['/a', '*', false],
    ['/x', '', false],
    ['/a/x', '/a', false],
    ['/a', '/b/a', false],
    ['/a', '/x?/a', false],
    ['/a/', '/a', true],
    ['/a/', '/a/b', true],
    ['/a/', '/ab', false],
    ['/a/b', '/a/b/c', true],
    ['/a/b', '/a/bc', false],
    ['/a/b', '/a', false],
    // Nothing is decoded or resolved: what is matched is what is forwarded.
    ['/a', '/%61', false],
    ['/a', '/b/../a', false],
    ['/a', '//a', false],
  ])('prefix %s, path %j: %s', (prefix, path, expected) => {
    expect(match([` ${prefix}`], 'a.example', path)).toBe(expected ? ` ${prefix}` : null);
  });
});

describe('a host', () => {
  it.each([
    ['a.example', 'a.example', true],
    ['a.example', 'A.ExamplE', true],
    ['a.example', 'a.example.', true],
    ['a.example', 'a.example:8080', true],
    ['a.example', 'a.example.:8080', true],
    ['a.example', 'a.example:', true],
    ['a.example', 'b.a.example', false],
    ['a.example', 'a.example.org', false],
    ['a.example', 'a.exampl', false],
    ['a.example', 'a.example..', false],
    ['a.example', '', false],
    ['*.example', 'a.example', true],
    ['*.example', 'B.A.Example:80', true],
    ['*.example', 'a.example.', true],
    ['*.example', 'example', false],
    ['*.example', '.example', false],
    ['*.example', 'xexample', false],
    ['*.example', 'a.example.org', false],
    ['*.example', '', false],
    ['127.0.0.1', '127.0.0.1:80', true],
    ['[::1]', '[::1]', true],
    ['[::1]', '[::1]:8080', true],
    ['[fe80::a]', '[FE80::A]', true],
    ['[::1]', '[::2]:1', false],
    ['[::1]', '::1', false],
  ])('pattern %s, host %j: %s', (pattern, host, expected) => {
    const written = `${pattern} /`;
    expect(match([written], host, '/')).toBe(expected ? written : null);
  });

  it('may be any of those that a route names', () => {
    const routes = ['a.example,*.b.example,c.example /'];
    for (const host of ['a.example', 'x.b.example', 'c.example']) {
      expect(match(routes, host, '/')).toBe(routes[0]);
    }
    expect(match(routes, 'd.example', '/')).toBe(null);
  });

  it('is not needed by a route without hosts', () => {
    expect(match([' /'], '', '/')).toBe(' /');
  });

  it("longer than any name is nobody's, whatever its beginning looks like", () => {
    const label = (length: number): string => 'x'.repeat(length);
    const longest = `${label(256 - '.example'.length)}.example`;
    expect(match(['*.example /'], longest, '/')).toBe('*.example /');
    expect(match(['*.example /'], `x${longest}`, '/')).toBe(null);
    expect(match(['*.example /', ' /'], `${longest}.org`, '/')).toBe(' /');
    expect(match(['*.example /'], `${longest}:8080`, '/')).toBe('*.example /');
  });
});

describe('routes', () => {
  const routes = ['a.example /api', 'a.example /', '*.example /api', ' /api'];

  it.each([
    ['a.example', '/api/1', 'a.example /api'],
    ['a.example', '/other', 'a.example /'],
    ['b.example', '/api', '*.example /api'],
    ['elsewhere', '/api', ' /api'],
    ['b.example', '/other', null],
    ['elsewhere', '/', null],
  ])('the first that matches takes %s%s', (host, path, expected) => {
    expect(match(routes, host, path)).toBe(expected);
  });

  it('match in their order, not by how exact they are', () => {
    expect(match([' /', 'a.example /api'], 'a.example', '/api')).toBe(' /');
  });

  it('keep nothing of the request before', () => {
    const routes = ['a.example /', '*.b.example /x', ' /free'];
    const router = new Router(routes.map(route));
    const asked: readonly [string, string, string | null][] = [
      ['a.example', '/', 'a.example /'],
      ['', '/', null],
      ['longer.a.example', '/', null],
      ['x.b.example', '/x', '*.b.example /x'],
      ['b.example', '/x', null],
      ['', '/free', ' /free'],
      ['a.example', '/free', 'a.example /'],
    ];
    for (const [host, path, expected] of [...asked, ...asked]) {
      expect(taken(router, routes, host, path)).toBe(expected);
    }
  });

  it('are none: nothing matches', () => {
    expect(match([], 'a.example', '/')).toBe(null);
  });
});
