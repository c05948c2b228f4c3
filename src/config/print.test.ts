// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../core/config.ts';
import { formatDiagnostics } from './diagnostics.ts';
import { escapeVariables } from './environment.ts';
import { parseConfig } from './load.ts';
import { printConfig } from './print.ts';

const read = (text: string): Config => {
  const result = parseConfig(text, 'c.yaml');
  if ('config' in result) return result.config;
  throw new Error(formatDiagnostics(result.diagnostics));
};

describe('a printed configuration', () => {
  it('is in full form, with every default', () => {
    const text = printConfig(read('backends: [http://localhost:9001]'));
    expect(text).toMatch(
      /^listeners:\n {2}- port: 8080\nroutes:\n {2}- path: \/\n {4}pool: default\n/,
    );
    expect(text).toContain('  tunnel_idle: 1h\n');
  });

  it('reads back as what it was, whatever a page or a name holds', () => {
    const page = fc.string({ unit: 'binary', maxLength: 30 });
    const duration = fc.integer({ min: 1, max: 1e9 }).map((ms) => `${ms}ms`);
    const keys = {
      backends: fc.constant([{ url: 'https://[::1]/a', name: '1' }, 'http://b:8080']),
      host: fc.constantFrom('preserve', 'backend', 'a.example:80'),
      tls: fc.record({
        verify: fc.boolean(),
        server_name: fc.constantFrom('a.example', 'true.no'),
      }),
      panic: fc.boolean(),
      drain_timeout: duration,
      error_pages: fc.dictionary(
        fc.constantFrom('400', '503', '599'),
        fc.record({ body: page, content_type: fc.constantFrom('text/html', 'a/b; c="${d}"') }),
      ),
    };
    const pool = fc.record(keys);
    const secret = fc.constantFrom('${NOT_A_VARIABLE}', '1234567890123456');
    const sessions = fc.record({ idle: fc.constant('90m'), sessions: fc.nat(9).map((n) => n + 1) });
    const sticky = fc.oneof(
      fc.record(
        { cookie: fc.constant('lb'), max_age: fc.constant('90m'), secret, drain: fc.boolean() },
        { requiredKeys: ['cookie'] },
      ),
      sessions.map((rest) => ({ ...rest, header: 'X-Session' })),
      sessions.map((rest) => ({ ...rest, learn: { cookie: 'JSESSIONID' } })),
      sessions.map((rest) => ({ ...rest, learn: { header: 'x-session' } })),
    );
    const input = fc.record({
      pools: fc.record({ on: fc.record({ ...keys, sticky }), '1': pool }),
      routes: fc.constant([
        { host: ['*.a.example'], path: '/x', pool: '1' },
        {
          pool: 'on',
          rate_limits: [
            { rate: '20/min', burst: 50, key: 'header:X-Key' },
            { rate: '5/h', key: 'all' },
          ],
        },
      ]),
      timeouts: fc.record({ connect: duration, idle: duration }),
      limits: fc.record({ body: fc.integer({ min: 1, max: 1e12 }), min_rate: fc.nat(1e6) }),
    });
    fc.assert(
      fc.property(input, (value) => {
        // JSON is YAML, but its texts would be searched for variables.
        const json = escapeVariables(JSON.stringify(value));
        const config = read(json);
        expect(read(printConfig(config))).toEqual(config);
      }),
    );
  });
});
