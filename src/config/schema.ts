/**
 * The one schema of the configuration: it gives the types of `defineConfig`, the checks of every
 * single value, the published JSON Schema and the reference page. What several values must be
 * together is in `checks.ts`.
 */
import * as z from 'zod';
import { parseBindAddress, parseCidr, parseRouteHost, parseRoutePath } from './addresses.ts';
import { show } from './diagnostics.ts';
import {
  choice,
  duration,
  expected,
  flag,
  POSITIVE,
  parsed,
  size,
  sizeOrUnlimited,
  whole,
  wholeOrAuto,
} from './fields.ts';
import { backends, pool, poolShape } from './pool.ts';
import { rateLimits } from './rate-limits.ts';

const POOL_NAME = 'use letters, digits and ._-, a letter or digit first';

const PORT_RANGE = 'a port is from 1 to 65535, or 0 for one that the system chooses';
const PORT = { below: PORT_RANGE, above: PORT_RANGE };

const address = parsed(parseBindAddress, {
  title: 'IP address',
  description: 'Listen on this address alone. Default: every address, IPv4 and IPv6.',
  examples: ['127.0.0.1', '::1'],
});

const listener = z
  .strictObject(
    {
      port: whole(0, 65535, 'The port; 0 for one that the system chooses.', PORT),
      address: address.optional(),
    },
    { error: expected('a listener', 'a mapping: - port: 8080') },
  )
  .meta({ id: 'listener', description: 'An address that accepts connections.' });

const routeHost = parsed(parseRouteHost, { title: 'host name', description: 'One host.' });

const route = z
  .strictObject(
    {
      host: z
        .union(
          [
            routeHost,
            z
              .array(routeHost)
              .min(1, { error: 'the list is empty; remove the key to take every host' }),
          ],
          {
            error: expected('a host name', 'example.com, or a list of names'),
          },
        )
        .transform((given) => (typeof given === 'string' ? [given] : given))
        .meta({
          title: 'host name or list',
          description:
            'Take requests for these hosts; `*.example.com` takes every name below example.com. ' +
            'Default: every host.',
          examples: ['api.example.com', ['example.com', '*.example.com']],
        })
        .optional(),
      path: parsed(parseRoutePath, {
        title: 'path',
        description: 'Take this path and everything below it. Default: every path.',
        pattern: '^/',
        examples: ['/api'],
      }).prefault('/'),
      pool: z.string().meta({
        title: 'name of a pool',
        description: 'Where these requests go.',
        examples: ['api'],
      }),
      rate_limits: rateLimits.prefault([]),
    },
    { error: expected('a route', 'a mapping: - pool: NAME') },
  )
  .meta({ id: 'route', description: 'A rule that sends requests to a pool.' });

const timeouts = z
  .strictObject({
    connect: duration(POSITIVE, 'Connecting to a backend, TLS included.').prefault('3s'),
    response: duration(
      POSITIVE,
      'From the last byte of the request to the head of the response.',
    ).prefault('60s'),
    idle: duration(
      POSITIVE,
      'Silence in the middle of an exchange, from the side whose turn it is.',
    ).prefault('60s'),
    tunnel_idle: duration(POSITIVE, 'Silence in a tunnel, both ways.').prefault('1h'),
    client_head: duration(
      POSITIVE,
      "A client's request head: from the connection, later from its first byte.",
    ).prefault('10s'),
    client_keep_alive: duration(
      POSITIVE,
      'How long a client connection stays open between requests.',
    ).prefault('75s'),
    backend_keep_alive: duration(
      POSITIVE,
      'How long an idle backend connection is kept, unless the backend names a time itself.',
    ).prefault('4s'),
  })
  .meta({
    id: 'timeouts',
    description: 'There is no limit on a whole exchange: silence ends it, length does not.',
  });

