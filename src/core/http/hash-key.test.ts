import { describe, expect, it } from 'vitest';
import { request } from '../../../test/fuzz/heads.ts';
import { hashText } from '../base/hash.ts';
import type { HashKeyConfig } from '../config.ts';
import { hashKeyOf, NO_KEY } from './hash-key.ts';
import { RequestFacts } from './request-facts.ts';

function keyOf(key: HashKeyConfig, target: string, ...fields: readonly string[]): number {
  const head = request(`GET ${target} HTTP/1.1`, 'Host: a.test', ...fields);
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBe(null);
  return hashKeyOf(key, head, facts, '192.0.2.7');
}

describe('the key of a request', () => {
  it.each([
    [{ kind: 'client_address' }, '192.0.2.7'],
    [{ kind: 'host' }, 'a.test'],
    [{ kind: 'path' }, '/shop/1'],
    [{ kind: 'query', name: 'user' }, 'u 7'],
    [{ kind: 'query', name: 'page' }, '3'],
    [{ kind: 'header', name: 'x-user' }, 'someone'],
    [{ kind: 'cookie', name: 'session' }, 'abc=1'],
    [{ kind: 'cookie', name: 'theme' }, 'dark'],
  ] as const)('%j is that of %s', (key, text) => {
    const found = keyOf(
      key,
      '/shop/1?page=3&user=u%207&page=4',
      'X-User: someone',
      'Cookie: mysession=no; session=abc=1;  theme=dark',
    );
    expect(found).toBe(hashText(text.replace(' ', '%20')) >>> 1);
  });

  it.each([
    [{ kind: 'query', name: 'user' }, '/?xuser=1&use=2&user'],
    [{ kind: 'query', name: 'user' }, '/user=1'],
    [{ kind: 'query', name: 'user' }, '/?user='],
    [{ kind: 'header', name: 'x-user' }, '/'],
    [{ kind: 'cookie', name: 'Session' }, '/'],
    [{ kind: 'cookie', name: 'abc' }, '/'],
  ] as const)('%j is none in %s', (key, target) => {
    expect(keyOf(key, target, 'Cookie: session=abc')).toBe(NO_KEY);
    expect(keyOf(key, target, 'X-User:', 'Cookie: session=abc')).toBe(NO_KEY);
  });

  it('looks for a cookie in every Cookie field', () => {
    const found = keyOf({ kind: 'cookie', name: 'b' }, '/', 'Cookie: a=1', 'Cookie: b=2');
    expect(found).toBe(hashText('2') >>> 1);
  });

  it('compares hosts as routes do: in any case, without the port', () => {
    const of = (host: string): number => {
      const head = request('GET / HTTP/1.1', `Host: ${host}`);
      const facts = new RequestFacts();
      expect(facts.decide(head)).toBe(null);
      return hashKeyOf({ kind: 'host' }, head, facts, '');
    };
    expect([of('A.Test'), of('a.test:8080'), of('a.test:')]).toEqual(
      new Array(3).fill(of('a.test')),
    );
    expect(of('[::1]:80')).toBe(of('[::1]'));
    expect(of('b.test')).not.toBe(of('a.test'));
  });

  it('takes no path for all of an absolute URL without one, and leaves the query out', () => {
    const of = (target: string): number => keyOf({ kind: 'path' }, target);
    expect(of('/a?b=1')).toBe(of('/a?b=2'));
    expect(of('/a')).not.toBe(of('/b'));
    expect(of('http://a.test/a')).toBe(of('/a'));
    expect(of('http://a.test')).toBe(of('/'));
  });
});
