/**
 * Log lines: JSON for machines, a readable form for a terminal. Every line ends with
 * exactly one newline, whatever is in it. The keys and the end codes are a promise to whoever reads
 * the log by program: `docs/log.md` is their reference.
 */
import type { LogLevel } from '../config.ts';
import { endCode } from './end-code.ts';
import { jsonString, sentence, wireWord } from './escape.ts';
import type { LineBytes } from './line-bytes.ts';
import type { EventFields, ExchangeRecord } from './log.ts';
import { createTimeFormat } from './time-format.ts';

/** Formats lines; keeps the current second's text between calls, so each log has its own. */
export interface LineFormat {
  /** Writes one line: there are as many as there are requests. */
  exchange(record: ExchangeRecord, out: LineBytes): void;
  event(
    wallMs: number,
    level: LogLevel,
    event: string,
    message: string,
    fields?: EventFields,
  ): string;
}

const RESERVED = new Set(['time', 'level', 'event', 'message']);

const jsonValue = (value: string | number | boolean | null): string => {
  if (typeof value === 'string') return jsonString(value);
  return typeof value === 'number' && !Number.isFinite(value) ? 'null' : `${value}`;
};

/** One JSON object per line. */
export function createJsonFormat(): LineFormat {
  const time = createTimeFormat(() => 0);
  return {
    exchange: (r, out) => {
      const { failure } = r;
      out.ascii('{"time":"');
      out.ascii(time.iso(r.startedWallMs));
      out.ascii('","level":"info","event":"exchange","request_id":');
      out.json(r.requestId);
      out.ascii(',"client":');
      out.json(r.client);
      out.ascii(',"method":');
      out.json(r.method);
      out.ascii(',"target":');
      out.json(r.target);
      out.ascii(',"host":');
      out.json(r.host);
      out.ascii(',"protocol":');
      out.json(r.protocol);
      out.ascii(',"status":');
      out.number(r.status);
      out.ascii(',"pool":');
      out.json(r.pool);
      out.ascii(',"backend":');
      out.json(r.backend);
      out.ascii(',"attempts":');
      out.number(r.attempts);
      out.ascii(r.hedged ? ',"hedged":true' : ',"hedged":false');
      out.ascii(',"queue_ms":');
      out.milliseconds(r.queueMs);
      out.ascii(',"request_bytes":');
      out.number(r.requestBodyBytes);
      out.ascii(',"response_bytes":');
      out.number(r.responseBodyBytes);
      out.ascii(',"connect_ms":');
      out.milliseconds(r.connectMs);
      out.ascii(',"response_head_ms":');
      out.milliseconds(r.responseHeadMs);
      out.ascii(',"total_ms":');
      out.milliseconds(r.totalMs);
      out.ascii(',"end":');
      out.json(endCode(failure));
      out.ascii(',"phase":');
      out.json(failure === null ? null : failure.phase);
      out.ascii(',"cause":');
      out.json(failure === null ? null : failure.cause);
      out.ascii('}\n');
    },
    event: (wallMs, level, event, message, fields) => {
      let line =
        `{"time":"${time.iso(wallMs)}","level":"${level}","event":${jsonString(event)}` +
        `,"message":${jsonString(message)}`;
      if (fields !== undefined) {
        for (const key in fields) {
          // A field may not pass itself off as the line's own time or level.
          const name = RESERVED.has(key) ? `${key}_` : key;
          line += `,${jsonString(name)}:${jsonValue(fields[key]!)}`;
        }
      }
      return `${line}}\n`;
    },
  };
}

/** How a text line is coloured. Empty strings: not at all. */
interface Colours {
  readonly dim: string;
  readonly green: string;
  readonly cyan: string;
  readonly yellow: string;
  readonly red: string;
  readonly off: string;
}

const ANSI: Colours = {
  dim: '\x1b[2m',
  green: '\x1b[32m',
  cyan: '\x1b[36m',
  yellow: '\x1b[33m',
  red: '\x1b[31m',
  off: '\x1b[0m',
};
const PLAIN: Colours = { dim: '', green: '', cyan: '', yellow: '', red: '', off: '' };

/** `3ms`, `0.4ms`, `2.35s`: three digits say enough to a reader. */
function duration(ms: number): string {
  if (!(ms >= 0)) return '-';
  if (ms < 1) return `${Math.round(ms * 10) / 10}ms`;
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return `${Math.round(ms / 10) / 100}s`;
}

const LEVELS: Readonly<
  Record<LogLevel, { readonly label: string; readonly colour: keyof Colours }>
> = {
  debug: { label: 'DEBUG', colour: 'dim' },
  info: { label: 'INFO', colour: 'green' },
  warn: { label: 'WARN', colour: 'yellow' },
  error: { label: 'ERROR', colour: 'red' },
};

/**
 * Lines for people: `17:04:05.123 GET / 200 server-1 3ms`, and events like
 * `17:04:05.123 WARN server-2 is down: connection refused`. Fields of events are left to JSON: the
 * sentence has to say what matters. `utcOffsetMinutes`: local time minus UTC at a wall time.
 */
export function createTextFormat(
  utcOffsetMinutes: (wallMs: number) => number,
  colour: boolean,
): LineFormat {
  const time = createTimeFormat(utcOffsetMinutes);
  const c = colour ? ANSI : PLAIN;
  const statusColour = (status: number): string => {
    if (status >= 500 || status === 0) return c.red;
    if (status >= 400) return c.yellow;
    return status >= 300 ? c.cyan : c.green;
  };
  return {
    exchange: (r, out) => {
      const status = r.status === 0 ? '---' : `${r.status}`;
      let line =
        `${c.dim}${time.clock(r.startedWallMs)}${c.off} ${wireWord(r.method)} ` +
        `${wireWord(r.target)} ${statusColour(r.status)}${status}${c.off} ` +
        `${sentence(r.backend ?? '-')} ${duration(r.totalMs)}`;
      if (r.queueMs > 0) line += ` ${c.dim}${duration(r.queueMs)} in queue${c.off}`;
      if (r.attempts > 1) line += ` ${c.yellow}${r.attempts} attempts${c.off}`;
      if (r.hedged) line += ` ${c.dim}hedged${c.off}`;
      if (r.failure !== null) {
        line += ` ${c.red}${endCode(r.failure)}${c.off}: ${sentence(r.failure.cause)}`;
      }
      out.utf8(`${line}\n`);
    },
    event: (wallMs, level, _event, message) => {
      const { label, colour: name } = LEVELS[level];
      return (
        `${c.dim}${time.clock(wallMs)}${c.off} ` +
        `${c[name]}${label}${c.off} ${sentence(message)}\n`
      );
    },
  };
}
