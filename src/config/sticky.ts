/** How clients stay on their backends, as it is written: `sticky`. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import * as z from 'zod';
import type { StickyConfig } from '../core/config.ts';
import { isToken } from './balancing.ts';
import { type Path, show } from './diagnostics.ts';
import { expected, flag, parsed, text, whole } from './fields.ts';
import { isMisspelt } from './keys.ts';
import {
  DURATION_PATTERN,
  formatDuration,
  noUnit,
  type Parsed,
  parseDuration,
} from './quantities.ts';

const LONGEST_NAME = 128;
const SHORTEST_SECRET = 16;

const nameProblem = (name: string): string | null => {
  if (name === '') return 'the name is empty; write one, such as lb';
  if (name.length > LONGEST_NAME) return `the name is longer than ${LONGEST_NAME} characters`;
  return isToken(name)
    ? null
    : `${show(name)} can be no name of a cookie; write letters, digits and _-, such as lb`;
};

const headerProblem = (name: string): string | null =>
  isToken(name) ? null : `${show(name)} can be no name of a header; write one such as X-Session`;

/** What is wrong is said without the secret. */
const secretProblem = (secret: string): string | null =>
  secret.length >= SHORTEST_SECRET
    ? null
    : `the secret has ${secret.length} characters and could be guessed; write ` +
      `${SHORTEST_SECRET} or more, such as those of openssl rand -hex 16`;

function parseAge(given: string): Parsed<number> {
  const result = parseDuration(given);
  if ('problem' in result || result.value >= 1000) return result;
  return { problem: `${show(given)} is too short; write 1s or more, or remove the key` };
}

const DEFAULT_IDLE_MS = 30 * 60_000;
const DEFAULT_SESSIONS = 100_000;
const MOST_SESSIONS = 10_000_000;

const cookieName = (description: string, examples: readonly string[]) =>
  text(nameProblem, { title: 'name of a cookie', description, examples });

const headerName = (description: string) =>
  text(headerProblem, { title: 'name of a header', description, examples: ['X-Session'] });

const learn = z
  .strictObject(
    {
      cookie: cookieName('A cookie that backends set, and clients send back. Case counts.', [
        'JSESSIONID',
      ]).optional(),
      header: headerName(
        'A header of answers, and of the requests that come with what it said.',
      ).optional(),
    },
    { error: expected('a mapping', '{cookie: JSESSIONID}') },
  )
  .meta({
    id: 'learn',
    description:
      'Where the backends themselves say which session an answer belongs to: one of these.',
  });

/** The key `sticky`. */
export const sticky = z
  .strictObject(
    {
      cookie: cookieName(
        'A cookie that says where a client belongs. It is made here, and backends do not see it: ' +
          'choose a name that no application uses.',
        ['lb'],
      ).optional(),
      header: headerName(
        'Requests with the same value of this header belong together: the backend that answers ' +
          'the first of them is remembered.',
      ).optional(),
      learn: learn.optional(),
      max_age: parsed(
        parseAge,
        {
          title: 'duration',
          description:
            'How long a browser keeps the `cookie` after it got it. Default: until it is closed.',
          pattern: DURATION_PATTERN,
          examples: ['12h'],
        },
        noUnit,
      ).optional(),
      secret: text(secretProblem, {
        title: 'text',
        description:
          'With it, only who knows it can make a `cookie`. The same in every balancer that ' +
          'serves the same clients. Default: none, and who guesses the name and URL of a ' +
          'backend can make its cookie.',
        examples: ['${STICKY_SECRET}'],
      }).optional(),
      idle: parsed(
        parseAge,
        {
          title: 'duration',
          description:
            'With `header` or `learn`: a session without requests for so long is forgotten. ' +
            'Default: 30m.',
          pattern: DURATION_PATTERN,
          examples: ['30m'],
        },
        noUnit,
      ).optional(),
      sessions: whole(
        1,
        MOST_SESSIONS,
        'With `header` or `learn`: how many sessions are remembered at once. With more, those ' +
          'are forgotten that had no request for longest. Each takes 40 to 80 bytes. Default: ' +
          '100000.',
      ).optional(),
      drain: flag(
        'A backend that is drained keeps the clients it has until `drain_timeout`; new ones go ' +
          'elsewhere.',
      ).prefault(false),
    },
    { error: expected('a mapping', '{cookie: lb}') },
  )
  .meta({
    id: 'sticky',
    description:
      'A client stays on the backend that answered it first, as long as it may be chosen: by a ' +
      '`cookie` of ours that its first answer sets, by a `header` of its requests, or by what ' +
      'the backends use themselves (`learn`). One of these three.',
  });

