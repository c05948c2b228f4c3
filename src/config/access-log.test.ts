import { describe, expect, it } from 'vitest';
import { readAccessLog } from './access-log.ts';

const line = (time: string, client: string): string =>
  JSON.stringify({ time, level: 'info', event: 'exchange', client, status: 200 });

describe('an access log as traffic', () => {
  it('is in the order of arrival, whoever was logged first', () => {
    const text = [
      line('2026-11-26T12:00:01.250Z', '10.0.0.2'),
      '{"time":"2026-11-26T12:00:01.000Z","event":"backend_up","message":"x"}',
      line('2026-11-26T12:00:00.000Z', '10.0.0.1'),
      '',
      line('2026-11-26T12:00:03.000Z', '10.0.0.1'),
    ].join('\n');
    expect(readAccessLog(text, 'access.log')).toEqual({
      value: {
        timesMs: Float64Array.of(0, 1250, 3000),
        keys: Int32Array.of(0, 1, 0),
        clients: 2,
      },
    });
  });

  const remedy = 'set log: {format: json} where it is written';

  it.each([
    [
      '12:00 GET / 200',
      `line 1 of a.log is no JSON of an access log: "12:00 GET / 200"; ${remedy}`,
    ],
    ['\n7', `line 2 of a.log is no JSON of an access log: "7"; ${remedy}`],
    [line('yesterday', 'x').slice(0, 20), expect.stringContaining('line 1 of a.log is no JSON')],
    [line('yesterday', 'x'), expect.stringContaining('line 1 of a.log is no JSON')],
    ['', 'a.log has no line of a request'],
  ])('is not %j', (text, problem) => {
    expect(readAccessLog(text, 'a.log')).toEqual({ problem });
  });
});
