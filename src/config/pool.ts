/** A pool as it is written: its backends, and what holds for all of them. */
import * as z from 'zod';
import { parseBackendUrl, parseHostField, parseServerName } from './addresses.ts';
import { boundedLoad, hashKey, policy } from './balancing.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { maxConnections, maxRequests, queue } from './concurrency.ts';
import { show } from './diagnostics.ts';
import { duration, expected, flag, parsed, text, whole } from './fields.ts';
import { healthCheck, loadProbe } from './health.ts';
import { hedge } from './hedge.ts';
import { passiveHealth } from './passive-health.ts';
import { retries } from './retries.ts';
import { sticky } from './sticky.ts';

/** The URL of a backend. */
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
        below: 'write 1 or more; to take a backend out, remove it and reload',
        fraction: 'write whole numbers in the same proportion, such as 1 and 2 for 0.5 and 1',
      },
    ).prefault(1),
    max_requests: maxRequests.optional(),
    max_connections: maxConnections.optional(),
    priority: whole(
      0,
      15,
      'Exchanges go to the backends of priority 0; what those that are healthy cannot carry ' +
        'spills over to 1, and so on. A backend is trusted with 1.4 times its share, so nothing ' +
        'spills over before fewer than 72 % are healthy.',
    ).prefault(0),
    backup: flag('Gets exchanges only when no other backend of the pool can be chosen.').prefault(
      false,
    ),
  })
  .meta({ id: 'backend', description: 'One server.' });

/** The key `backends`. */
export const backends = z
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
    server_name: parsed(parseServerName, {
      title: 'host name',
      description: "The name in the certificate, also sent as SNI. Default: the URL's host.",
      examples: ['api.internal'],
    }).optional(),
  })
  .meta({
    id: 'tls',
    description:
      'How to speak TLS to `https://` backends. After a reload that changes it, connections from ' +
      'before carry nothing new: they close as soon as they are idle.',
  });

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

/** The keys of a pool; at the top level they describe the one pool called `default`. */
export const poolShape = {
  backends,
  policy,
  hash_key: hashKey.optional(),
  bounded_load: boundedLoad.optional(),
  sticky: sticky.optional(),
  health_check: healthCheck.optional(),
  load_probe: loadProbe.optional(),
  max_requests: maxRequests.optional(),
  max_connections: maxConnections.optional(),
  queue: queue.optional(),
  passive_health: passiveHealth.optional(),
  circuit_breaker: circuitBreaker.optional(),
  retries: retries.optional(),
  hedge: hedge.optional(),
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
  slow_start: duration(
    'remove the key to have no slow start',
    'A backend that comes back from down, or that a reload adds, begins with 10 % of its share, ' +
      'which grows to all of it in this time. Unless set, it gets all of it at once. Does ' +
      'nothing where more than half of those that can be chosen would begin, nor where keys ' +
      'have their places (`maglev`, `ring_hash`, `rendezvous`).',
  ).optional(),
  drain_timeout: duration(
    null,
    'How long exchanges may go on when a backend is taken out; of one that a reload takes out, ' +
      'as it was configured before.',
  ).prefault('30s'),
  drain_tunnel_timeout: duration(
    null,
    'The same for tunnels (WebSocket and other upgrades). As long as `sticky` keeps clients on ' +
      'a backend that is drained, their tunnels are not cut, for they would come back.',
  ).prefault('10m'),
  error_pages: errorPages.prefault({}),
};

/** One of `pools`. */
export const pool = z
  .strictObject(poolShape, { error: expected('a pool', 'a mapping with "backends"') })
  .meta({ id: 'pool', description: 'A set of backends with one policy and one health check.' });

/** The keys that describe the pool `default` when they stand at the top level. */
export const poolKeys: readonly string[] = Object.keys(poolShape);

/** A pool with every value checked, read and defaulted. */
export type CheckedPool = z.output<typeof pool>;
export type CheckedErrorPage = z.output<typeof errorPages>[string];
