/** Durations as a configuration has them. */
import { parseDuration } from '../config/quantities.ts';

/** `500ms`, `1.5s`, `5m` or `2h`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h'}`;

/** Throws where it is none, with what to write instead. */
export function milliseconds(duration: Duration): number {
  const parsed = parseDuration(duration);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}
