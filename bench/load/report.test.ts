import { expect, it } from 'vitest';
import { readOwnReport, readReport } from './report.ts';

const figures =
  '{"requests":42244,"errors":3,"seconds":1.000021,"bytes":6000000,' +
  '"p50":635.0,"p99":2610.0,"p999":3100.0,"max":9120.0}';

it('reads the last line, whatever else was said', () => {
  const text = `Running 1s test @ http://127.0.0.1:8080/\n  42244 requests in 1.00s\n${figures}\n`;
  expect(readReport(text)).toEqual({
    requests: 42244,
    errors: 3,
    seconds: 1.000021,
    bytes: 6_000_000,
    p50: 635,
    p99: 2610,
    p999: 3100,
    max: 9120,
  });
});

it.each(['unable to connect\n', '', '{"requests":1}\n', `${figures}\nand then it broke\n`])(
  'refuses a text that is no report: %j',
  (text) => {
    expect(() => readReport(text)).toThrow('said something else');
  },
);

it('reads what good answers and refusals took from a generator that tells them apart', () => {
  const told = figures.replace(
    '}',
    ',"servedP50":600.0,"servedP99":2000.0,"refused":3,"refusedP50":90.0,"refusedP99":120.0}',
  );
  expect(readOwnReport(told)).toMatchObject({ requests: 42244, servedP99: 2000, refused: 3 });
  expect(() => readOwnReport(figures)).toThrow('said something else');
});
