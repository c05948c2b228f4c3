/** Calendar arithmetic without the runtime's Date, so that it works (and is equal) everywhere. */

export interface CivilTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  /** 0: Sunday. */
  weekday: number;
}

/** The UTC calendar time of `wallMs` milliseconds since 1970 (H. Hinnant's days-to-civil). */
export function civilTime(wallMs: number): CivilTime {
  const seconds = Math.floor(wallMs / 1000);
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36524) -
      Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

/** A whole number in at least two digits. */
export const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** An HTTP date (RFC 9110 section 5.6.7): `Tue, 24 Nov 2026 17:04:05 GMT`. */
export function httpDate(wallMs: number): string {
  const t = civilTime(wallMs);
  const time = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
  return `${WEEKDAYS[t.weekday]}, ${two(t.day)} ${MONTHS[t.month - 1]} ${t.year} ${time} GMT`;
}
