/** How often requests may come, as it is written: `rate_limits` of a route. */
import * as z from 'zod';
import type { RateConfig, RateLimitConfig } from '../core/config.ts';
import { formatHashKey, parseHashKey } from './balancing.ts';
import { didYouMean, show } from './diagnostics.ts';
import { expected, parsed, whole } from './fields.ts';
import type { Parsed } from './quantities.ts';

const MS_PER_UNIT: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000 };

/** What people write for our units elsewhere. */
const UNIT_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(s|secs?|seconds?)$/i, 's'],
  [/^(m|mins?|minutes?)$/i, 'min'],
  [/^(h|hrs?|hours?)$/i, 'h'],
];

/** Above it a process has nothing to count: it does not get so far. */
const MOST_PER_SECOND = 100_000;
const MOST_BURST = 1_000_000;

export type Rate = Omit<RateConfig, 'burst'>;

const FORMS = 'write 100/s, 20/min or 1000/h';

/** `100/s`, `20/min`, `1000/h`. */
export function parseRate(text: string): Parsed<Rate> {
  const match = /^([1-9]\d{0,9})\/(s|min|h)$/.exec(text);
  if (match === null) return { problem: rateProblem(text.trim()) };
  const requests = Number(match[1]);
  const periodMs = MS_PER_UNIT[match[2]];
  if (requests * 1000 > MOST_PER_SECOND * periodMs) {
    const most = (MOST_PER_SECOND * periodMs) / 1000;
    return { problem: `${show(text)} is too much; the most is ${most}/${match[2]}` };
  }
  return { value: { requests, periodMs } };
}

function rateProblem(text: string): string {
  if (/^\d+$/.test(text)) return `${show(text)} does not say per what; write ${text}/s`;
  const near = /^(\d+)\s*(?:r|reqs?|requests?)?\s*(?:\/|per)\s*([a-z]+)$/i.exec(text);
  if (near === null) return `${show(text)} is not a rate; ${FORMS}`;
  const count = near[1].replace(/^0+(?=\d)/, '');
  if (count === '0') return `${show(text)} would let nothing through; ${FORMS}`;
  const unit = UNIT_NAMES.find(([pattern]) => pattern.test(near[2]))?.[1];
  if (unit === undefined) return `${show(text)} is not a rate; ${FORMS}`;
  return `${show(text)} is not a rate; write ${count}/${unit}`;
}

/** As `parseRate` reads it. */
export function formatRate({ requests, periodMs }: Rate): string {
  const unit = Object.keys(MS_PER_UNIT).find((each) => MS_PER_UNIT[each] === periodMs);
  return `${requests}/${unit}`;
}

type LimitKey = RateLimitConfig['key'];

/** As `hash_key`, and `all`. */
function parseLimitKey(text: string): Parsed<LimitKey> {
  if (text === 'all') return { value: { kind: 'all' } };
  const result = parseHashKey(text);
  if ('value' in result) return result;
  const hint = didYouMean(text, ['all']);
  if (hint !== '') return { problem: `${show(text)} is no part of a request${hint}` };
  return { problem: result.problem.replace('write client_address', 'write all, client_address') };
}

/** What `parseLimitKey` reads. */
const formatLimitKey = (key: LimitKey): string => (key.kind === 'all' ? 'all' : formatHashKey(key));

const rateLimit = z
  .strictObject(
    {
      rate: parsed(
        parseRate,
        {
          title: 'rate',
          description:
            'How many requests per second (`100/s`), minute (`20/min`) or hour (`1000/h`). They ' +
            'become available one by one, evenly.',
          pattern: '^[0-9]+/(s|min|h)$',
          examples: ['100/s', '20/min'],
        },
        (given) => `${given} does not say per what; write ${given}/s`,
      ),
      burst: whole(
        1,
        MOST_BURST,
        'How many may come at once after a quiet time. Default: the number in the rate, so that ' +
          '`20/min` lets 20 through at once, and then one every 3 s.',
      ).optional(),
      key: parsed(parseLimitKey, {
        title: 'part of the request',
        description:
          'Requests that are alike in this share the rate: `client_address`, `host`, `path`, ' +
          '`header:NAME`, `cookie:NAME`, `query:NAME`; or `all`, for all requests of the route ' +
          'together. An IPv6 client is its /64. A request that has no such part is not limited.',
        examples: ['client_address', 'header:x-api-key', 'all'],
      }).prefault('client_address'),
      keys: whole(
        1,
        16_777_216,
        'How many different keys are counted at once, 16 bytes each; more are let through, and ' +
          'the log says so. Default: 65536.',
      ).optional(),
    },
    { error: expected('a rate limit', 'a mapping: - rate: 100/s') },
  )
  .meta({
    id: 'rate_limit',
    description: 'How often requests may come; what is above gets a 429.',
  });

type CheckedRateLimit = z.output<typeof rateLimit>;

/** The key `rate_limits`. */
export const rateLimits = z
  .array(rateLimit, { error: expected('a list of rate limits', 'a list: - rate: 100/s') })
  .meta({
    title: 'list of rate limits',
    description: 'How often requests may come here; a request must be within each of them.',
    examples: [[{ rate: '20/min', key: 'client_address' }]],
  });

/** With every default. */
export const toRateLimit = ({ rate, burst, key, keys }: CheckedRateLimit): RateLimitConfig => ({
  ...rate,
  burst: burst ?? Math.min(rate.requests, MOST_BURST),
  key,
  keys: key.kind === 'all' ? 1 : (keys ?? 65_536),
});

/** As it is written, with every default. */
export const fromRateLimit = (limit: RateLimitConfig) => ({
  rate: formatRate(limit),
  burst: limit.burst,
  key: formatLimitKey(limit.key),
  ...(limit.key.kind === 'all' ? {} : { keys: limit.keys }),
});
