/** Durations as a configuration has them. */
import { show } from '../config/diagnostics.ts';
import { noUnit, parseDuration } from '../config/quantities.ts';

/** `500ms`, `1.5s`, `5m` or `2h`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h'}`;

/** Throws where it is none, with what to write instead. */
export function milliseconds(duration: Duration): number {
  const given: unknown = duration;
  if (typeof given === 'number') throw new Error(noUnit(given));
  if (typeof given !== 'string') {
    throw new Error(`a duration is a text such as 500ms or 5s, not ${show(given)}`);
  }
  const parsed = parseDuration(given);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}
