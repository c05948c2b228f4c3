import { expect, it } from 'vitest';
import type { Outcome } from './run.ts';
import { type Row, tables } from './table.ts';

const outcome = (changes: Partial<Outcome>): Outcome => ({
  requests: 900,
  errors: 0,
  seconds: 1,
  bytes: 1,
  p50: 5200,
  p99: 7000,
  p999: 9000,
  max: 9100,
  servedP50: 5100,
  servedP99: 6900,
  refused: 0,
  refusedP50: 0,
  refusedP99: 0,
  goodput: 0.97,
  amplification: 1,
  ...changes,
});

function row(sheet: Row['contestant']['sheet'], name: string, ...outcomes: Outcome[]): Row {
  return {
    trouble: { id: 'slow', title: 'one is slow' },
    contestant: { id: name, name, sheet },
    outcomes,
  };
}

it('has a line a contestant and a column a trouble, and shows errors where there are any', () => {
  const failing = { id: 'failing', title: 'one fails' };
  const rows = [
    row('latency', 'ours', outcome({})),
    row('latency', 'theirs', outcome({ p99: 50_000 })),
    { ...row('latency', 'theirs', outcome({ errors: 100 })), trouble: failing },
  ];
  expect(tables(rows).split('\n').slice(2)).toEqual([
    '|  | one is slow | one fails |',
    '|---|---|---|',
    '| ours | 5.2 / 7.0 | - |',
    '| theirs | 5.2 / 50.0 | 5.2 / 7.0, 10.00 % |',
    '',
  ]);
});

it('shows the median of several rounds', () => {
  const rounds = [9000, 7000, 800_000].map((p99) => outcome({ p99 }));
  expect(tables([row('latency', 'ours', ...rounds)])).toContain('| ours | 5.2 / 9.0 |');
});

it('tells refusals from answers, and how often servers were tried', () => {
  const full = outcome({ errors: 900, refused: 450, refusedP50: 200, refusedP99: 1100 });
  const text = tables([
    row('overload', 'short', full),
    row('overload', 'none', outcome({})),
    row('storm', 'as it comes', outcome({ requests: 0, errors: 50, amplification: 1.1954 })),
  ]);
  expect(text).toContain('| short | 97.0 % | 5.1 / 6.9 | 25.0 % | 0.2 / 1.1 |');
  expect(text).toContain('| none | 97.0 % | 5.1 / 6.9 | 0.0 % | - |');
  expect(text).toContain('| as it comes | 100.00 % | 1.195 | 5.2 / 7.0 |');
});
