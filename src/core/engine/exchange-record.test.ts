import { describe, expect, it } from 'vitest';
import { failure } from '../base/failure.ts';
import type { ExchangeRecord } from '../telemetry/log.ts';
import { newRecord, resetRecord } from './exchange-record.ts';

const nothing: ExchangeRecord = {
  protocol: 'HTTP/1.1',
  startedWallMs: 0,
  requestId: '',
  client: '',
  method: '',
  target: '',
  host: '',
  status: 0,
  pool: null,
  backend: null,
  attempts: 0,
  hedged: false,
  queueMs: 0,
  requestBodyBytes: 0,
  responseBodyBytes: 0,
  connectMs: -1,
  responseHeadMs: -1,
  totalMs: 0,
  failure: null,
};

const full: ExchangeRecord = {
  protocol: 'HTTP/1.1',
  startedWallMs: 1,
  requestId: 'id',
  client: '192.0.2.1',
  method: 'GET',
  target: '/',
  host: 'a.test',
  status: 200,
  pool: 'web',
  backend: 'b1',
  attempts: 2,
  hedged: true,
  queueMs: 0,
  requestBodyBytes: 3,
  responseBodyBytes: 4,
  connectMs: 5,
  responseHeadMs: 6,
  totalMs: 7,
  failure: failure('reset', 'backend', 'relay', 'never', 'gone'),
};

describe('the record of an exchange', () => {
  it('says at first that nothing has happened', () => {
    expect(newRecord()).toEqual(nothing);
  });

  it('keeps nothing of the exchange before, and begins at a time', () => {
    const record = { ...full };
    resetRecord(record, 1234);
    expect(record).toEqual({ ...nothing, startedWallMs: 1234 });
  });

  it('is another for each who asks for one', () => {
    const [one, other] = [newRecord(), newRecord()];
    one.status = 200;
    expect(other.status).toBe(0);
  });
});
