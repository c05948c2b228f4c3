import { describe, expect, it } from 'vitest';
import { consult, findingsTable, type Oracle } from './oracle.ts';
import { oracles } from './oracles.ts';

describe('the product reproduces what is known', () => {
  it.each(oracles.map((oracle) => [oracle.about, oracle] as const))('%s', (_about, oracle) => {
    const finding = consult(oracle);
    expect(finding, JSON.stringify(finding)).toMatchObject({ agrees: true });
  });

  it('of each thing once', () => {
    expect(new Set(oracles.map(({ about }) => about)).size).toBe(oracles.length);
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