type Sticky = z.output<typeof sticky>;

/** What it becomes, for the values that have been checked. */
export function toSticky({ cookie, header, learn: made, drain, ...rest }: Sticky): StickyConfig {
  if (cookie !== undefined) {
    const { max_age, secret } = rest;
    return { kind: 'cookie', cookie, maxAgeMs: max_age ?? null, secret: secret ?? null, drain };
  }
  const named = made?.header ?? header;
  const key =
    named === undefined
      ? ({ kind: 'cookie', name: made?.cookie ?? '' } as const)
      : ({ kind: 'header', name: named.toLowerCase() } as const);
  const { idle = DEFAULT_IDLE_MS, sessions = DEFAULT_SESSIONS } = rest;
  return { kind: 'sessions', key, learn: made !== undefined, idleMs: idle, sessions, drain };
}

/** As `toSticky` reads it. */
export function fromSticky(config: StickyConfig): z.input<typeof sticky> {
  const { drain } = config;
  if (config.kind === 'cookie') {
    const { cookie, maxAgeMs, secret } = config;
    return {
      cookie,
      ...(maxAgeMs === null ? {} : { max_age: formatDuration(maxAgeMs) }),
      ...(secret === null ? {} : { secret }),
      drain,
    };
  }
  const { key, idleMs, sessions } = config;
  const named = { [key.kind]: key.name };
  const by = config.learn ? { learn: named } : named;
  return { ...by, idle: formatDuration(idleMs), sessions, drain };
}

const WAYS = ['cookie', 'header', 'learn'] as const;
const ONE_OF_THEM = 'cookie: lb, header: X-Session, or learn: {cookie: JSESSIONID}';
/** Keys that mean something to some of them only. */
const ONLY: readonly (readonly [string, boolean])[] = [
  ['max_age', true],
  ['secret', true],
  ['idle', false],
  ['sessions', false],
];

/** What its keys are together, as they were written: which one, and what is wrong with it. */
export function stickyProblems(
  given: Readonly<Record<string, unknown>>,
): readonly (readonly [path: Path, problem: string])[] {
  const [way, ...others] = WAYS.filter((each) => given[each] !== undefined);
  const keys = Object.keys(given);
  const isMeant = WAYS.some((each) => isMisspelt(each, keys, Object.keys(sticky.shape)));
  if (way === undefined)
    return isMeant ? [] : [[[], `does not say by what clients stay; add ${ONE_OF_THEM}`]];
  const found: [Path, string][] = others.map((other) => [
    [other],
    `there is "${way}"; clients stay by one of them: remove the other`,
  ]);
  for (const [key, isOfCookie] of ONLY) {
    if (given[key] === undefined || isOfCookie === (way === 'cookie')) continue;
    const of = isOfCookie ? '"cookie" of ours' : '"header" or "learn"';
    found.push([[key], `has no meaning without ${of}; remove this`]);
  }
  const { learn: made } = given;
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return found;
  const { cookie, header } = made as Readonly<Record<string, unknown>>;
  const hasBoth = cookie !== undefined && header !== undefined;
  if (hasBoth) found.push([['learn', 'header'], 'there is "cookie"; remove one of them']);
  const known = Object.keys(learn.shape);
  const isMisspeltHere = known.some((each) => isMisspelt(each, Object.keys(made), known));
  if (cookie === undefined && header === undefined && !isMisspeltHere) {
    found.push([['learn'], 'does not say from what; write {cookie: JSESSIONID}']);
  }
  return found;
}
