/** When real traffic takes a backend out, as it is written: `passive_health`. */
import * as z from 'zod';
import { decimal, duration, expected, POSITIVE, whole } from './fields.ts';

/** The key `passive_health`. */
export const passiveHealth = z
  .strictObject(
    {
      consecutive_failures: whole(
        0,
        1_000_000,
        'So many attempts in a row that failed eject a backend; over all workers. 0: off.',
      ).prefault(5),
      failure_ratio: decimal(
        0,
        1,
        'Such a share of the attempts of an interval that failed ejects it too. 0: off.',
        [0.5],
      ).prefault(0.5),
      minimum_requests: whole(
        1,
        1_000_000,
        'With fewer attempts in an interval there is no share and no mean.',
      ).prefault(20),
      interval: duration(POSITIVE, 'How often shares and means are looked at.').prefault('10s'),
      slower_than: decimal(
        0,
        1000,
        "So many times the pool's median of mean times to a response's head eject a backend as " +
          'slow, if it takes 20 ms at least and three or more backends can be compared. 0: off.',
        [5],
      ).prefault(0),
      ejection_time: duration(
        POSITIVE,
        'How long it is out, give or take 10 %. It doubles with each ejection in a row.',
      ).prefault('10s'),
      max_ejection_time: duration(POSITIVE, 'The longest that this becomes.').prefault('5m'),
      max_ejected: decimal(
        0.01,
        1,
        'Which share of the pool may be out at once: rounded down, but one at least. The last ' +
          'backend that may be picked is never ejected.',
        [0.5],
      ).prefault(0.5),
    },
    { error: expected('a mapping', 'passive_health: {} for the defaults, or remove the key') },
  )
  .meta({
    id: 'passive_health',
    description:
      'Takes out backends whose exchanges fail: answers of 5xx, none in time, or none at all. ' +
      'Without this key nothing is counted, and only refused connections are believed; ' +
      '`passive_health: {}` turns it on.',
  });
