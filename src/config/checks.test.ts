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
const limited = (...limits: unknown[]): unknown => ({
  backends,
  routes: [{ pool: 'default', rate_limits: limits }],
});

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
      { backends: [...backends, ...backends] },
      'backends[1]: without a name this is "localhost:9001"',
    ],
    [
      { backends, health_check: { interval: '2s', timeout: '2s' } },
      'health_check.timeout: "2s" is',
    ],
    [{ backends, health_check: { timeout: '6s' } }, 'the interval (5s, the default)'],
    [
      { backends, health_check: { expected_status: [204, 304], expected_body: 'up' } },
      'health_check.expected_body: answers of the expected status have no body',
    ],
    [{ backends, health_check: { type: 'tcp', path: '/' } }, 'health_check.path: a tcp probe only'],
    [
      { backends, passive_health: { ejection_time: '6m' } },
      'passive_health.ejection_time: ejection_time (6m) is above max_ejection_time (5m)',
    ],
    [
      { backends, passive_health: { max_ejection_time: '1s' } },
      'passive_health.max_ejection_time: ejection_time (10s) is above max_ejection_time (1s)',
    ],
    [
      { backends, passive_health: { consecutive_failures: 0, failure_ratio: 0 } },
      'passive_health: looks for nothing',
    ],
    [
      { backends, passive_health: { slower_than: 1 } },
      'passive_health.slower_than: 1 ejects those that are hardly slower',
    ],
    [{ backends, hedge: {} }, 'hedge: there is no second backend to go to; add one, or remove'],
    [
      { backends, retries: { backoff: '1s' } },
      'retries.backoff: backoff (1s) is above max_backoff (250ms); lower one or raise the other',
    ],
    [
      { backends, retries: { max_backoff: '10ms' } },
      'retries.max_backoff: backoff (25ms) is above max_backoff (10ms)',
    ],
    [
      { backends, retries: { attempt_timeout: '61s' } },
      'retries.attempt_timeout: timeouts.response (1m) ends an attempt before that; lower this',
    ],
    [
      { backends, hash_key: 'host' },
      'hash_key: has no meaning with policy: round_robin; write policy: maglev, ring_hash or',
    ],
    [
      { backends, policy: 'random', bounded_load: 2 },
      'bounded_load: has no meaning with policy: random; write policy: maglev, ring_hash or',
    ],
    [
      { backends, policy: () => null, hash_key: 'path' },
      'hash_key: has no meaning with a policy function; write policy: maglev, ring_hash or',
    ],
    [
      { backends, policy: async () => null },
      'policy: is an async function; a policy must answer at once: make it a plain function, and',
    ],
    [
      { pools: { a: { backends, policy: function* pick() {} } } },
      'pools.a.policy: is a generator; a policy must answer at once',
    ],
    [{ backends, policy: class Picker {} }, 'policy: is a class; a policy is a function: (cand'],
    [
      { backends, health_check: { interval: '5s', down_interval: '1s' } },
      'health_check.down_interval: "1s" is below the interval; write 5s or more',
    ],
    [
      { backends, health_check: { type: 'tcp', headers: { a: 'b' } } },
      'health_check.headers: a tcp probe only connects',
    ],
    [{ backends, routes: [{ pool: 'defualt' }] }, 'did you mean "default"?'],
    [
      limited({ rate: '1/s' }, { rate: '1/s', key: 'client_address' }),
      'routes[0].rate_limits[1]: has the key and the rate of routes[0].rate_limits[0]',
    ],
    [
      limited({ rate: '1/s', key: 'all', keys: 9 }),
      'routes[0].rate_limits[0].keys: with "key: all" there is only one key; remove this',
    ],
    [
      { backends, limits: { request_line: '33KiB' } },
      'limits.request_line: request_line (33KiB) is',
    ],
    [{ backends: ['http://a', 'http://b'], table_size: 1 }, 'table_size: 1 is too small'],
    [
      { backends, error_pages: { 503: 'none.html' } },
      'error_pages.503: there is no file none.html',
    ],
    [{ backends, tls: { ca: 'none.pem' } }, 'tls.ca: there is no file none.pem'],
    [{ backends, tls: { ca: '-----BEGIN X' } }, 'tls.ca: this text holds no certificate'],
  ])('%j do not fit: %s', (value, complaint) => {
    expect(complaints(value).join('\n')).toContain(complaint);
  });

  describe('cookies of two pools', () => {
    const sticky = { cookie: 'lb' };
    const both = { a: { backends, sticky }, b: { backends, sticky } };
    const clash = 'pools.b.sticky.cookie: "lb" is the cookie of pools.a.sticky.cookie';

    it.each([
      [[{ path: '/a', pool: 'a' }, { pool: 'b' }]],
      [[{ host: 'x.com', pool: 'a' }, { pool: 'b' }]],
      [
        [
          { host: '*.x.com', pool: 'a' },
          { host: ['y.com', 'w.x.com'], path: '/b', pool: 'b' },
        ],
      ],
    ])('clash where both serve a host: %j', (routes) => {
      expect(complaints({ pools: both, routes }).join('\n')).toContain(clash);
    });

    it('do not clash on hosts of their own, or by other names', () => {
      const own = [
        { host: 'x.com', pool: 'a' },
        { host: ['y.com', '*.x.com'], pool: 'b' },
      ];
      expect(complaints({ pools: both, routes: own })).toEqual([]);
      const named = { a: both.a, b: { backends, sticky: { cookie: 'lb-b' } } };
      const routes = [{ path: '/a', pool: 'a' }, { pool: 'b' }];
      expect(complaints({ pools: named, routes })).toEqual([]);
    });
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

describe('a route is never reached', () => {
  const second = (first: object, later: object): boolean =>
    complaints({ pools, routes: [first, later].map((route) => ({ pool: 'a', ...route })) }).length >
    0;

  it('after one that takes all of it', () => {
    expect(second({}, { host: 'a.example' })).toBe(true);
    expect(second({ path: '/api' }, { path: '/api/v1' })).toBe(true);
    expect(second({ host: '*.example' }, { host: ['a.example', '*.b.example'] })).toBe(true);
  });

  it('but is after one that leaves something', () => {
    expect(second({ path: '/api' }, { path: '/apis' })).toBe(false);
    expect(second({ host: 'a.example' }, {})).toBe(false);
    expect(second({ host: '*.example' }, { host: 'example' })).toBe(false);
    expect(second({ host: 'a.example' }, { host: ['a.example', 'b.example'] })).toBe(false);
  });
});
