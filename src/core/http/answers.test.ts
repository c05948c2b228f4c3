import { describe, expect, it } from 'vitest';
import { type FailureKind, failure, type Side } from '../base/failure.ts';
import { answerBody, reasonOf, statusOf, wantsJson } from './answers.ts';

/** Each kind with its status by the side it is blamed on: client, backend, us. */
const statuses: Readonly<Record<FailureKind, readonly [number, number, number]>> = {
  refused: [400, 502, 502],
  unreachable: [400, 502, 502],
  connect_timeout: [504, 504, 504],
  tls: [400, 502, 502],
  unresolved: [503, 503, 503],
  reset: [400, 502, 502],
  closed: [400, 502, 502],
  timeout_head: [408, 504, 504],
  timeout_idle: [408, 504, 504],
  timeout_tunnel: [408, 504, 504],
  too_slow: [408, 504, 504],
  malformed: [400, 502, 502],
  too_large: [400, 502, 502],
  unsupported: [400, 502, 502],
  circuit_open: [503, 503, 503],
  overloaded: [503, 503, 503],
  no_backend: [503, 503, 503],
  no_route: [404, 404, 404],
  rate_limited: [429, 429, 429],
  no_resources: [503, 503, 503],
  address_in_use: [503, 503, 503],
  not_permitted: [503, 503, 503],
  stopping: [503, 503, 503],
  internal: [500, 500, 500],
};
const sides: readonly Side[] = ['client', 'backend', 'us'];

describe('the status of a failure', () => {
  it.each(Object.entries(statuses))('%s is %j for client, backend, us', (kind, expected) => {
    const found = sides.map((side) =>
      statusOf(failure(kind as FailureKind, side, 'relay', 'never', 'x')),
    );
    expect(found).toEqual(expected);
  });

  it('always has a reason phrase', () => {
    for (const status of new Set(Object.values(statuses).flat())) {
      expect(reasonOf(status)).not.toBe('Error');
    }
    expect(reasonOf(503)).toBe('Service Unavailable');
    expect(reasonOf(299)).toBe('Error');
  });
});

describe('the answer is JSON', () => {
  it.each([
    ['application/json', true],
    ['Application/JSON; q=0.9', true],
    ['application/problem+json', true],
    ['application/vnd.api+json, */*', true],
    ['application/json, text/html', true],
    ['text/html, application/json', false],
    ['text/plain', false],
    ['*/*', false],
    ['application/xml', false],
    ['', false],
    [null, false],
  ])('for Accept: %s: %s', (accept, expected) => {
    expect(wantsJson(accept)).toBe(expected);
  });

  it('is decided quickly, whatever the client sends', () => {
    for (const accept of ['application/'.repeat(3000), `application/${'+'.repeat(30_000)}`]) {
      expect(wantsJson(accept)).toBe(false);
    }
  });
});

describe('what the client reads', () => {
  it('is plain text with the request id', () => {
    expect(answerBody(503, 'No backend is available', 'ab12', false)).toEqual({
      contentType: 'text/plain; charset=utf-8',
      text: '503 Service Unavailable\n\nNo backend is available.\nRequest id: ab12\n',
    });
  });

  it('leaves the id out where there is none', () => {
    const { text } = answerBody(404, 'Nothing here', '', false);
    expect(text).toBe('404 Not Found\n\nNothing here.\n');
  });

  it('is JSON for those who want it, with everything escaped', () => {
    const { contentType, text } = answerBody(400, 'a "quoted" \u0000 word', 'id', true);
    expect(contentType).toBe('application/json');
    expect(JSON.parse(text)).toEqual({
      status: 400,
      error: 'Bad Request',
      detail: 'a "quoted" \u0000 word',
      request_id: 'id',
    });
    expect(text.endsWith('}\n')).toBe(true);
  });
});
