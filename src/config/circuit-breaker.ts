/** When all exchanges of a pool are refused for a while, as it is written: `circuit_breaker`. */
import * as z from 'zod';
import type { CircuitBreakerConfig } from '../core/config.ts';
import { decimal, duration, expected, whole } from './fields.ts';
import { formatDuration } from './quantities.ts';

const SHORTEST = 'write 10ms or more, or remove the key for the default';

/** The key `circuit_breaker`. */
export const circuitBreaker = z
  .strictObject(
    {
      failure_ratio: decimal(
        0.01,
        1,
        'Such a share of the attempts of an interval, at all backends together, opens it.',
        [0.5],
      ).prefault(0.5),
      minimum_requests: whole(
        1,
        1_000_000,
        'With fewer attempts in an interval it stays closed.',
      ).prefault(20),
      interval: duration(SHORTEST, 'What counts is what ended within this time.').prefault('10s'),
      open_time: duration(
        SHORTEST,
        'How long exchanges are answered with 503 at once. Then one is let through: if it is ' +
          'answered the circuit is closed, else it is open for as long again.',
      ).prefault('5s'),
    },
    { error: expected('a mapping', 'circuit_breaker: {} for the defaults, or remove the key') },
  )
  .check(({ value, issues }) => {
    for (const key of ['interval', 'open_time'] as const) {
      if (value[key] >= 10) continue;
      const message = `${formatDuration(value[key])} is too short; ${SHORTEST}`;
      issues.push({ code: 'custom', message, input: value[key], path: [key] });
    }
  })
  .meta({
    id: 'circuit_breaker',
    description:
      'Refuses all exchanges of the pool for a while when too many fail: answers of 5xx, none in ' +
      'time, or none at all, at whichever backends. Without this key they are always tried; ' +
      '`circuit_breaker: {}` turns it on.',
  });

type CheckedCircuitBreaker = z.output<typeof circuitBreaker>;

/** With every default. */
export const toCircuitBreaker = (checked: CheckedCircuitBreaker): CircuitBreakerConfig => ({
  failureRatio: checked.failure_ratio,
  minimumRequests: checked.minimum_requests,
  intervalMs: checked.interval,
  openMs: checked.open_time,
});

/** As it is written, with every default. */
export const fromCircuitBreaker = (config: CircuitBreakerConfig) => ({
  failure_ratio: config.failureRatio,
  minimum_requests: config.minimumRequests,
  interval: formatDuration(config.intervalMs),
  open_time: formatDuration(config.openMs),
});
