/**
 * How much a backend gets at once, as it is written: `max_requests` and
 * `max_connections`, and who waits: `queue`.
 */
import * as z from 'zod';
import { choice, duration, expected, POSITIVE, whole } from './fields.ts';

const MOST = 1_000_000;

const adaptive = z
  .strictObject({
    min: whole(1, MOST, 'The limit never falls below it.').prefault(4),
    max: whole(1, MOST, 'The limit never rises above it.').prefault(1000),
  })
  .check((context) => {
    const { min, max } = context.value;
    if (min <= max) return;
    const message = `${min} is above max (${max}); lower one or raise the other`;
    context.issues.push({ code: 'custom', message, input: min, path: ['min'] });
  })
  .meta({
    id: 'adaptive_limit',
    description: 'Bounds for the number that `max_requests: adaptive` finds.',
  });

const number = whole(1, MOST, 'So many.', {
  below: 'write 1 or more, or remove the key for any number',
});

/** A number, or what it is to be between. */
export const maxRequests = z
  .union([number, choice(['adaptive'], 'It finds the number.'), adaptive], {
    error: expected('a limit', `adaptive, or a whole number from 1 to ${MOST}`),
  })
  .transform((given) => (given === 'adaptive' ? adaptive.parse({}) : given))
  .meta({
    title: 'whole number, adaptive or bounds',
    description:
      'Requests at one backend at once, over all workers, WebSockets and other tunnels among ' +
      'them. Who finds none with room waits in the `queue`. For one backend or, in the pool, for ' +
      'each of its backends. `adaptive` finds the number for each backend by how long it takes ' +
      'to answer, between `min` and `max` where they are written instead. Default: any number.',
    examples: [100, 'adaptive'],
  });

/** At a backend, not to be confused with that of clients. */
export const maxConnections = whole(
  1,
  MOST,
  'Connections to one backend at once, over all workers: idle ones, and those of tunnels, too. ' +
    'Each carries one request at a time, so who finds none waits in the `queue`. Probes do not ' +
    'count. For one backend or, in the pool, for each of its backends. Default: any number.',
  { below: 'write 1 or more, or remove the key for any number' },
);

/** The key `queue`. */
export const queue = z
  .strictObject({
    size: whole(
      0,
      MOST,
      'So many requests may wait, over all workers; who comes then gets 503. 0: nobody waits.',
    ).prefault(1000),
    timeout: duration(POSITIVE, 'Who has waited so long gets 503.').prefault('10s'),
    order: choice(
      ['fifo', 'adaptive'],
      '`fifo`: who came first goes first. `adaptive`: the same, but once the queue has not been ' +
        'empty for 100 ms, who came last goes first and the others wait 10 ms at most: under ' +
        'overload most are served at once, instead of all too late.',
    ).prefault('fifo'),
  })
  .meta({
    id: 'queue',
    description:
      'Who waits while every backend has as many requests as `max_requests` or `max_connections` ' +
      'says.',
  });
