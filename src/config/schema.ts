/**
 * The one schema of the configuration: it gives the types of `defineConfig`, the checks of every
 * single value, the published JSON Schema and the reference page. What several values must be
 * together is in `checks.ts`.
 */
import * as z from 'zod';
import {
  parseBackendUrl,
  parseBindAddress,
  parseCidr,
  parseHostField,
  parseProbePath,
  parseRouteHost,
  parseRoutePath,
} from './addresses.ts';
import { hashKey, policy } from './balancing.ts';
import { show } from './diagnostics.ts';
import {
  choice,
  duration,
  expected,
  flag,
  parsed,
  settle,
  size,
  sizeOrUnlimited,
  text,
  whole,
  wholeOrAuto,
} from './fields.ts';
import { parseStatus } from './quantities.ts';

const POSITIVE = 'write 1ms or more, or remove the key for the default';

export const backendUrl = parsed(
  parseBackendUrl,
  {
    title: 'URL',
    description:
      'Where the backend is: `http://` or `https://`, a name or an IP address, a port unless it ' +
      'is 80 or 443, and a path if one is to be put before every request path.',
    pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^?#@ ]+$',
    examples: ['http://localhost:9001'],
  },
  (given) => `${given} is not a URL; write http://localhost:${given}`,
);

/** Names go into metrics, logs and commands, so they are plain. */
const nameProblem = (name: string): string | null => {
  if (name === '') return 'the name is empty; write one, or remove the key';
  if (name.length > 128) return 'the name is longer than 128 characters';
  const plain = name.replace(/[^A-Za-z0-9._:[\]-]+/gu, '-');
  if (plain === name) return null;
  const remedy = /^[\x20-\x7e]*$/.test(name) ? `; write ${plain}` : '';
  return `${show(name)}: a name holds only letters, digits and ._:[]-${remedy}`;
};

const backend = z
  .strictObject({
    url: backendUrl,
    name: text(nameProblem, {
      title: 'name',
      description:
        'What logs, metrics and commands call it; unique in its pool. Default: host:port.',
      examples: ['server-1'],
    }).optional(),
    weight: whole(
      1,
      1_000_000,
      'Its share of the exchanges: a backend of weight 3 gets three times those of weight 1.',
      {
        below: 'write 1 or more; to take a backend out, remove it or drain it',
        fraction: 'write whole numbers in the same proportion, such as 1 and 2 for 0.5 and 1',
      },
    ).prefault(1),
  })
  .meta({ id: 'backend', description: 'One server.' });

const backends = z
  .array(
    z.union([backendUrl, backend], {
      error: ({ input }) =>
        typeof input === 'number'
          ? `${input} is not a URL; write http://localhost:${input}`
          : expected('a backend', 'its URL, or a mapping with "url"')({ input }),
    }),
    {
      error: expected(
        'a list of backends',
        '',
        'missing; list at least one: backends: [http://localhost:9001]',
      ),
    },
  )
  .min(1, { error: 'the list is empty; write at least one: [http://localhost:9001]' })
  .meta({
    title: 'list of backends',
    description: 'The servers: each a mapping, or just its URL.',
    examples: [['http://localhost:9001', 'http://localhost:9002']],
  });

const status = z
  .union([z.number(), z.string()], { error: expected('a status', '200, 2xx or 200-399') })
  .transform((given, context) => settle(parseStatus(given), given, context))
  .meta({ title: 'status' });

const healthCheck = z
  .strictObject({
    type: choice(
      ['http', 'tcp'],
      '`http` asks for a path and judges the status; `tcp` only connects.',
    ).prefault('http'),
    path: parsed(parseProbePath, {
      title: 'path',
      description: 'What an http probe asks for.',
      pattern: '^/',
      examples: ['/health'],
    }).prefault('/'),
    interval: duration(
      POSITIVE,
      'From one probe of a backend to the next, give or take 10 %.',
    ).prefault('5s'),
    timeout: duration(
      POSITIVE,
      'How long a probe may take; below the interval. Default: 2s, or half an interval of 2s or ' +
        'less.',
    ).optional(),
    method: choice(['GET', 'HEAD', 'OPTIONS'], 'The method of an http probe.').prefault('GET'),
    host: parsed(parseHostField, {
      title: 'host name',
      description: "The Host that an http probe sends. Default: the backend URL's own.",
      examples: ['www.example.com'],
    }).optional(),
    expected_status: z
      .union([status, z.array(status).min(1, { error: 'the list is empty; write [2xx]' })], {
        error: expected('a status', '200, 2xx, 200-399, or a list of these'),
      })
      .transform((given) => (typeof given[0] === 'number' ? [given] : given) as StatusRanges)
      .meta({
        title: 'status or list',
        description: 'What a healthy backend answers: `200`, `2xx`, `200-399`, or a list.',
        examples: ['2xx', [200, '300-399']],
      })
      .prefault('2xx'),
    healthy_threshold: whole(
      1,
      100,
      'Passes in a row that bring a backend back. A new one needs a single pass.',
    ).prefault(2),
    unhealthy_threshold: whole(
      1,
      100,
      'Failures in a row that take a backend out. A refused connection does so at once.',
    ).prefault(3),
  })
  .meta({
    id: 'health_check',
    description:
      'Active probes. Without this key there are none: a backend counts as up until it refuses ' +
      'connections, and is then probed by TCP until it takes them again.',
  });

