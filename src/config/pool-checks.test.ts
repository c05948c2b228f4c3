import { describe, expect, it } from 'vitest';
import { Report } from './diagnostics.ts';
import { NamedFiles } from './files.ts';
import { checkPool } from './pool-checks.ts';

/** `key: message` of every complaint about the only pool. */
const complaints = (value: Readonly<Record<string, unknown>>): string[] => {
  const report = new Report('');
  checkPool(value, { name: 'default', path: [], value }, new NamedFiles('.'), report);
  return report.diagnostics.map(({ key, message }) => `${key}: ${message}`);
};

const backends = ['http://localhost:9001'];

describe('values of a pool', () => {
  it.each([
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
      { backends, policy: (): null => null, hash_key: 'path' },
      'hash_key: has no meaning with a policy function; write policy: maglev, ring_hash or',
    ],
    [
      { backends, policy: async () => null },
      'policy: is an async function; a policy must answer at once: make it a plain function, and',
    ],
    [
      { backends, policy: function* pick(): Generator {} },
      'policy: is a generator; a policy must answer at once',
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
    [
      { backends, error_pages: { 503: 'none.html' } },
      'error_pages.503: there is no file none.html',
    ],
    [{ backends, tls: { ca: 'none.pem' } }, 'tls.ca: there is no file none.pem'],
    [{ backends, tls: { ca: '-----BEGIN X' } }, 'tls.ca: this text holds no certificate'],
  ])('%j do not fit: %s', (value, complaint) => {
    expect(complaints(value).join('\n')).toContain(complaint);
  });
});
