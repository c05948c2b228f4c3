import { describe, expect, it } from 'vitest';
import { checkTogether } from './checks.ts';
import { Report } from './diagnostics.ts';
import { NamedFiles } from './files.ts';

/** `key: message` of every complaint. */
const complaints = (value: unknown): string[] => {
  const report = new Report('');
  checkTogether(value, new NamedFiles('.'), report);
  return report.diagnostics.map(({ key, message }) => `${key}: ${message}`);
};

const backends = ['http://localhost:9001'];
const pools = { a: { backends }, b: { backends } };

describe('a backend that is the balancer itself', () => {
  const loops = (address: string | undefined, url: string): boolean =>
    complaints({ listeners: [{ port: 9001, address }], backends: [url] }).some((each) =>
      each.includes('where this balancer itself listens'),
    );

  it.each([
    [undefined, 'http://[::1]:9001'],
    ['::', 'http://127.0.0.1:9001'],
    ['0.0.0.0', 'http://127.0.0.1:9001'],
    ['0.0.0.0', 'http://localhost:9001'],
    ['127.0.0.1', 'http://localhost:9001'],
    ['::1', 'http://localhost:9001'],
    ['localhost', 'http://[::1]:9001'],
    ['127.0.0.1', 'http://127.0.0.1:9001'],
  ])('on %s is refused: %s', (address, url) => {
    expect(loops(address, url)).toBe(true);
  });

  it.each([
    ['127.0.0.1', 'http://[::1]:9001'],
    ['::1', 'http://127.0.0.1:9001'],
    ['0.0.0.0', 'http://[::1]:9001'],
    ['10.0.0.1', 'http://localhost:9001'],
    [undefined, 'http://localhost:9002'],
  ])('is not, on %s: %s', (address, url) => {
    expect(loops(address, url)).toBe(false);
  });
});

describe('values together', () => {
  it.each([
    [{}, ': there are no backends'],
    [
      { backends, pools: { a: {} } },
      'backends: belongs to a pool, and there is "pools"; move it to',
    ],
    [{ pools: {} }, 'pools: there is no pool in it'],
    [{ pools }, 'pools: with several pools, "routes" must say'],
    [{ backends, port: 1, listeners: [] }, 'port: there is "listeners"'],
    [{ backends, listeners: [{ port: 1 }, { port: 1 }] }, 'listeners[1]: takes port 1 on the same'],
    [
      { backends, limits: { request_line: '33KiB' } },
      'limits.request_line: request_line (33KiB) is',
    ],
    [{ backends: ['http://a', 'http://b'], table_size: 1 }, 'table_size: 1 is too small'],
  ])('%j do not fit: %s', (value, complaint) => {
    expect(complaints(value).join('\n')).toContain(complaint);
  });

  it('are not judged where a value is wrong in itself', () => {
    const wrong = [undefined, null, 'x', 1, [], [null], {}, { x: null }];
    for (const value of wrong) {
      expect(() => complaints(value)).not.toThrow();
      for (const key of [
        'backends',
        'listeners',
        'routes',
        'pools',
        'health_check',
        'passive_health',
        'limits',
      ]) {
        expect(() => complaints({ backends, [key]: value })).not.toThrow();
      }
    }
    expect(complaints({ backends, policy: 'ring', hash_key: 'host', bounded_load: 2 })).toEqual([]);
    expect(complaints({ backends, health_check: { interval: 'x', timeout: '9s' } })).toEqual([]);
  });
});

describe('listeners', () => {
  const clash = (a: string | undefined, b: string | undefined): boolean => {
    const listener = (address: string | undefined) => ({ port: 1, ...(address && { address }) });
    return complaints({ backends, listeners: [listener(a), listener(b)] }).length > 0;
  };

  it('clash when one of them takes every address', () => {
    expect(clash(undefined, '127.0.0.1')).toBe(true);
    expect(clash('::1', '::')).toBe(true);
    expect(clash('0.0.0.0', '127.0.0.1')).toBe(true);
  });

  it('share a port on different addresses', () => {
    expect(clash('127.0.0.1', '127.0.0.2')).toBe(false);
    expect(clash('0.0.0.0', '::1')).toBe(false);
  });
});
