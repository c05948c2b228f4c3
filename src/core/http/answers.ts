/**
 * The answers we give ourselves, when there is none from a backend: which status a failure becomes,
 * and what the body says. The one place where failures turn into HTTP.
 */
import type { Failure } from '../base/failure.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export const reasonOf = (status: number): string => REASONS[status] ?? 'Error';

/** The HTTP status of a failure that no rule of the wire gave one. */
export function statusOf(failure: Failure): number {
  switch (failure.kind) {
    case 'refused':
    case 'unreachable':
    case 'tls':
    case 'reset':
    case 'closed':
    case 'malformed':
    case 'too_large':
    case 'unsupported':
      return failure.side === 'client' ? 400 : 502;
    case 'connect_timeout':
      return 504;
    case 'timeout_head':
    case 'timeout_idle':
    case 'timeout_tunnel':
    case 'too_slow':
      return failure.side === 'client' ? 408 : 504;
    case 'no_backend':
    case 'circuit_open':
    case 'overloaded':
    case 'unresolved':
    case 'no_resources':
    case 'stopping':
    case 'address_in_use':
    case 'not_permitted':
      return 503;
    case 'no_route':
      return 404;
    case 'rate_limited':
      return 429;
    case 'internal':
      return 500;
  }
}

/** Does the Accept field prefer JSON? `null`: there was none. */
export function wantsJson(accept: string | null): boolean {
  if (accept === null) return false;
  const json = accept.search(/application\/(?:[\w.+-]*\+)?json/i);
  if (json === -1) return false;
  const text = accept.search(/text\/(?:html|plain|\*)/i);
  return text === -1 || json < text;
}

export interface AnswerBody {
  readonly contentType: string;
  readonly text: string;
}

/** What the client reads. `what` is a sentence without a full stop. */
export function answerBody(
  status: number,
  what: string,
  requestId: string,
  asJson: boolean,
): AnswerBody {
  const title = `${status} ${reasonOf(status)}`;
  if (asJson) {
    const text = JSON.stringify({
      status,
      error: reasonOf(status),
      detail: what,
      request_id: requestId,
    });
    return { contentType: 'application/json', text: `${text}\n` };
  }
  const id = requestId === '' ? '' : `Request id: ${requestId}\n`;
  return { contentType: 'text/plain; charset=utf-8', text: `${title}\n\n${what}.\n${id}` };
}
