/** How a pool chooses a backend, as it is written: `policy`, `hash_key` and `bounded_load`. */
import * as z from 'zod';
import type { HashKeyConfig } from '../core/config.ts';
import type { PolicyFunction } from '../core/policy-function.ts';
import { didYouMean, show } from './diagnostics.ts';
import { choice, expected, parsed, settle } from './fields.ts';
import type { Parsed } from './quantities.ts';

const ALONE = ['client_address', 'host', 'path'] as const;
const NAMED = ['header', 'cookie', 'query'] as const;
const KNOWN = 'client_address, host, path, header:NAME, cookie:NAME or query:NAME';

/** Names of headers and cookies: a token of RFC 9110. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Can it be the name of a header or of a cookie? */
export const isToken = (name: string): boolean => TOKEN.test(name);

/** A query's name as it stands in a URL, where all but ASCII is written in percent signs. */
const IN_QUERY = /^[!-~]+$/;
const NOT_IN_QUERY = /[#&=]/;

/** `header:X-User`; header names come back in lower case. */
export function parseHashKey(text: string): Parsed<HashKeyConfig> {
  const alone = ALONE.find((kind) => kind === text);
  if (alone !== undefined) return { value: { kind: alone } };
  const [word, ...rest] = text.split(':');
  const kind = NAMED.find((each) => each === word);
  if (kind === undefined) {
    const near = didYouMean(word, [...ALONE, ...NAMED]);
    return {
      problem: `${show(text)} is no part of a request${near === '' ? `; write ${KNOWN}` : near}`,
    };
  }
  const name = rest.join(':');
  if (name === '') return { problem: `${show(text)} does not say which; write ${kind}:NAME` };
  const fits = kind === 'query' ? IN_QUERY.test(name) && !NOT_IN_QUERY.test(name) : isToken(name);
  if (!fits) {
    return { problem: `${show(name)} can be no name of a ${kind}; write ${kind}:NAME` };
  }
  return { value: { kind, name: kind === 'header' ? name.toLowerCase() : name } };
}

/** What `parseHashKey` reads. */
export const formatHashKey = (key: HashKeyConfig): string =>
  'name' in key ? `${key.kind}:${key.name}` : key.kind;

/** A policy that is no function. */
export const policyWord = choice(
  [
    'round_robin',
    'random',
    'least_connections',
    'least_request',
    'peak_ewma',
    'adaptive',
    'prequal',
    'maglev',
    'ring_hash',
    'rendezvous',
  ],
  'How the pool chooses a backend. `round_robin`: each in turn, as often as its weight says. ' +
    '`random`: by weight, each time anew. `least_connections`: the one with the fewest ' +
    'exchanges for its weight. `least_request`: of two at random the one with fewer. ' +
    '`peak_ewma`: of two at random the one that is expected to answer sooner. `adaptive`: the ' +
    'same of three, apart from what is in flight there. `prequal`: the one that says it is ' +
    'faster or less loaded, in `Backend-Load` (see docs/policies.md). `maglev`, `ring_hash`, ' +
    '`rendezvous`: the same for the same `hash_key`, as long as it is there; `maglev` with the ' +
    'most even shares, `ring_hash` and `rendezvous` so that no other key moves when a backend ' +
    'comes or goes, `rendezvous` for small pools. In `evenkeel.config.ts` also a function of ' +
    'your own.',
);

/** A text that was meant to be a function. */
const LIKE_FUNCTION = /=>|^(async )?function\b/;
const NOT_HERE =
  'a function cannot be written in YAML or JSON; move the configuration to evenkeel.config.ts, ' +
  'or write a word such as round_robin';

/** The key `policy`. */
export const policy = z
  .union([policyWord, z.instanceof(Function as unknown as new () => PolicyFunction)], {
    error: ({ input }) => {
      if (input === null) return undefined;
      if (typeof input === 'string' && LIKE_FUNCTION.test(input)) return NOT_HERE;
      return policyWord.safeParse(input).error?.issues[0].message;
    },
  })
  .meta({ ...policyWord.meta() })
  .prefault('round_robin');

/** The key `hash_key`. */
export const hashKey = parsed(parseHashKey, {
  title: 'part of the request',
  description:
    'With `policy: maglev`, `ring_hash` or `rendezvous`, requests that are alike in this go to ' +
    'the same backend: ' +
    '`client_address`, `host`, `path`, `header:NAME`, `cookie:NAME` or `query:NAME`; ' +
    '`client_address` unless set. A request that has no such part goes to whose turn it is.',
  examples: ['client_address', 'cookie:session', 'header:x-user-id'],
});

const LARGEST_BOUND = 10;

/** The key `bounded_load`. */
export const boundedLoad = z
  .number({ error: expected('a number', 'one above 1, such as 1.25') })
  .transform((given, context): number => settle(readBound(given), given, context))
  .meta({
    title: 'number',
    description:
      'With `policy: maglev`, `ring_hash` or `rendezvous`: no backend gets more than so many ' +
      'times its share of what is in flight; what is too much goes to others. Above 1, up to 10, ' +
      'such as 1.25; no bound unless set.',
    examples: [1.25],
  });

function readBound(given: number): Parsed<number> {
  if (given > 100 && given <= 100 * LARGEST_BOUND) {
    return { problem: `${given} is out of range; for ${given} percent write ${given / 100}` };
  }
  if (given <= 1 || given > LARGEST_BOUND) {
    const remedy = `write a number above 1, up to ${LARGEST_BOUND}, such as 1.25`;
    return { problem: `${given} is out of range; ${remedy}` };
  }
  const rounded = Math.round(given * 100) / 100;
  if (rounded === given) return { value: given };
  const near = Math.max(1.01, rounded);
  return { problem: `${given} has more than two decimals; write ${near}` };
}
