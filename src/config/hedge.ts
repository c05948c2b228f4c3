/** When a second attempt begins beside one that takes long, as it is written: `hedge`. */
import * as z from 'zod';
import type { HedgeConfig } from '../core/config.ts';
import { show } from './diagnostics.ts';
import { expected, parsed } from './fields.ts';
import {
  DURATION_PATTERN,
  formatDuration,
  noUnit,
  type Parsed,
  parseDuration,
} from './quantities.ts';

/** With fewer slow ones than that the budget would not pay for all second attempts. */
const LEAST_PERCENT = 80;

/** `50ms`, or `p95`: what 95 % of recent answers took at most. */
function parseAfter(text: string): Parsed<HedgeConfig> {
  const percent = /^p(\d+)$/.exec(text)?.[1];
  if (percent !== undefined) {
    const value = Number(percent);
    if (value >= LEAST_PERCENT && value <= 99) {
      return { value: { afterMs: 0, quantile: value / 100 } };
    }
    return { problem: `${show(text)} is out of range; write p${LEAST_PERCENT} to p99` };
  }
  const near = /^(?:p\s*)?(\d+(?:\.\d+)?)\s*(?:%|th)?$/i.exec(text.trim());
  if (near !== null && !/^\d+(\.\d+)?$/.test(text.trim())) {
    const value = Number(near[1]);
    const isGood = Number.isInteger(value) && value >= LEAST_PERCENT && value <= 99;
    const remedy = isGood ? `p${value}` : `p${LEAST_PERCENT} to p99`;
    return { problem: `${show(text)} is no percentile here; write ${remedy}` };
  }
  const result = parseDuration(text, 'ms');
  if ('problem' in result) {
    const isNumber = /\d/.test(text);
    return isNumber ? result : { problem: `${show(text)} is no time; write 50ms, or p95` };
  }
  if (result.value === 0) return { problem: `${show(text)} is too short; write 1ms or more` };
  return { value: { afterMs: result.value, quantile: null } };
}

/** As `parseAfter` reads it. */
export const formatAfter = ({ afterMs, quantile }: HedgeConfig): string =>
  quantile === null ? formatDuration(afterMs) : `p${Math.round(quantile * 100)}`;

/** The key `hedge`. */
export const hedge = z
  .strictObject(
    {
      after: parsed(
        parseAfter,
        {
          title: 'duration or percentile',
          description:
            'How long the first attempt has for a response head until there is a second: a ' +
            'duration, or `p80` to `p99`: what that many of a hundred recent answers of the pool ' +
            'took at most.',
          pattern: `${DURATION_PATTERN}|^p[89][0-9]$`,
          examples: ['50ms', 'p95'],
        },
        (given) => noUnit(given, 'ms'),
      ).prefault('p95'),
    },
    { error: expected('a mapping', 'hedge: {after: 50ms}, or remove the key') },
  )
  .meta({
    id: 'hedge',
    description:
      'Sends requests that may be sent twice to a second backend when the first is slow, from ' +
      'the budget of retries. The first answer counts, the other attempt is called off. Without ' +
      'this key nobody does; `hedge: {}` turns it on.',
  });
