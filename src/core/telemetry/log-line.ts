/**
 * Log lines, as pure text: JSON for machines, a readable form for a terminal. Every line ends with
 * exactly one newline, whatever is in it. The keys and the end codes are a promise to whoever reads
 * the log by program: `docs/log.md` is their reference.
 */
import type { LogLevel } from '../config.ts';
import { endCode } from './end-code.ts';
import { jsonString, sentence, wireWord } from './escape.ts';
import type { EventFields, ExchangeRecord } from './log.ts';
import { createTimeFormat } from './time-format.ts';

/** Formats lines; keeps the current second's text between calls, so each log has its own. */
export interface LineFormat {
  exchange(record: ExchangeRecord): string;
  event(
    wallMs: number,
    level: LogLevel,
    event: string,
    message: string,
    fields?: EventFields,
  ): string;
}

const RESERVED = new Set(['time', 'level', 'event', 'message']);

/** Milliseconds, at most three decimals; null for what never happened (negative, no number). */
const timing = (ms: number): string =>
  ms >= 0 && ms < Number.POSITIVE_INFINITY ? `${Math.round(ms * 1_000) / 1_000}` : 'null';

const jsonOrNull = (text: string | null): string => (text === null ? 'null' : jsonString(text));

const jsonValue = (value: string | number | boolean | null): string => {
  if (typeof value === 'string') return jsonString(value);
  return typeof value === 'number' && !Number.isFinite(value) ? 'null' : `${value}`;
};

/** One JSON object per line. */
export function createJsonFormat(): LineFormat {
  const time = createTimeFormat(() => 0);
  return {
    exchange: (r) => {
      const { failure } = r;
      return (
        `{"time":"${time.iso(r.startedWallMs)}","level":"info","event":"exchange"` +
        `,"request_id":${jsonString(r.requestId)},"client":${jsonString(r.client)}` +
        `,"method":${jsonString(r.method)},"target":${jsonString(r.target)}` +
        `,"host":${jsonString(r.host)},"protocol":${jsonString(r.protocol)}` +
        `,"status":${r.status},"pool":${jsonOrNull(r.pool)},"backend":${jsonOrNull(r.backend)}` +
        `,"attempts":${r.attempts},"request_bytes":${r.requestBodyBytes}` +
        `,"response_bytes":${r.responseBodyBytes},"connect_ms":${timing(r.connectMs)}` +
        `,"response_head_ms":${timing(r.responseHeadMs)},"total_ms":${timing(r.totalMs)}` +
        `,"end":"${endCode(failure)}","phase":${failure === null ? 'null' : `"${failure.phase}"`}` +
        `,"cause":${failure === null ? 'null' : jsonString(failure.cause)}}\n`
      );
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
    exchange: (r) => {
      const status = r.status === 0 ? '---' : `${r.status}`;
      let line =
        `${c.dim}${time.clock(r.startedWallMs)}${c.off} ${wireWord(r.method)} ` +
        `${wireWord(r.target)} ${statusColour(r.status)}${status}${c.off} ` +
        `${sentence(r.backend ?? '-')} ${duration(r.totalMs)}`;
      if (r.attempts > 1) line += ` ${c.yellow}${r.attempts} attempts${c.off}`;
      if (r.failure !== null) {
        line += ` ${c.red}${endCode(r.failure)}${c.off}: ${sentence(r.failure.cause)}`;
      }
      return `${line}\n`;
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
