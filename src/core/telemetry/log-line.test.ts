import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure } from '../base/failure.ts';
import { LineBytes } from './line-bytes.ts';
import type { ExchangeRecord } from './log.ts';
import { createJsonFormat, createTextFormat, type LineFormat } from './log-line.ts';

const at = Date.UTC(2026, 2, 1, 17, 4, 5, 123);

const record = (changes: Partial<ExchangeRecord> = {}): ExchangeRecord => ({
  startedWallMs: at,
  requestId: '7f3a',
  client: '127.0.0.1',
  method: 'GET',
  target: '/',
  host: 'localhost:8080',
  protocol: 'HTTP/1.1',
  status: 200,
  pool: 'default',
  backend: 'server-1',
  attempts: 1,
  hedged: false,
  queueMs: 0,
  requestBodyBytes: 0,
  responseBodyBytes: 23,
  connectMs: 0.41234,
  responseHeadMs: 2.5,
  totalMs: 3.0004,
  failure: null,
  ...changes,
});

const refused = failure('refused', 'backend', 'connect', 'safe', 'connect ECONNREFUSED ::1:9002');
const json = createJsonFormat();
const text = createTextFormat(() => 0, false);
/** Into memory that is too small at first, so that it has to grow wherever it can. */
function lineOf(format: LineFormat, exchange: ExchangeRecord): string {
  const out = new LineBytes(1);
  format.exchange(exchange, out);
  return Buffer.from(out.take()).toString();
}

const hostile = fc.string({ unit: 'binary', maxLength: 30 });

describe('the JSON format', () => {
  it('writes an exchange as one object with stable keys in a stable order', () => {
    const line = lineOf(json, record());
    expect(line.endsWith('}\n')).toBe(true);
    expect(Object.entries(JSON.parse(line))).toEqual([
      ['time', '2026-03-01T17:04:05.123Z'],
      ['level', 'info'],
      ['event', 'exchange'],
      ['request_id', '7f3a'],
      ['client', '127.0.0.1'],
      ['method', 'GET'],
      ['target', '/'],
      ['host', 'localhost:8080'],
      ['protocol', 'HTTP/1.1'],
      ['status', 200],
      ['pool', 'default'],
      ['backend', 'server-1'],
      ['attempts', 1],
      ['hedged', false],
      ['queue_ms', 0],
      ['request_bytes', 0],
      ['response_bytes', 23],
      ['connect_ms', 0.412],
      ['response_head_ms', 2.5],
      ['total_ms', 3],
      ['end', 'ok'],
      ['phase', null],
      ['cause', null],
    ]);
  });

  it('says how an exchange failed', () => {
    const line = lineOf(json, record({ status: 502, failure: refused, responseHeadMs: -1 }));
    expect(JSON.parse(line)).toMatchObject({
      end: 'backend_refused',
      phase: 'connect',
      cause: 'connect ECONNREFUSED ::1:9002',
      response_head_ms: null,
    });
  });

  it('is one valid line with the same content, whatever is in an exchange', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (target, host, requestId, cause) => {
        const failed = { ...refused, cause };
        const line = lineOf(json, record({ target, host, requestId, failure: failed }));
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const parsed = JSON.parse(line);
        expect(parsed).toMatchObject({ target, host, request_id: requestId, cause });
        expect(Object.keys(parsed)).toHaveLength(23);
      }),
    );
  });

  it('writes an event with its fields', () => {
    const fields = { pool: 'default', in_flight: 3, up: false, address: null, load: Number.NaN };
    const line = json.event(at, 'warn', 'backend_down', 'server-2 is down: "no"', fields);
    expect(Object.entries(JSON.parse(line))).toEqual([
      ['time', '2026-03-01T17:04:05.123Z'],
      ['level', 'warn'],
      ['event', 'backend_down'],
      ['message', 'server-2 is down: "no"'],
      ['pool', 'default'],
      ['in_flight', 3],
      ['up', false],
      ['address', null],
      ['load', null],
    ]);
  });

  it("does not let a field take the place of the line's own keys", () => {
    const line = json.event(at, 'info', 'x', 'y', { time: 'never', level: 'none' });
    expect(JSON.parse(line)).toMatchObject({
      time: '2026-03-01T17:04:05.123Z',
      level: 'info',
      time_: 'never',
      level_: 'none',
    });
  });
});

describe('the text format', () => {
  it('says how long somebody waited who waited', () => {
    const line = lineOf(text, record({ queueMs: 12.3 }));
    expect(line).toBe('17:04:05.123 GET / 200 server-1 3ms 12ms in queue\n');
  });

  it('writes an exchange as a person would like to read it', () => {
    expect(lineOf(text, record())).toBe('17:04:05.123 GET / 200 server-1 3ms\n');
  });

  it('says that two attempts were under way at once', () => {
    const line = lineOf(text, record({ attempts: 2, hedged: true }));
    expect(line).toBe('17:04:05.123 GET / 200 server-1 3ms 2 attempts hedged\n');
  });

  it('shows retries, the end code and the cause', () => {
    const line = lineOf(text, record({ status: 502, attempts: 3, failure: refused }));
    expect(line).toBe(
      '17:04:05.123 GET / 502 server-1 3ms 3 attempts ' +
        'backend_refused: connect ECONNREFUSED ::1:9002\n',
    );
  });

  it('shows dashes for what there was not', () => {
    const line = lineOf(
      text,
      record({ status: 0, backend: null, method: '', target: '', totalMs: Number.NaN }),
    );
    expect(line).toBe('17:04:05.123 - - --- - -\n');
  });

  it.each([
    [0.04, '0ms'],
    [0.44, '0.4ms'],
    [12.6, '13ms'],
    [999.4, '999ms'],
    [2_347, '2.35s'],
    [61_000, '61s'],
  ])('shows %d ms as %s', (totalMs, shown) => {
    expect(lineOf(text, record({ totalMs }))).toBe(`17:04:05.123 GET / 200 server-1 ${shown}\n`);
  });

  it('writes an event as level and sentence, in local time', () => {
    const local = createTextFormat(() => 120, false);
    expect(local.event(at, 'warn', 'backend_down', 'server-2 is down: refused', { a: 1 })).toBe(
      '19:04:05.123 WARN server-2 is down: refused\n',
    );
  });

  it('colours a line only when asked to, and says the same', () => {
    const coloured = createTextFormat(() => 0, true);
    for (const status of [0, 200, 301, 404, 503]) {
      const line = lineOf(coloured, record({ status }));
      expect(line).toContain('\x1b[');
      expect(line.replace(/\x1b\[\d+m/g, '')).toBe(lineOf(text, record({ status })));
    }
  });

  it('is one line without control characters, whatever is in it', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (target, backend, cause) => {
        const failed = { ...refused, cause };
        const exchange = lineOf(text, record({ target, backend, failure: failed }));
        const event = text.event(at, 'error', 'x', cause);
        for (const line of [exchange, event]) {
          expect(line.endsWith('\n')).toBe(true);
          expect(line.slice(0, -1)).not.toMatch(/\p{C}/u);
        }
      }),
    );
  });
});
