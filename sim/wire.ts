/** Requests and answers as bytes, in all the forms that peers may choose. */
import { latin1 } from '../src/core/base/bytes.ts';
import type { Rng } from '../src/core/base/rng.ts';
import { pick } from './options.ts';
import { patternBytes } from './pattern.ts';
import type { Request } from './request.ts';

const NOTHING = new Uint8Array(0);

/** A message in two parts, because a sender may pause between them. */
export interface Message {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** All parts as one. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `count` parts of any size, none of them empty. */
export function cutUp(rng: Rng, bytes: Uint8Array, count: number): Uint8Array[] {
  const cuts = new Set<number>();
  if (bytes.length > 1) {
    for (let i = 1; i < count; i++) cuts.add(1 + rng.below(bytes.length - 1));
  }
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const cut of [...[...cuts].sort((a, b) => a - b), bytes.length]) {
    if (cut > at) parts.push(bytes.subarray(at, cut));
    at = cut;
  }
  return parts;
}

/** The request as the client sends it. */
export function requestMessage(request: Request, rng: Rng): Message {
  const lines = [`${request.method} ${request.target} HTTP/1.${request.old ? 0 : 1}`];
  lines.push('Host: front.test', `X-Nonce: ${request.nonce}`);
  if (rng.chance(1, 2)) lines.push('User-Agent:  sim \t', 'Accept: */*');
  if (request.cookie !== null) lines.push(`Cookie: ${cookiesWith(request.cookie, rng)}`);
  if (request.session !== null) lines.push(`X-Session: ${request.session}`);
  if (request.framing === 'length') lines.push(`content-length: ${request.bodyBytes}`);
  if (request.framing === 'chunked') lines.push('Transfer-Encoding: Chunked');
  if (request.hostile === 'ambiguous') {
    if (request.framing !== 'length') lines.push('Content-Length: 3');
    if (request.framing !== 'chunked') lines.push('Transfer-Encoding: chunked');
  }
  if (request.trailer) lines.push('Trailer: X-Trail');
  if (request.expect) lines.push('Expect: 100-continue');
  if (request.upgrade) lines.push('Connection: Upgrade', 'Upgrade: echo');
  else if (request.close) lines.push(`Connection: ${anyCase(rng, 'close')}`);
  else if (request.old && rng.chance(1, 2)) lines.push('Connection: keep-alive');
  if (rng.chance(1, 8)) lines.push('X-Hop: 1', `Connection: ${anyCase(rng, 'x-hop')}`);
  const head = latin1(`${rng.chance(1, 20) ? '\r\n' : ''}${lines.join('\r\n')}\r\n\r\n`);
  return { head, body: requestBody(request, rng) };
}

/** Names and options mean the same in any case. */
const anyCase = (rng: Rng, text: string): string =>
  pick(rng, [text, text.toUpperCase(), text.charAt(0).toUpperCase() + text.slice(1)]);

/** Nobody has made this one. */
export const FORGED_COOKIE = '0123456789abcdef';

/** The cookies of the application, which a backend must see as they are. */
export const APP_COOKIES = 'a="1; b=2';

/** These with one that is the balancer's, in some place. */
function cookiesWith(value: string, rng: Rng): string {
  const cookies = APP_COOKIES.split('; ');
  cookies.splice(rng.below(cookies.length + 1), 0, `lb=${value}`);
  return cookies.join('; ');
}

function requestBody(request: Request, rng: Rng): Uint8Array {
  if (request.framing === 'none') return NOTHING;
  const body = patternBytes(request.requestStart, 0, request.bodyBytes);
  if (request.framing === 'length') return body;
  const damage = request.hostile === 'bad-chunk';
  return chunked(body, rng, request.trailer ? request.nonce : null, damage);
}

/** A body in chunks of random sizes. `damage`: one of the sizes is no number. */
function chunked(body: Uint8Array, rng: Rng, trail: string | null, damage = false): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const chunk of cutUp(rng, body, 1 + rng.below(4))) {
    if (chunk.length === 0) continue;
    const extension = rng.chance(1, 10) ? ';name="va\\"lue"' : '';
    const zeros = rng.chance(1, 10) ? '00' : '';
    const size = chunk.length.toString(16);
    const digits = rng.chance(1, 2) ? size.toUpperCase() : size;
    parts.push(latin1(`${zeros}${digits}${extension}\r\n`), chunk, latin1('\r\n'));
  }
  if (damage) parts.splice(rng.below(parts.length / 3 + 1) * 3, 0, latin1('5x\r\nhello\r\n'));
  parts.push(latin1(trail === null ? '0\r\n\r\n' : `0\r\nX-Trail: ${trail}\r\n\r\n`));
  return join(parts);
}

/** What a backend says, before it thinks of doing anything wrong. */
export interface AnswerForm {
  readonly nonce: string;
  readonly status: number;
  readonly framing: 'length' | 'chunked' | 'close';
  readonly bodyStart: number;
  readonly bodyBytes: number;
  readonly trailer: boolean;
  readonly close: boolean;
  readonly toHead: boolean;
  /** A session that begins with it; null: none does. */
  readonly session: string | null;
}

/** Does a body follow this answer's head? */
export const carriesBody = (status: number, toHead: boolean): boolean =>
  !toHead && status >= 200 && status !== 204 && status !== 304;

/** As good as any: what is to be seen is that nothing is lost by it. Some are no reports. */
const reportOf = ({ bodyBytes }: AnswerForm): string =>
  bodyBytes % 5 === 0 ? 'busy' : `in_flight=${bodyBytes % 7}, latency_ms=${bodyBytes % 90}`;

export function answerHead(form: AnswerForm, rng: Rng): Uint8Array {
  const lines = [`HTTP/1.1 ${form.status} Fine`, `X-Nonce: ${form.nonce}`];
  if (rng.chance(1, 2)) lines.push('Date: Thu, 01 Jan 2026 00:00:00 GMT');
  const framed = form.status !== 204 && form.status !== 304;
  if (framed && form.framing === 'length') lines.push(`Content-Length: ${form.bodyBytes}`);
  if (framed && form.framing === 'chunked') lines.push('transfer-encoding:chunked');
  if (form.bodyBytes % 2 === 0) lines.push(`Backend-Load: ${reportOf(form)}`);
  if (form.session !== null) lines.push(`x-session: ${form.session}`);
  if (form.trailer) lines.push('Trailer: X-Trail');
  if (form.close) lines.push(`Connection: ${anyCase(rng, 'close')}`);
  else if (rng.chance(1, 8)) lines.push('Keep-Alive: timeout=2');
  return latin1(`${lines.join('\r\n')}\r\n\r\n`);
}

/** `damage`: a chunk's size is no number (with framing `chunked`). */
export function answerMessage(form: AnswerForm, rng: Rng, damage = false): Message {
  const head = answerHead(form, rng);
  if (!carriesBody(form.status, form.toHead)) return { head, body: NOTHING };
  const body = patternBytes(form.bodyStart, 0, form.bodyBytes);
  if (form.framing !== 'chunked') return { head, body };
  return { head, body: chunked(body, rng, form.trailer ? form.nonce : null, damage) };
}
