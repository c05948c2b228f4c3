import { describe, expect, it } from 'vitest';
import type { PolicyName } from '../../src/core/config.ts';
import { consult, findingsTable, type Oracle } from './oracle.ts';
import { oracles } from './oracles.ts';
import { latencyMs } from './prequal.ts';

describe('the product reproduces what is known', () => {
  it.each(oracles.map((oracle) => [oracle.about, oracle] as const))('%s', (_about, oracle) => {
    const finding = consult(oracle);
    expect(finding, JSON.stringify(finding)).toMatchObject({ agrees: true });
  });

  it('of each thing once', () => {
    expect(new Set(oracles.map(({ about }) => about)).size).toBe(oracles.length);
  });
});

describe('in the world of the table that Prequal was published with', () => {
  const p99 = (policy: PolicyName, load: 70 | 90): number => latencyMs(policy, load, 0.99);

  it('at 90 % prequal is first, then who learns, then who counts, then who does not look', () => {
    const order = [
      'prequal',
      'adaptive',
      'peak_ewma',
      'least_request',
      'least_connections',
      'round_robin',
    ] as const;
    const inOrder = order.map((policy) => p99(policy, 90));
    expect([...inOrder].sort((a, b) => a - b)).toEqual(inOrder);
    expect(p99('random', 90)).toBeGreaterThan(p99('least_connections', 90));
  });

  it('counting what one of a hundred clients sends takes five times as long, or more', () => {
    expect(p99('least_request', 90)).toBeGreaterThan(5 * p99('prequal', 90));
    expect(p99('least_connections', 90)).toBeGreaterThan(5 * p99('prequal', 90));
  });

  it('at 70 % all that learn are close together', () => {
    for (const policy of ['adaptive', 'peak_ewma'] as const) {
      const times = p99(policy, 70) / p99('prequal', 70);
      expect(Math.abs(times - 1)).toBeLessThan(0.35);
    }
  });
});

describe('an oracle', () => {
  const said = (published: number, value: number, standardError: number): Oracle => ({
    kind: 'measured',
    about: 'a time',
    published,
    open: 0.01,
    measure: () => ({ value, standardError }),
  });

  it('disagrees beyond three standard errors and what it leaves open', () => {
    expect(consult(said(10, 10.09, 0.001)).agrees).toBe(true);
    expect(consult(said(10, 10.11, 0.001)).agrees).toBe(false);
    expect(consult(said(10, 9.41, 0.2)).agrees).toBe(true);
    expect(consult(said(10, 9.39, 0.2)).agrees).toBe(false);
  });

  it('of a world that was not published disagrees beyond its factor, up and down', () => {
    const said = (ours: number): Oracle => ({
      kind: 'similar',
      about: 'a time',
      published: 10,
      factor: 2,
      measure: () => ours,
    });
    expect([4.9, 5.1, 19, 21].map((ours) => consult(said(ours)).agrees)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(consult(said(19))).toMatchObject({ ours: '19', deviation: 'x 1.90, of 2' });
  });

  it('that is exact disagrees by a letter, and the table marks it', () => {
    const wrong = consult({
      kind: 'exact',
      about: 'an order',
      published: 'ab',
      measure: () => 'ba',
    });
    expect(wrong.agrees).toBe(false);
    expect(findingsTable([wrong, consult(said(10, 10.2, 0.2))])).toBe(
      [
        '| what     | ours             | published | deviation |',
        '| -------- | ---------------- | --------- | --------- |',
        '| an order | ba               | ab        | DIFFERS ! |',
        '| a time   | 10.2000 ± 0.4180 | 10        | +2.00 %   |',
      ].join('\n'),
    );
  });
});
