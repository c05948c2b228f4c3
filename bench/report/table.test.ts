import { expect, it } from 'vitest';
import { sampleReport } from './fixture.ts';
import { table } from './table.ts';

it('has a row for each contestant and the columns of which there are figures', () => {
  expect(table(sampleReport, sampleReport.scenarios[0]!)).toBe(
    [
      'small: small GET',
      '                    CPU us/req     spread  req/s  x nginx  x HAProxy  errors',
      'Evenkeel, Node 20          9.0    9.0-9.0  50000     0.90          -       0',
      'nginx 1.22                10.0  10.0-10.0  45000     1.00          -       0',
      'slow, on something        80.0  80.0-80.0   5000     8.00          -       0',
      '',
    ].join('\n'),
  );
});

it('tells figures in readable units', () => {
  const lines = table(sampleReport, sampleReport.scenarios[1]!).split('\n');
  expect(lines[1]).toMatch(/connections +KiB\/idle +spread +x nginx/);
  expect(lines[2]).toMatch(/^Evenkeel, Node 20 +10000 +6.00 +6.00-6.00 +12.00 /);
});

it('names the figures where several are compared', () => {
  const compares = ['p99Microseconds', 'p999Microseconds'] as const;
  const both = { ...sampleReport.scenarios[0]!, compares };
  expect(table(sampleReport, both)).toContain('p99 x nginx  p99 x HAProxy  p99.9 x nginx');
});
