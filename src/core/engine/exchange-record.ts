/** What is written down of an exchange: one record is filled over and over. */
import type { ExchangeRecord } from '../telemetry/log.ts';
import type { Exchange } from './exchange.ts';

/** One record, of an exchange that has not begun. */
export function newRecord(): ExchangeRecord {
  const record = { protocol: 'HTTP/1.1' } as ExchangeRecord;
  resetRecord(record, 0);
  return record;
}

/** Nothing has happened yet of an exchange that begins now. */
export function resetRecord(record: ExchangeRecord, wallMs: number): void {
  record.startedWallMs = wallMs;
  record.requestId = '';
  record.client = '';
  record.method = '';
  record.target = '';
  record.host = '';
  record.status = 0;
  record.pool = null;
  record.backend = null;
  record.attempts = 0;
  record.hedged = false;
  record.queueMs = 0;
  record.requestBodyBytes = 0;
  record.responseBodyBytes = 0;
  record.connectMs = -1;
  record.responseHeadMs = -1;
  record.totalMs = 0;
  record.failure = null;
}

/** What only the log wants to know, as text that is made only then. */
export function writeDown({ record, head, facts, backend, pool, requestId }: Exchange): void {
  record.backend = backend?.config.name ?? null;
  record.pool = pool?.config.name ?? null;
  record.requestId = requestId;
  record.method = head.method;
  record.target = head.target;
  record.host = facts.hostText(head);
}
