/** How clients stay on their backends, as it is written: `sticky`. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import * as z from 'zod';
import { isToken } from './balancing.ts';
import { show } from './diagnostics.ts';
import { expected, flag, parsed, text } from './fields.ts';
import { DURATION_PATTERN, type Parsed, parseDuration, withUnit } from './quantities.ts';

const LONGEST_NAME = 128;
const SHORTEST_SECRET = 16;

const nameProblem = (name: string): string | null => {
  if (name === '') return 'the name is empty; write one, such as lb';
  if (name.length > LONGEST_NAME) return `the name is longer than ${LONGEST_NAME} characters`;
  return isToken(name)
    ? null
    : `${show(name)} can be no name of a cookie; write letters, digits and _-, such as lb`;
};

/** What is wrong is said without the secret. */
const secretProblem = (secret: string): string | null =>
  secret.length >= SHORTEST_SECRET
    ? null
    : `the secret has ${secret.length} characters and could be guessed; write ` +
      `${SHORTEST_SECRET} or more, such as those of openssl rand -hex 16`;

function parseMaxAge(given: string): Parsed<number> {
  const result = parseDuration(given);
  if ('problem' in result || result.value >= 1000) return result;
  return { problem: `${show(given)} is too short; write 1s or more, or remove the key` };
}

/** The key `sticky`. */
export const sticky = z
  .strictObject(
    {
      cookie: text(nameProblem, {
        title: 'name of a cookie',
        description:
          'The cookie that says where a client belongs. It is made here, and backends do not see ' +
          'it: choose a name that no application uses.',
        examples: ['lb'],
      }),
      max_age: parsed(
        parseMaxAge,
        {
          title: 'duration',
          description:
            'How long a browser keeps the cookie after it got it. Default: until it is closed.',
          pattern: DURATION_PATTERN,
          examples: ['12h'],
        },
        (given) => `${given} has no unit; write ${withUnit(given)}`,
      ).optional(),
      secret: text(secretProblem, {
        title: 'text',
        description:
          'With it, only who knows it can make cookies. The same in every balancer that serves ' +
          'the same clients. Default: none, and who guesses the name and URL of a backend can ' +
          'make its cookie.',
        examples: ['${STICKY_SECRET}'],
      }).optional(),
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
      'A client stays on the backend that answered it first, as long as it may be chosen: its ' +
      'first answer sets a cookie that says which.',
  });
