import { describe, expect, it } from 'vitest';
import { expectsNoBody, healthCheck, loadProbe } from './health.ts';

describe('a health check as it is written', () => {
  it('asks for / and wants 2xx unless it says more', () => {
    expect(healthCheck.parse({})).toMatchObject({
      type: 'http',
      path: '/',
      interval: 5000,
      expected_status: [[200, 299]],
    });
  });

  it('takes header fields, but none that a probe must say itself', () => {
    const headers = { 'X-Probe': 'yes', Cookie: 'a=b; c' };
    expect(healthCheck.parse({ headers }).headers).toEqual(headers);
    for (const [name, value] of [
      ['Host', 'a.test'],
      ['content-length', '5'],
      ['two words', 'x'],
      ['X', 'a\r\nb'],
      ['X', ' a'],
    ]) {
      expect(healthCheck.safeParse({ headers: { [name]: value } }).success).toBe(false);
    }
  });

  it('takes a text for the body that is in some bodies and not in all', () => {
    expect(healthCheck.parse({ expected_body: 'all good: \u00e9' })).toMatchObject({
      expected_body: 'all good: \u00e9',
    });
    for (const expected_body of ['', 'x'.repeat(1025)]) {
      expect(healthCheck.safeParse({ expected_body }).success).toBe(false);
    }
  });

  it('says of grpc that it is not there yet', () => {
    const { error } = healthCheck.safeParse({ type: 'grpc' });
    expect(error?.issues[0]?.message).toMatch(/^"grpc" is not there yet: it needs HTTP\/2/);
  });

  it('takes one status, a class, a range, or a list of these', () => {
    const of = (expected_status: string | number | (string | number)[]) =>
      healthCheck.parse({ expected_status }).expected_status;
    expect(of(204)).toEqual([[204, 204]]);
    expect(of('2xx')).toEqual([[200, 299]]);
    expect(of([200, '300-399'])).toEqual([
      [200, 200],
      [300, 399],
    ]);
  });
});

describe('the statuses that are expected', () => {
  it.each([204, '304', [204], [204, 304]])('have no body: %s', (given) => {
    expect(expectsNoBody(given)).toBe(true);
  });

  it.each([undefined, 200, '2xx', [200, 204], '204-205', 'what?'])('may have one: %s', (given) => {
    expect(expectsNoBody(given)).toBe(false);
  });
});

describe('a load probe as it is written', () => {
  it('needs a path, and comes twice a second unless it says more', () => {
    expect(loadProbe.parse({ path: '/load' })).toEqual({ path: '/load', interval: 500 });
    expect(loadProbe.safeParse({ interval: '1s' }).success).toBe(false);
  });

  it('comes at least once in the second after which a load is stale', () => {
    const of = (interval: string) => loadProbe.safeParse({ path: '/', interval }).success;
    expect(['19ms', '20ms', '1s', '1001ms'].map(of)).toEqual([false, true, true, false]);
  });

  it.each([
    [1, '1 has no unit; write 1s'],
    [5, '5 has no unit; write 20ms to 1s'],
    [500, '500 has no unit; write 500ms'],
    ['500', '"500" has no unit; write 500ms'],
  ])('every %s is told a unit with which it is in range', (interval, message) => {
    const result = loadProbe.safeParse({ path: '/', interval });
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
