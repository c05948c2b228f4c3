/** The times of log lines, as text. */
import { civilTime, two } from '../base/civil.ts';

const three = (n: number): string => (n < 10 ? `00${n}` : n < 100 ? `0${n}` : `${n}`);

export interface TimeFormat {
  /** `2026-03-01T17:04:05.123Z`. */
  iso(wallMs: number): string;
  /** `17:04:05.123`, local. */
  clock(wallMs: number): string;
}

/**
 * Formats wall times (milliseconds since 1970, year 0 to 9999). What is before the milliseconds is
 * kept from one call to the next, as most lines of a busy log fall into the same second, and many
 * into the same millisecond.
 * `utcOffsetMinutes` is asked once per new second: how far local time is ahead of UTC just then.
 */
export function createTimeFormat(utcOffsetMinutes: (wallMs: number) => number): TimeFormat {
  let isoSecond = Number.NaN;
  let isoPrefix = '';
  let isoMs = Number.NaN;
  let isoText = '';
  let clockSecond = Number.NaN;
  let clockPrefix = '';
  return {
    iso: (wallMs) => {
      const ms = Math.floor(wallMs);
      if (ms === isoMs) return isoText;
      const second = Math.floor(ms / 1_000);
      if (second !== isoSecond) {
        const t = civilTime(ms);
        const date = `${`${t.year}`.padStart(4, '0')}-${two(t.month)}-${two(t.day)}`;
        isoPrefix = `${date}T${two(t.hour)}:${two(t.minute)}:${two(t.second)}.`;
        isoSecond = second;
      }
      isoMs = ms;
      isoText = `${isoPrefix}${three(ms - second * 1_000)}Z`;
      return isoText;
    },
    clock: (wallMs) => {
      const ms = Math.floor(wallMs);
      const second = Math.floor(ms / 1_000);
      if (second !== clockSecond) {
        const t = civilTime(ms + utcOffsetMinutes(wallMs) * 60_000);
        clockPrefix = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}.`;
        clockSecond = second;
      }
      return clockPrefix + three(ms - second * 1_000);
    },
  };
}
