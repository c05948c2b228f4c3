/** `Retry-After` (RFC 9110 section 10.2.3). */
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { digits } from './request-facts.ts';

/** What `retryAfterMs` says of a field that names a date, or is no field at all. */
export const UNTIL_A_DATE = Number.POSITIVE_INFINITY;

/** How long who sent this response asks to be left alone, in milliseconds; 0: it does not ask. */
export function retryAfterMs(head: Head): number {
  const field = head.find(Field.retryAfter);
  if (field === -1) return 0;
  const seconds = digits(head.bytes, head.valueStart(field), head.valueEnd(field));
  return seconds < 0 ? UNTIL_A_DATE : seconds * 1000;
}
