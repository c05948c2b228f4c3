import { describe, expect, it } from 'vitest';
import { Report } from './diagnostics.ts';
import { checkValues, knownAt } from './issues.ts';

/** `key: message` of every complaint. */
const complaints = (value: unknown): string[] => {
  const report = new Report('');
  checkValues(value, report);
  return report.diagnostics.map(({ key, message }) => `${key}: ${message}`);
};

const backends = ['http://localhost:9001'];

describe('single values', () => {
  it('give the checked configuration when all of them are right', () => {
    const report = new Report('');
    expect(checkValues({ backends, port: 80 }, report)?.port).toBe(80);
    expect(report.diagnostics).toEqual([]);
  });

  it.each([
    [{ port: '80' }, 'port: expected a whole number, found "80"; write 80 without quotes'],
    [{ port: ':80' }, 'port: expected a whole number, found ":80"; write 80'],
    [{ port: null }, 'port: has no value; write one, or remove the key'],
    [{ panic: 'no' }, 'panic: expected true or false, found "no"; write false'],
    [{ panic: 1 }, 'panic: expected true or false, found 1'],
    [{ backends: 'a' }, 'backends: expected a list of backends, found "a"; write [a]'],
    [{ backends: [9001] }, 'backends[0]: 9001 is not a URL; write http://localhost:9001'],
    [{ backends: [null] }, 'backends[0]: is empty; write something after the "-", or remove it'],
    [{ backends: [{}] }, 'backends[0].url: missing; write one, such as http://localhost:9001'],
    [{ routes: [{}] }, 'routes[0].pool: missing; write one, such as api'],
    [{ log: 'x' }, 'log: expected a mapping, found "x"; write its keys below it, such as level'],
    [
      { error_pages: [] },
      'error_pages: expected a mapping, found a list; write lines of KEY: VALUE',
    ],
    [{ error_pages: { 200: '<p>' } }, 'error_pages.200: "200" is not an error status'],
    [{ health_check: { path: 1 } }, 'health_check.path: expected a path such as /health, found 1'],
    [{ trusted_proxies: 'a' }, 'trusted_proxies: expected a list, found "a"; write [a]'],
  ])('%j is wrong: %s', (value, complaint) => {
    expect(complaints({ backends, ...value })[0]).toContain(complaint);
  });

  it("are never refused in the schema library's own words", () => {
    const odd = [undefined, null, true, 0, -1, 1.5, Number.NaN, 'x', '', [], [[]], {}, { x: 1 }];
    const keys = knownAt([]);
    const nested = ['timeouts', 'limits', 'log', 'tls', 'health_check'].flatMap((section) =>
      knownAt([section]).map((key) => [section, key] as const),
    );
    const values = odd.flatMap((value) => [
      ...keys.map((key) => ({ backends, [key]: value })),
      ...nested.map(([section, key]) => ({ backends, [section]: { [key]: value } })),
      { backends: [value] },
      { backends: [{ url: value, name: value, weight: value }] },
      { listeners: [value, { port: value }] },
      { routes: [value, { host: value, path: value, pool: value }, { host: [value] }] },
      { pools: { a: value } },
      { error_pages: { 503: value, 504: { body: value, content_type: value } } },
    ]);
    const said = values.flatMap(complaints).join('\n');
    expect(said).not.toMatch(/Invalid|received|Unrecognized|Too (big|small)|undefined|\[object/);
    expect(said).not.toMatch(/must match pattern/);
  });
});

describe('an unknown key', () => {
  it.each([
    [{ prot: 1 }, 'prot: unknown key; did you mean "port"?'],
    [{ retry: {} }, 'retry: unknown key; did you mean "retries"?'],
    [{ backend: [] }, 'backend: unknown key; "backends" is there already'],
    [{ weight: 1 }, 'weight: unknown key here; it belongs in each of the backends'],
    [{ connect: '1s' }, 'connect: unknown key here; it belongs in timeouts'],
    [{ log: { colour: 1 } }, 'log.colour: unknown key; remove it, or write one of level'],
    [{ backends: [{ url: 'http://a', port: 1 }] }, 'backends[0].port: unknown key; it is part of'],
    [{ listeners: [{ port: 1, host: 'x' }] }, 'listeners[0].host: unknown key; did you mean "addr'],
    [{ pools: { a: { servers: [] } } }, 'pools.a.servers: unknown key; did you mean "backends"?'],
    [
      { routes: [{ pool: 'a', prefix: '/' }] },
      'routes[0].prefix: unknown key; did you mean "path"',
    ],
  ])('in %j is explained: %s', (value, complaint) => {
    expect(complaints({ backends, ...value })[0]).toContain(complaint);
  });

  it('explains why the right one is missing', () => {
    expect(complaints({ listeners: [{ prot: 1 }] })).toEqual([
      'listeners[0].prot: unknown key; did you mean "port"?',
    ]);
  });
});
