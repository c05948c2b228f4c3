import { describe, expect, it } from 'vitest';
import { Report } from './diagnostics.ts';
import { checkRoutes, checkStickyNames } from './route-checks.ts';
import { asMapping, type Mapping } from './written.ts';

/** `key: message` of every complaint. */
const complaints = (root: Mapping): string[] => {
  const report = new Report('');
  const pools = Object.entries(asMapping(root.pools) ?? { default: {} }).map(([name, pool]) => {
    return { name, path: ['pools', name], value: asMapping(pool) ?? {} };
  });
  checkRoutes(root, pools, report);
  checkStickyNames(root, pools, report);
  return report.diagnostics.map(({ key, message }) => `${key}: ${message}`);
};

const limited = (...limits: unknown[]): Mapping => ({
  routes: [{ pool: 'default', rate_limits: limits }],
});

describe('values of a route', () => {
  it.each([
    [{ routes: [{ pool: 'defualt' }] }, 'did you mean "default"?'],
    [
      limited({ rate: '1/s' }, { rate: '1/s', key: 'client_address' }),
      'routes[0].rate_limits[1]: has the key and the rate of routes[0].rate_limits[0]',
    ],
    [
      limited({ rate: '1/s', key: 'all', keys: 9 }),
      'routes[0].rate_limits[0].keys: with "key: all" there is only one key; remove this',
    ],
  ])('%j do not fit: %s', (value, complaint) => {
    expect(complaints(value).join('\n')).toContain(complaint);
  });
});

describe('cookies of two pools', () => {
  const sticky = { cookie: 'lb' };
  const both = { a: { sticky }, b: { sticky } };
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
    const named = { a: both.a, b: { sticky: { cookie: 'lb-b' } } };
    const routes = [{ path: '/a', pool: 'a' }, { pool: 'b' }];
    expect(complaints({ pools: named, routes })).toEqual([]);
  });
});

describe('a route is never reached', () => {
  const second = (first: object, later: object): boolean =>
    complaints({
      pools: { a: {} },
      routes: [first, later].map((route) => ({ pool: 'a', ...route })),
    }).length > 0;

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
