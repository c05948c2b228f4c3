import { describe, expect, it } from 'vitest';
import type { Config } from '../core/config.ts';
import { NamedFiles } from './files.ts';
import { isInlinePage, normalise } from './normalise.ts';
import { type ConfigInput, configSchema } from './schema.ts';

const folder = `${import.meta.dirname}/../../test/golden/config/files`;
const of = (input: ConfigInput): Config =>
  normalise(configSchema.parse(input), new NamedFiles(folder), null);

const backends = ['http://localhost:9001'];

describe('the normalised configuration', () => {
  it('is the same for the short and the full form', () => {
    const pool = { backends, health_check: { path: '/health' }, panic: true };
    const short = of({ port: 80, address: '127.0.0.1', ...pool });
    const full = of({
      listeners: [{ port: 80, address: '127.0.0.1' }],
      routes: [{ pool: 'default' }],
      pools: { default: pool },
    });
    expect(short).toEqual(full);
  });

  it('names listeners by address and port', () => {
    const { listeners } = of({
      backends,
      listeners: [{ port: 80 }, { port: 80, address: '[::1]' }, { port: 80, address: '127.0.0.1' }],
    });
    expect(listeners.map((listener) => [listener.address, listener.host])).toEqual([
      ['*:80', null],
      ['[::1]:80', '::1'],
      ['127.0.0.1:80', '127.0.0.1'],
    ]);
  });

  it('takes the same backend from a URL and from a mapping', () => {
    const [a, b] = of({ backends: ['http://a:1/x', { url: 'http://a:1/x', name: 'b' }] }).pools[0]
      .backends;
    expect(b).toEqual({ ...a, name: 'b' });
    expect(a).toMatchObject({ name: 'a:1', host: 'a', port: 1, basePath: '/x', weight: 1 });
  });

  it('keeps a default probe timeout below the interval', () => {
    const timeoutMs = (interval: string): number | undefined =>
      of({ backends, health_check: { interval } }).pools[0].healthCheck?.timeoutMs;
    expect([timeoutMs('5s'), timeoutMs('2001ms'), timeoutMs('2s'), timeoutMs('1s')]).toEqual([
      2000, 2000, 1000, 500,
    ]);
  });

  it('is sticky when that is written, and a drain keeps no clients unless it says so', () => {
    expect(of({ backends }).pools[0].sticky).toBe(null);
    const sticky = { cookie: 'lb', max_age: '1h' };
    expect(of({ backends, sticky }).pools[0].sticky).toEqual({
      kind: 'cookie',
      cookie: 'lb',
      maxAgeMs: 3_600_000,
      secret: null,
      drain: false,
    });
  });

  it('remembers sessions when that is written, by a header of any case or as backends say', () => {
    const by = (sticky: object) => of({ backends, sticky }).pools[0].sticky;
    const kind = 'sessions';
    const rest = { kind, idleMs: 1_800_000, sessions: 100_000, drain: false };
    const header = { kind: 'header', name: 'x-session' };
    expect(by({ header: 'X-Session' })).toEqual({ ...rest, key: header, learn: false });
    expect(by({ learn: { header: 'X-Session' } })).toEqual({ ...rest, key: header, learn: true });
    expect(by({ learn: { cookie: 'JSESSIONID' }, idle: '1h', sessions: 5 })).toEqual({
      ...rest,
      key: { kind: 'cookie', name: 'JSESSIONID' },
      learn: true,
      idleMs: 3_600_000,
      sessions: 5,
    });
  });

  it('tells the rules for Host apart', () => {
    const host = (rule: string): unknown => of({ backends, host: rule }).pools[0].host;
    expect(host('preserve')).toEqual({ kind: 'preserve' });
    expect(host('backend')).toEqual({ kind: 'backend' });
    expect(host('a.example')).toEqual({ kind: 'name', name: 'a.example' });
  });

  it('has room for the backends in its table', () => {
    const many = Array.from({ length: 2000 }, (_, i) => `http://localhost:${i + 1}`);
    expect(of({ backends }).tableSize).toBe(4096);
    expect(of({ backends: many }).tableSize).toBe(8000);
    expect(of({ backends, table_size: 10 }).tableSize).toBe(10);
  });

  it('holds error pages as bytes with a content type', () => {
    const pages = of({
      backends,
      error_pages: {
        400: '<p>',
        404: 'a\n',
        502: '502.json',
        503: '503.html',
        504: '504.txt',
        500: { body: 'é', content_type: 'text/x' },
      },
    }).pools[0].errorPages;
    const shown = [...pages].map(([status, { body, contentType }]) => [
      status,
      body.length,
      contentType,
    ]);
    expect(shown).toEqual([
      [400, 3, 'text/html; charset=utf-8'],
      [404, 2, 'text/plain; charset=utf-8'],
      [500, 2, 'text/x'],
      [502, 24, 'application/json'],
      [503, 19, 'text/html; charset=utf-8'],
      [504, 15, 'text/plain; charset=utf-8'],
    ]);
  });

  it('holds the authorities themselves, from a file or from the text', () => {
    const ca = (written: string): string | null =>
      of({ backends, tls: { ca: written } }).pools[0].tls.caPem;
    const pem = ca('ca.pem');
    expect(pem).toContain('BEGIN CERTIFICATE');
    expect(ca(pem ?? '')).toBe(pem);
  });

  it('is frozen through and through', () => {
    const config = of({ backends, health_check: {}, error_pages: { 503: '<p>' } });
    const loose: string[] = [];
    const look = (value: unknown, name: string): void => {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
      if (!Object.isFrozen(value)) loose.push(name);
      const parts = value instanceof Map ? [...value] : Object.entries(value);
      for (const [key, part] of parts) look(part, `${name}.${key}`);
    };
    look(config, 'config');
    expect(loose).toEqual([]);
  });
});

it('tells an error page from the path of one', () => {
  expect(['<p>', 'a\nb'].map(isInlinePage)).toEqual([true, true]);
  expect(['page.html', '', 'a b.json'].map(isInlinePage)).toEqual([false, false, false]);
});
