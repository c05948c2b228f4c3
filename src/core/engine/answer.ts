/** An answer of our own from a failure: status, words, the user's page if there is one. */
import { utf8 } from '../base/bytes.ts';
import type { Failure } from '../base/failure.ts';
import { answerBody, wantsJson } from '../http/answers.ts';
import { Field } from '../http/fields.ts';
import type { Head } from '../http/head.ts';
import type { Pool } from './pool.ts';
import type { Answer } from './sides.ts';

/** Seconds after which a client may come again when nobody is there, or there is no room. */
const RETRY_AFTER_SECONDS = 1;

/**
 * The whole answer; `pool` null: before routing, where nobody's pages apply. `fields`: header lines
 * of its own.
 */
export function makeAnswer(
  why: Failure,
  status: number,
  head: Head,
  requestId: string,
  pool: Pool | null,
  fields = extraFields(status, pool),
): Answer {
  const page = pool?.config.errorPages.get(status);
  if (page !== undefined) {
    return { status, contentType: page.contentType, body: page.body, fields };
  }
  const asJson = wantsJson(head.value(Field.accept));
  const { contentType, text } = answerBody(status, detail(why), requestId, asJson);
  return { status, contentType, body: utf8(text), fields };
}

function extraFields(status: number, pool: Pool | null): string {
  if (status === 405) return 'Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS\r\n';
  if (status !== 503) return '';
  return `Retry-After: ${pool?.retryAfterSeconds() ?? RETRY_AFTER_SECONDS}\r\n`;
}

/** What happened, in words for a client: no addresses and no inner workings. */
function detail(why: Failure): string {
  switch (why.kind) {
    case 'no_backend':
      return 'No backend is available for this request';
    case 'circuit_open':
      return 'Too many requests fail at the moment; try again later';
    case 'overloaded':
      return 'All backends are busy';
    case 'refused':
    case 'unreachable':
    case 'unresolved':
      return 'The backend could not be reached';
    case 'connect_timeout':
      return 'The backend took too long to accept a connection';
    case 'tls':
      return 'No secure connection to the backend could be made';
    case 'timeout_head':
      return why.side === 'client'
        ? 'The request did not arrive in time'
        : 'The backend took too long to answer';
    case 'timeout_idle':
    case 'timeout_tunnel':
    case 'too_slow':
      return why.side === 'client' ? 'The request arrived too slowly' : 'The backend fell silent';
    case 'reset':
    case 'closed':
      return 'The backend closed the connection before it had answered';
    case 'malformed':
    case 'too_large':
    case 'unsupported':
      return why.side === 'client'
        ? `The request was refused: ${why.cause}`
        : 'The backend gave an answer that is not valid HTTP';
    case 'rate_limited':
      return 'There were too many requests; try again later';
    case 'no_route':
      return 'Nothing is configured for this host and path';
    default:
      return 'The load balancer could not handle this request now';
  }
}
