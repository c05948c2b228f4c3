/**
 * The process's log: lines of `core/telemetry` into a descriptor. Never waits, never throws, is at
 * most 100 ms late, and says how many lines it had to drop.
 */

import { utf8 } from '../../core/base/bytes.ts';
import type { LogConfig, LogLevel } from '../../core/config.ts';
import { LineBytes } from '../../core/telemetry/line-bytes.ts';
import type { Log } from '../../core/telemetry/log.ts';
import { createJsonFormat, createTextFormat } from '../../core/telemetry/log-line.ts';
import { type Outlet, openOutlet } from './log-outlet.ts';

/** Kept for a reader that is behind; what comes after that is dropped. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/**
 * A batch is handed over when it has so many bytes, or after so long. To hand one over costs more
 * than a hundred lines: it wakes another thread, twice where workers write.
 */
const BATCH_BYTES = 60 * 1024;
/** Room for the line that fills it. */
const BATCH_CAPACITY = 64 * 1024;
const BATCH_MS = 100;
/** While lines go on being dropped, it is said that often. */
const DROP_REPORT_MS = 1_000;
/** Room enough for the line that says it. */
const DROP_REPORT_BYTES = 512;
/** What is left at the end gets so long. */
const FLUSH_MS = 1_000;

export interface LogOptions extends LogConfig {
  /** Default 1, standard output. */
  readonly fd?: number;
  /** Somebody is looking: `auto` means text. */
  readonly isTty: boolean;
  /** For text only; default false. */
  readonly colour?: boolean;
  /** Local time minus UTC at a wall time; default: the system's time zone. */
  readonly utcOffsetMinutes?: (wallMs: number) => number;
}

export interface ProcessLog extends Log {
  /** Puts text of our own (a banner) between the lines, as it is. */
  print(text: string): void;
  /** Takes lines of another thread's log, each with its end, and the memory they are in. */
  forward(bytes: Uint8Array<ArrayBuffer>, lines: number): void;
  /** Hands over now what has been gathered. */
  handOver(): void;
  /** Takes another level, format, or access lines on or off, from the next line on. */
  configure(config: LogConfig): void;
  /** Calls back once, when everything is written or cannot be, after a second at most. */
  flush(done: () => void): void;
  /** Lines lost so far. */
  dropped(): number;
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

const systemOffset = (wallMs: number): number => -new Date(wallMs).getTimezoneOffset();

/** `onProgress` is called whenever there may be room again. */
export type OpenOutlet = (onProgress: () => void) => Outlet;

/**
 * Opens the log on a descriptor, or another way out. Lines below the level are not made; the others
 * are written in the order of the calls, warnings and errors at once.
 */
export function createLog(
  options: LogOptions,
  open: OpenOutlet = (onProgress) => openOutlet(options.fd ?? 1, MAX_WAITING_BYTES, onProgress),
): ProcessLog {
  const json = createJsonFormat();
  const text = createTextFormat(options.utcOffsetMinutes ?? systemOffset, options.colour ?? false);
  const formatOf = (config: LogConfig) => {
    const name = config.format === 'auto' ? (options.isTty ? 'text' : 'json') : config.format;
    return name === 'text' ? text : json;
  };
  let format = formatOf(options);
  let rank = RANK[options.level];
  let access = options.access;
  let reported = 0;
  let reportedAtMs = Number.NEGATIVE_INFINITY;

  const outlet = open(() => reportDrops());
  const batch = new Batch(outlet);
  const add = (text: string, atOnce: boolean): void => {
    batch.bytes.utf8(text);
    batch.added(atOnce);
  };
  const reportDrops = (): void => {
    const lines = outlet.dropped() - reported;
    if (lines === 0 || outlet.room() < DROP_REPORT_BYTES) return;
    const nowMs = performance.now();
    if (!outlet.idle() && nowMs - reportedAtMs < DROP_REPORT_MS) return;
    reported += lines;
    reportedAtMs = nowMs;
    const message = `${lines} log lines were dropped: nobody took them in time`;
    const line = format.event(Date.now(), 'warn', 'log_dropped', message, { lines });
    outlet.write(utf8(line), 1);
  };
  return {
    exchange: (record) => {
      if (!access) return;
      format.exchange(record, batch.bytes);
      batch.added(false);
    },
    event: (level, event, message, fields) => {
      if (RANK[level] < rank) return;
      add(format.event(Date.now(), level, event, message, fields), RANK[level] >= RANK.warn);
    },
    print: (printed) => add(printed, true),
    handOver: () => batch.handOver(),
    forward: (bytes, lines) => {
      batch.handOver();
      outlet.write(bytes, lines);
    },
    configure: (config) => {
      format = formatOf(config);
      rank = RANK[config.level];
      access = config.access;
    },
    flush: (done) => {
      batch.handOver();
      outlet.flush(FLUSH_MS, done);
    },
    dropped: () => outlet.dropped(),
  };
}

/** Lines that have been written and not handed over yet. */
class Batch {
  readonly bytes = new LineBytes(BATCH_CAPACITY);
  private readonly outlet: Outlet;
  private lines = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(outlet: Outlet) {
    this.outlet = outlet;
  }

  /** One line more stands in `bytes`. */
  added(atOnce: boolean): void {
    this.lines++;
    if (atOnce || this.bytes.length >= BATCH_BYTES) this.handOver();
    else this.timer ??= setTimeout(() => this.handOver(), BATCH_MS).unref();
  }

  handOver(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { lines } = this;
    if (lines === 0) return;
    this.lines = 0;
    this.outlet.write(this.bytes.take(), lines);
  }
}
