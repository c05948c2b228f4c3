/** When a request is tried again, as it is written: `retries`. */
import * as z from 'zod';
import { show } from './diagnostics.ts';
import { duration, expected, POSITIVE, settle, whole } from './fields.ts';

const FORMS = 'write a status from 400 to 599, such as 503, or timeout';

/** Each item of `on`. */
const outcome = z
  .union([z.number(), z.string()], { error: expected('an outcome', FORMS.slice(6)) })
  .transform((given, context): number | 'timeout' => {
    if (given === 'timeout') return given;
    const status = Number(given);
    if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
    const isStatus = Number.isInteger(status) && status >= 100 && status <= 399;
    const what = isStatus ? 'no failure' : 'neither a status of a failure nor timeout';
    return settle({ problem: `${show(given)} is ${what}; ${FORMS}` }, given, context);
  });

/** One outcome alone is told to stand in brackets. */
function notAList(issue: { input?: unknown }): string | undefined {
  const { input } = issue;
  const isOne = outcome.safeParse(input).success;
  return expected('a list', isOne ? `on: [${input}]` : 'on: [502, 503, 504, timeout]')(issue);
}

/** The key `retries`. */
export const retries = z
  .strictObject(
    {
      attempts: whole(
        1,
        5,
        'So many more attempts at most, besides those that reached no application.',
        { below: 'write 1 or more, or remove "retries": a lost connection alone is tried again' },
      ).prefault(1),
      on: z
        .array(outcome, { error: notAList })
        .meta({
          title: 'list of outcomes',
          description:
            'Try again also after answers with these statuses, from 400 to 599, and with ' +
            '`timeout` when no response head has come in time (`attempt_timeout`, ' +
            '`timeouts.response`). Default: 502, 503, 504 and `timeout`.',
          examples: [[502, 503, 504, 'timeout']],
        })
        .prefault([502, 503, 504, 'timeout']),
      attempt_timeout: duration(
        'write 1ms or more, or remove the key: then timeouts.response holds',
        "The time for a response's head, from when the backend has the whole request. Then there " +
          'is another attempt, or 504. For requests that may be tried again; `timeouts.response` ' +
          'holds for all.',
        '500ms',
      ).optional(),
      backoff: duration(
        POSITIVE,
        'When every backend has been tried, the next attempt waits for a random time up to this, ' +
          'which doubles with each such wait.',
        '25ms',
      ).prefault('25ms'),
      max_backoff: duration(POSITIVE, 'The longest that this becomes.', '250ms').prefault('250ms'),
    },
    { error: expected('a mapping', 'retries: {} for the defaults, or remove the key') },
  )
  .meta({
    id: 'retries',
    description:
      'Tries requests again that may be sent twice (GET, HEAD, PUT, DELETE, OPTIONS, with a body ' +
      'up to 64 KiB), from the budget of the pool: one more attempt for five requests. ' +
      'Without this key a lost connection alone leads to one more; `retries: {}` turns it on.',
  });
