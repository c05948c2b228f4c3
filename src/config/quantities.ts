/** Durations, sizes and status ranges as people write them, and back again. */
import { show } from './diagnostics.ts';

/** What a text means, or what is wrong with it and what to write instead. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const MS_PER_UNIT: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What people write for our units elsewhere. Days become hours. */
const UNIT_NAMES: [RegExp, string, number][] = [
  [/^(ms|msecs?|millis?|milliseconds?)$/i, 'ms', 1],
  [/^(s|secs?|seconds?)$/i, 's', 1],
  [/^(m|mins?|minutes?)$/i, 'm', 1],
  [/^(h|hrs?|hours?)$/i, 'h', 1],
  [/^(d|days?)$/i, 'h', 24],
];

/** Timers count in 32 bits: 24 days, in milliseconds. */
export const LONGEST_DURATION_MS = 576 * 3_600_000;

export const DURATION_PATTERN = '^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$';

/** What a field is usually written in, and a number without a unit is told to take. */
export type HintUnit = 'ms' | 's';

/** `500ms`, `1.5s`, `5m`, `2h` to whole milliseconds. */
export function parseDuration(text: string, unit: HintUnit = 's'): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) return { problem: durationProblem(text.trim(), unit) };
  const exact = Number(match[1]) * MS_PER_UNIT[match[2]];
  const ms = Math.round(exact);
  if (Math.abs(exact - ms) > 1e-6) {
    return { problem: `${show(text)} is finer than a millisecond; write ${formatDuration(ms)}` };
  }
  if (ms > LONGEST_DURATION_MS) {
    return { problem: `${show(text)} is too long; the longest duration is 576h (24 days)` };
  }
  return { value: ms };
}

function durationProblem(text: string, unit: HintUnit): string {
  if (/^-/.test(text)) return `${show(text)} is negative; write a duration such as 5s`;
  const suggestion = suggestedDuration(text, unit);
  if (/^\d+$/.test(text)) return `${show(text)} has no unit; write ${suggestion}`;
  if (suggestion !== null) return `${show(text)} is not a duration; write ${suggestion}`;
  return `${show(text)} is not a duration; write a number and a unit: 500ms, 5s, 1m or 2h`;
}

/** What is said of a number where a duration belongs. */
export const noUnit = (given: number, unit: HintUnit = 's'): string =>
  given < 0
    ? `${given} is negative; write a duration such as 5${unit}`
    : `${given} has no unit; write ${withUnit(given, unit)}`;

/** The remedy for a number without a unit. Thousands are probably milliseconds. */
function withUnit(count: number, unit: HintUnit): string {
  if (unit === 'ms' && Number.isInteger(count)) return `${count}ms`;
  if (count >= 1000 && Number.isInteger(count)) {
    return `${formatDuration(count)} if these are milliseconds, else ${count}s`;
  }
  return `${count}s`;
}

function suggestedDuration(text: string, unit: HintUnit): string | null {
  if (/^\d+(\.\d+)?$/.test(text)) return withUnit(Number(text), unit);
  let ms = 0;
  let first: string | null = null;
  let count = 0;
  for (const [, digits, name] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gi)) {
    const unit = UNIT_NAMES.find(([pattern]) => pattern.test(name));
    if (unit === undefined) return null;
    first ??= `${Number(digits) * unit[2]}${unit[1]}`;
    ms += Number(digits) * unit[2] * MS_PER_UNIT[unit[1]];
    count++;
  }
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/i.test(text)) return null;
  return count === 1 ? first : formatDuration(Math.round(ms));
}

/** The shortest exact form that `parseDuration` reads back: 90000 is `90s`, 60000 is `1m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const unit = ['h', 'm', 's'].find((name) => ms % MS_PER_UNIT[name] === 0) ?? 'ms';
  return `${ms / MS_PER_UNIT[unit]}${unit}`;
}

const BYTES_PER_UNIT: Record<string, number> = { KiB: 1024, MiB: 1024 * 1024, GiB: 1024 ** 3 };

export const SIZE_PATTERN = '^[0-9]+(KiB|MiB|GiB)$';

/** `32KiB`, `1MiB`, `2GiB` or a plain number of bytes. */
export function parseSize(size: string | number): Parsed<number> {
  const match = /^(\d+)(KiB|MiB|GiB)?$/.exec(String(size));
  if (match !== null) {
    const bytes = Number(match[1]) * (match[2] === undefined ? 1 : BYTES_PER_UNIT[match[2]]);
    if (Number.isSafeInteger(bytes)) return { value: bytes };
    return { problem: `${show(size)} is too large` };
  }
  const near = /^(\d+)\s*([kmg])(i?b)?$/i.exec(String(size).trim());
  if (near !== null) {
    const unit = `${near[2].toUpperCase()}iB`;
    return { problem: `${show(size)} is not a size; write ${near[1]}${unit}` };
  }
  const forms = 'write a whole number of bytes, or 32KiB, 1MiB, 2GiB';
  return { problem: `${show(size)} is not a size; ${forms}` };
}

/** The shortest exact form that `parseSize` reads back. */
export function formatSize(bytes: number): string | number {
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => bytes % BYTES_PER_UNIT[name] === 0);
  return unit === undefined || bytes === 0 ? bytes : `${bytes / BYTES_PER_UNIT[unit]}${unit}`;
}

/** Both ends included. */
export type StatusRange = readonly [number, number];

/** `200`, `2xx` or `200-399`, within 200 to 599: a 1xx answer is never the last one. */
export function parseStatus(status: string | number): Parsed<StatusRange> {
  const text = String(status).trim();
  const match = /^(\d{3})(?:\s*-\s*(\d{3}))?$/.exec(text);
  const hundreds = /^([1-9])xx$/i.exec(text);
  const forms = 'write 200, 2xx, 200-399, or a list of these';
  if (match === null && hundreds === null) {
    const items = text.split(/[\s,|]+/);
    const isList = items.length > 1 && items.every((item) => 'value' in parseStatus(item));
    const remedy = isList ? `write a list: [${items.join(', ')}]` : forms;
    return { problem: `${show(status)} is not a status; ${remedy}` };
  }
  const from = match === null ? Number(hundreds?.[1]) * 100 : Number(match[1]);
  const to = match === null ? from + 99 : Number(match[2] ?? match[1]);
  if (from > to) return { problem: `${show(status)} is upside down; write ${to}-${from}` };
  if (from < 200 || to > 599) {
    return { problem: `${show(status)} is out of range; a final status is from 200 to 599` };
  }
  return { value: [from, to] };
}

/** As `parseStatus` reads it. */
export function formatStatus([from, to]: StatusRange): string | number {
  if (from === to) return from;
  return from % 100 === 0 && to === from + 99 ? `${from / 100}xx` : `${from}-${to}`;
}
