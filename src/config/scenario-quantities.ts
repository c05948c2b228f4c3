/** Rates, moments and service times as people write them in a scenario. */
import { show } from './diagnostics.ts';
import { type Parsed, parseDuration } from './quantities.ts';

/** Requests a second, or a part of what all backends can do together. */
export type ScenarioRate =
  | { readonly kind: 'per_second'; readonly perSecond: number }
  | { readonly kind: 'load'; readonly share: number };

/** Since the traffic began, or by the clock; milliseconds. */
export type Moment =
  | { readonly kind: 'since'; readonly ms: number }
  | { readonly kind: 'clock'; readonly ms: number };

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };
const MOST_PER_SECOND = 1_000_000;
const MOST_LOAD = 1000;
const RATE_FORMS = 'write requests such as 2000/s or 90/min, or a load such as 60%';

/** `2000/s`, `90/min`, `60%`, `0`. */
export function parseScenarioRate(given: string | number): Parsed<ScenarioRate> {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|min|h)|(%))?$/.exec(String(given));
  if (match === null) return { problem: `${show(given)} is not a rate; ${RATE_FORMS}` };
  const [, digits, unit, percent] = match;
  const count = Number(digits);
  if (unit === undefined && percent === undefined && count > 0) {
    const remedy = `write ${digits}/s, or ${digits}% of what the backends can do`;
    return { problem: `${digits} has no unit; ${remedy}` };
  }
  if (percent !== undefined) {
    if (count <= MOST_LOAD) return { value: { kind: 'load', share: count / 100 } };
    return { problem: `${show(given)} is out of range; the most is ${MOST_LOAD}%` };
  }
  const perSecond = count / SECONDS_PER_UNIT[unit ?? 's'];
  if (perSecond <= MOST_PER_SECOND) return { value: { kind: 'per_second', perSecond } };
  return { problem: `${show(given)} is too much; the most is ${MOST_PER_SECOND}/s` };
}

/** `2m`: since the beginning; `12:00`, `12:00:30`: by the clock. */
export function parseMoment(text: string): Parsed<Moment> {
  const clock = parseTimeOfDay(text);
  if ('value' in clock) return { value: { kind: 'clock', ms: clock.value } };
  if (text.includes(':')) return clock;
  const since = parseDuration(text);
  return 'value' in since ? { value: { kind: 'since', ms: since.value } } : since;
}

/** `12:00`, `12:00:30` or `12:00:30.5`, in milliseconds since midnight. */
export function parseTimeOfDay(text: string): Parsed<number> {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,3})?))?$/.exec(text);
  if (match === null) {
    return { problem: `${show(text)} is no time of day; write one from 00:00 to 23:59:59` };
  }
  const [, hours, minutes, seconds = '0'] = match;
  const ms = Math.round(Number(seconds) * 1000);
  return { value: (Number(hours) * 60 + Number(minutes)) * 60_000 + ms };
}

/** A duration that may be finer than a millisecond: `0.25ms`, `5ms`, `1.5s`. */
export function parseServiceTime(text: string): Parsed<number> {
  const fine = /^(\d+(?:\.\d+)?)ms$/.exec(text);
  if (fine !== null && Number(fine[1]) > 0 && Number(fine[1]) < 1000) {
    return { value: Number(fine[1]) };
  }
  if (/^\d+(\.\d+)?$/.test(text)) return { problem: `${show(text)} has no unit; write ${text}ms` };
  const result = parseDuration(text, 'ms');
  if ('value' in result && result.value === 0) {
    return { problem: `${show(text)} is too short; write a time such as 5ms or 0.2ms` };
  }
  return result;
}