type StatusRanges = (readonly [number, number])[];

const tls = z
  .strictObject({
    verify: flag(
      'Check the certificates of backends. `false` accepts any, so anyone on the way can pretend ' +
        'to be the backend.',
    ).prefault(true),
    ca: text((given) => (given === '' ? 'the path is empty; write the path of a PEM file' : null), {
      title: 'file or PEM',
      description:
        'Trust these authorities instead of those of the system: the path of a PEM file, seen ' +
        'from the configuration file, or the PEM text itself.',
      examples: ['internal-ca.pem'],
    }).optional(),
    server_name: parsed(parseRouteHost, {
      title: 'host name',
      description: "The name in the certificate, also sent as SNI. Default: the URL's host.",
      examples: ['api.internal'],
    }).optional(),
  })
  .meta({ id: 'tls', description: 'How to speak TLS to `https://` backends.' });

const errorPageText = z.string().meta({
  title: 'file or text',
  description:
    'The path of a file, seen from the configuration file; or the page itself, if it begins with ' +
    '`<` or has a line break.',
});

const errorPages = z
  .record(
    z.string().regex(/^[45][0-9][0-9]$/, {
      error: ({ input }) => `${show(input)} is not an error status; write one from 400 to 599`,
    }),
    z.union(
      [
        errorPageText,
        z
          .strictObject({
            body: z.string().meta({ title: 'text', description: 'The page itself.' }),
            content_type: text(
              (given) =>
                /^[\x21-\x7e]+\/[\x20-\x7e]+$/.test(given)
                  ? null
                  : `${show(given)} is not a content type; write one such as text/html`,
              {
                title: 'content type',
                description: 'Sent as Content-Type.',
                examples: ['text/html; charset=utf-8'],
              },
            ),
          })
          .meta({ id: 'error_page', description: 'A page with its content type.' }),
      ],
      { error: expected('a page', 'the path of a file, or the text of the page') },
    ),
  )
  .meta({
    title: 'status to page',
    description:
      'Your own pages for answers that Evenkeel gives itself, by status. A file ending in ' +
      '`.json` is sent as JSON, in `.txt` as plain text, any other as HTML; text that does not ' +
      'begin with `<` is sent as plain text.',
    examples: [{ 503: 'pages/503.html' }],
  });

const POOL_NAME = 'use letters, digits and ._-, a letter or digit first';

/** The keys of a pool; at the top level they describe the one pool called `default`. */
const poolShape = {
  backends,
  policy,
  hash_key: hashKey.optional(),
  health_check: healthCheck.optional(),
  host: parsed(parseHostField, {
    title: 'Host rule',
    description:
      "The Host field that backends get: `preserve` the client's, the `backend`'s own, or this " +
      'name.',
    examples: ['preserve', 'backend', 'www.example.com'],
  }).prefault('preserve'),
  tls: tls.prefault({}),
  panic: flag(
    'When no backend is up, use also those that probes took down, instead of answering 503.',
  ).prefault(false),
  drain_timeout: duration(
    null,
    'How long exchanges may go on when a backend is taken out.',
  ).prefault('30s'),
  drain_tunnel_timeout: duration(
    null,
    'The same for tunnels (WebSocket and other upgrades).',
  ).prefault('10m'),
  error_pages: errorPages.prefault({}),
};

const pool = z
  .strictObject(poolShape, { error: expected('a pool', 'a mapping with "backends"') })
  .meta({ id: 'pool', description: 'A set of backends with one policy and one health check.' });

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

/** The keys that describe the pool `default` when they stand at the top level. */
export const poolKeys: readonly string[] = Object.keys(poolShape);

/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>;

/** A configuration with every value checked, read and defaulted. */
export type CheckedConfig = z.output<typeof configSchema>;
export type CheckedPool = z.output<typeof pool>;
export type CheckedErrorPage = z.output<typeof errorPages>[string];
