/** Small decisions about fields that both of an exchange's connections share. */

import { lower } from '../base/bytes.ts';
import { Field, forbiddenInTrailer } from '../http/fields.ts';
import type { Head } from '../http/head.ts';
import type { ResponseFacts } from '../http/response-facts.ts';

/** May a field with this id stay in a trailer section that is passed on? */
export const mayTravelAsTrailer = (id: Field): boolean => !forbiddenInTrailer(id);

/** Does a 101 switch to the protocol that the request asked for? */
export function sameProtocol(request: Head, response: Head, facts: ResponseFacts): boolean {
  const asked = request.find(Field.upgrade);
  const given = facts.upgradeField;
  if (asked === -1 || given === -1 || !facts.connectionUpgrade) return false;
  const length = request.valueEnd(asked) - request.valueStart(asked);
  if (response.valueEnd(given) - response.valueStart(given) !== length) return false;
  for (let i = 0; i < length; i++) {
    const a = lower(request.bytes[request.valueStart(asked) + i]!);
    if (a !== lower(response.bytes[response.valueStart(given) + i]!)) return false;
  }
  return true;
}
