import { expect, it } from 'vitest';
import { readWrk } from './wrk.ts';

const report = `Running 1s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.52ms  301.21us   9.12ms   93.47%
    Req/Sec    42.43k     1.90k   44.66k    90.00%
  Latency Distribution
     50%  635.00us
     75%    1.52ms
     90%    1.68ms
     99%    2.61ms
  42244 requests in 1.00s, 6.00MB read
Requests/sec:  42243.12
Transfer/sec:      6.00MB
`;

it('reads requests, rate and latencies in microseconds', () => {
  expect(readWrk(report)).toEqual({
    requests: 42244,
    requestsPerSecond: 42243.12,
    p50: 635,
    p99: 2610,
    errors: 0,
  });
});

it('reads latencies of seconds, behind which wrk leaves a space', () => {
  const slow = report.replace('99%    2.61ms', '99%    1.06s ');
  expect(readWrk(slow).p99).toBe(1_060_000);
});

it('adds up what went wrong', () => {
  const bad = report.replace(
    'Requests/sec',
    '  Socket errors: connect 1, read 20, write 0, timeout 3\n' +
      '  Non-2xx or 3xx responses: 400\nRequests/sec',
  );
  expect(readWrk(bad).errors).toBe(424);
});

it('refuses a text that is no report', () => {
  expect(() => readWrk('unable to connect')).toThrow('unable to connect');
});
