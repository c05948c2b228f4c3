/** What an unknown key was probably meant to be. */
import { nearestOf } from './diagnostics.ts';

/** What our keys are called in other balancers' configurations, and in haste. */
const SYNONYMS = new Map<string, readonly string[]>([
  ['servers', ['backends']],
  ['upstream', ['backends']],
  ['upstreams', ['backends']],
  ['targets', ['backends']],
  ['algorithm', ['policy']],
  ['strategy', ['policy']],
  ['lb_policy', ['policy']],
  ['listen', ['port', 'listeners']],
  ['bind', ['address']],
  ['host', ['address']],
  ['hostname', ['host']],
  ['prefix', ['path']],
  ['uri', ['url']],
  ['server', ['url']],
  ['rise', ['healthy_threshold']],
  ['fall', ['unhealthy_threshold']],
]);

/** The one of the `known` keys that `key` was meant to be; null when that cannot be guessed. */
export function meantKey(key: string, known: readonly string[]): string | null {
  const synonym = SYNONYMS.get(key.toLowerCase())?.find((name) => known.includes(name));
  return synonym ?? nearestOf(key, known);
}

/** Is there a key in `given` that was probably meant to be `missing`, and is none of `known`? */
export const isMisspelt = (
  missing: string,
  given: readonly string[],
  known: readonly string[],
): boolean => given.some((key) => !known.includes(key) && meantKey(key, known) === missing);