const limits = z
  .strictObject({
    head: size('1KiB', '256KiB', 'The head of a message: start line and fields.').prefault('32KiB'),
    fields: whole(1, 1000, 'Header fields in a message.').prefault(100),
    request_line: size('256', '64KiB', 'The first line of a request, with the URL in it.').prefault(
      '8KiB',
    ),
    body: sizeOrUnlimited('A request body. Bodies are streamed, never held in memory.').prefault(
      'unlimited',
    ),
    max_connections: whole(
      1,
      1_000_000,
      'Clients connected at once; above it idle ones make room, else new ones are turned away. ' +
        'Never more than half of the descriptors of the process, which is the default.',
    ).optional(),
    max_connections_per_client: whole(
      1,
      1_000_000,
      'Connections of one client address (IPv6: /64) at once; more are reset. `trusted_proxies` ' +
        'may have any number. Default: no limit.',
    ).optional(),
    max_buffer_memory: size(
      '64KiB',
      '1TiB',
      'Bytes that wait in memory, of all exchanges together; above it new ones get 503. Default: ' +
        'a quarter of the memory of the machine or the container.',
    ).optional(),
    idle_connections_per_backend: whole(
      0,
      100_000,
      'Idle connections a worker keeps for reuse, for each backend; they close by themselves.',
    ).prefault(1024),
    min_rate: size(
      0,
      '1GiB',
      'Bytes per second that a client must send or take after 5 s, except while it waits for us; ' +
        '0 turns this off.',
    ).prefault(240),
  })
  .meta({ id: 'limits', description: 'What is refused.' });

const log = z
  .strictObject({
    level: choice(['debug', 'info', 'warn', 'error'], 'The least level that is logged.').prefault(
      'info',
    ),
    access: flag('One line for every exchange.').prefault(true),
    format: choice(
      ['auto', 'text', 'json'],
      '`auto` is text on a terminal and JSON elsewhere.',
    ).prefault('auto'),
  })
  .meta({ id: 'log', description: 'What is logged, and how.' });

/** Keys that say the same in both forms. */
const commonShape = {
  trusted_proxies: z
    .array(
      parsed(parseCidr, {
        title: 'IP address or CIDR block',
        description: 'One proxy or network of proxies.',
      }),
    )
    .meta({
      title: 'list of IP addresses and CIDR blocks',
      description:
        'Clients whose X-Forwarded-* and X-Request-Id are believed, such as a balancer in front ' +
        'of this one.',
      examples: [['10.0.0.0/8', 'fd00::/8']],
    })
    .prefault([]),
  timeouts: timeouts.prefault({}),
  limits: limits.prefault({}),
  log: log.prefault({}),
  shutdown_delay: duration(
    null,
    'When stopping: how long to go on accepting after readiness has begun to fail.',
  ).prefault('0s'),
  shutdown_timeout: duration(
    null,
    'When stopping: how long exchanges and tunnels may go on, then they are cut.',
  ).prefault('25s'),
  workers: wholeOrAuto(
    256,
    'Threads that carry traffic, fixed at start. `auto`: one for each processor that this ' +
      'process may use. More than one needs Bun, or Node 22.12 or later; elsewhere `auto` is 1.',
  ).prefault('auto'),
  table_size: whole(
    1,
    1_048_576,
    'Room for backends, fixed at start: a reload cannot go above it. Default: 4096, or four ' +
      'times the backends if that is more.',
  ).optional(),
};

export const configSchema = z
  .strictObject({
    $schema: z
      .string()
      .meta({ title: 'URL', description: 'For editors: where the JSON Schema is. Not used.' })
      .optional(),
    port: whole(0, 65535, 'The port to listen on. Default: 8080.', PORT).optional(),
    address: address.optional(),
    ...poolShape,
    backends: backends.optional(),
    listeners: z
      .array(listener, { error: expected('a list of listeners', 'a list: - port: 8080') })
      .min(1, { error: 'the list is empty; write at least one: - port: 8080' })
      .meta({
        title: 'list of listeners',
        description: 'Several addresses to listen on, instead of `port` and `address`.',
      })
      .optional(),
    routes: z
      .array(route, { error: expected('a list of routes', 'a list: - pool: NAME') })
      .min(1, { error: 'the list is empty; write at least one: - pool: NAME' })
      .meta({
        title: 'list of routes',
        description:
          'Which pool gets which requests; the first match wins, and no match is answered with ' +
          '404. With a single pool and no routes, everything goes there.',
      })
      .optional(),
    pools: z
      .record(
        z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
          error: ({ input }) => `${show(input)} is no name for a pool; ${POOL_NAME}`,
        }),
        pool,
      )
      .meta({
        title: 'name to pool',
        description: 'Several pools by name, instead of `backends` and the other pool keys.',
      })
      .optional(),
    ...commonShape,
  })
  .meta({ title: 'Evenkeel configuration' });

/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>;

/** A configuration with every value checked, read and defaulted. */
export type CheckedConfig = z.output<typeof configSchema>;
