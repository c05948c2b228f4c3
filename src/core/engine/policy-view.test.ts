import { describe, expect, it } from 'vitest';
import { request } from '../../../test/fuzz/heads.ts';
import { RequestFacts } from '../http/request-facts.ts';
import { PolicyView } from './policy-view.ts';

function viewOf(target: string, fields = ['Host: a.test'], method = 'GET'): PolicyView {
  const head = request(`${method} ${target} HTTP/1.1`, ...fields);
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBeNull();
  const view = new PolicyView();
  view.show({ head, facts, record: { client: '192.0.2.7', attempts: 1 } });
  return view;
}

describe('a request as a policy sees it', () => {
  it.each([
    ['/', '/', ''],
    ['/a/b?x=1&y=?', '/a/b', 'x=1&y=?'],
    ['/a?', '/a', ''],
    ['http://other.test', '/', ''],
    ['http://other.test/c?d', '/c', 'd'],
  ])('%s has the path %s and the query "%s"', (target, path, query) => {
    const view = viewOf(target);
    expect([view.path, view.query]).toEqual([path, query]);
  });

  it('has its method, and its host in small letters and without a port', () => {
    expect(viewOf('/', ['Host: WWW.Example.com:8080'], 'PATCH')).toMatchObject({
      method: 'PATCH',
      host: 'www.example.com',
    });
    expect(viewOf('http://Other.test/', ['Host: a']).host).toBe('other.test');
    expect(viewOf('/', ['Host: [::1]:80']).host).toBe('[::1]');
  });

  it('has fields by name whatever their case, several as one', () => {
    const view = viewOf('/', ['Host: a', 'X-To: server-1', 'Accept: b', 'ACCEPT: c', 'Empty:']);
    expect(view.header('host')).toBe('a');
    expect(view.header('x-to')).toBe('server-1');
    expect(view.header('X-TO')).toBe('server-1');
    expect(view.header('accept')).toBe('b, c');
    expect(view.header('empty')).toBe('');
    expect(view.header('x-t')).toBeNull();
    const { header } = view;
    expect(header('accept')).toBe('b, c');
  });

  it('knows its client, and which attempt it is', () => {
    expect(viewOf('/')).toMatchObject({ clientAddress: '192.0.2.7', attempt: 2 });
  });

  it('hashes texts to whole numbers that are the same everywhere', () => {
    const view = viewOf('/');
    const hashes = Array.from({ length: 1000 }, (_, n) => view.hash(`user-${n}`));
    expect(hashes.every((hash) => Number.isInteger(hash) && hash >= 0 && hash < 2 ** 31)).toBe(
      true,
    );
    expect(new Set(hashes.map((hash) => hash % 7)).size).toBe(7);
    expect(view.hash('user-1')).toBe(hashes[1]);
    expect([view.hash(''), view.hash('user')]).toEqual([1436499461, 1658240153]);
  });

  it('says nothing any more when it is over', () => {
    const view = viewOf('/');
    view.show(null);
    expect(() => view.path).toThrow(
      'only while the policy is asked; keep what it says, not itself',
    );
    expect(() => view.header('host')).toThrow('only while');
  });
});
