/** The log as the engine and the control thread see it. Writing never waits and never throws. */
import type { Failure } from '../base/failure.ts';
import type { LogLevel } from '../config.ts';

/** What is known of one exchange when it has ended. Reused by the caller after the call. */
export interface ExchangeRecord {
  /** When the first byte of the request arrived; milliseconds since 1970. */
  startedWallMs: number;
  requestId: string;
  /** The client's address, after `trusted_proxies`. */
  client: string;
  method: string;
  /** As received. */
  target: string;
  /** The Host it was routed by. */
  host: string;
  /** The client's protocol: `HTTP/1.1`. */
  protocol: string;
  /** What the client got; 0: nothing. */
  status: number;
  pool: string | null;
  /** The backend of the last attempt. */
  backend: string | null;
  /** How often a backend was tried. */
  attempts: number;
  /** Two of them were under way at once (`hedge`). */
  hedged: boolean;
  /** How long it waited until a backend had room (`max_requests`), all waits together. */
  queueMs: number;
  requestBodyBytes: number;
  responseBodyBytes: number;
  /**
   * From the first byte: until the last attempt had a connection, the response's head, the end;
   * -1: it never came to that.
   */
  connectMs: number;
  responseHeadMs: number;
  totalMs: number;
  /** Null: it ended as it should. */
  failure: Failure | null;
}

export type EventFields = Readonly<Record<string, string | number | boolean | null>>;

export interface Log {
  /** One line per exchange. */
  exchange(record: ExchangeRecord): void;
  /** For the operator. `event`: a stable snake_case name; `message`: a sentence. */
  event(level: LogLevel, event: string, message: string, fields?: EventFields): void;
}
