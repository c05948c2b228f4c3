/**
 * A head to HTTP/1.1 bytes, as a gateway sends it: hop-by-hop fields left out, framing written
 * anew, everything else copied as it came, one field a line. Fields that already stand on canonical
 * lines next to each other are copied in one go.
 */
import { copy, copyWhole, latin1, writeDecimal, writeLatin1, writeLineEnd } from '../base/bytes.ts';
import { Field } from '../http/fields.ts';
import type { Head } from '../http/head.ts';
import { Body, type RequestFacts } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';

const CR = 13;
const LF = 10;
const SP = 32;
const COLON = 58;
const SLASH = 47;

/** What the sending side knows beside the head itself. */
export interface Forward {
  /** Put before the path: empty, or `/base` without a slash at its end. */
  readonly basePath: string;
  /** The Host to send; null: the one the request was routed by. */
  readonly host: string | null;
  /** The Host to send when the request had none (HTTP/1.0). */
  readonly fallbackHost: string;
}

/** Fields of a request that are not copied. Bit per field id. */
const REQUEST_SKIPS = bits([
  Field.dropped,
  Field.host,
  Field.connection,
  Field.keepAlive,
  Field.proxyConnection,
  Field.te,
  Field.trailer,
  Field.transferEncoding,
  Field.upgrade,
  Field.contentLength,
  Field.expect,
  Field.proxyAuthorization,
  Field.http2Settings,
  Field.forwarded,
  Field.xForwardedFor,
  Field.xForwardedProto,
  Field.xForwardedHost,
  Field.xForwardedPort,
  Field.xRealIp,
  Field.xRequestId,
]);

const RESPONSE_SKIPS = bits([
  Field.dropped,
  Field.connection,
  Field.keepAlive,
  Field.proxyConnection,
  Field.te,
  Field.transferEncoding,
  Field.upgrade,
  Field.contentLength,
  Field.proxyAuthenticate,
  Field.http2Settings,
]);

function bits(ids: readonly Field[]): number {
  return ids.reduce((mask: number, id) => mask | (1 << id), 0);
}

// What is written often, as bytes: they are copied faster than a string is.
const HOST = latin1(' HTTP/1.1\r\nHost: ');
const CHUNKED = latin1('Transfer-Encoding: chunked\r\n');
const CONTENT_LENGTH = latin1('Content-Length: ');
const CLOSE = latin1('Connection: close\r\n');
const KEEP_ALIVE = latin1('Connection: keep-alive\r\n');
const VERSION = latin1('HTTP/1.1 ');
const SET_COOKIE = latin1('Set-Cookie: ');
const PRIVATE = latin1('Cache-Control: private\r\n');

/** Bytes that a written head can have beyond those of the head it was made from. */
export const WRITE_MARGIN = 4096;

/**
 * Writes a request head at `at`; returns the offset after it. The lines that speak of the client
 * (X-Forwarded-*, X-Real-IP, X-Request-Id) and the empty one are left to the caller.
 */
export function writeRequestHead(
  out: Uint8Array,
  at: number,
  head: Head,
  facts: RequestFacts,
  forward: Forward,
): number {
  const { bytes } = head;
  let to = copy(bytes, head.methodStart, head.methodEnd, out, at);
  out[to++] = SP;
  to = writeTarget(out, to, head, facts, forward.basePath);
  to = copyWhole(HOST, out, to);
  if (forward.host !== null) to = writeLatin1(forward.host, out, to);
  else if (facts.hostEnd === facts.hostStart) to = writeLatin1(forward.fallbackHost, out, to);
  else to = copy(bytes, facts.hostStart, facts.hostEnd, out, to);
  to = writeLineEnd(out, to);
  to = copyFields(out, to, head, facts.maxForwards >= 0 ? REQUEST_SKIPS_COUNTED : REQUEST_SKIPS);
  if (facts.body === Body.chunked) to = copyWhole(CHUNKED, out, to);
  else to = writeRequestLength(out, to, head, facts);
  if (facts.expectContinue) to = writeLatin1('Expect: 100-continue\r\n', out, to);
  if (facts.maxForwards >= 0) {
    const left = facts.maxForwards === 0 ? 0 : facts.maxForwards - 1;
    to = writeLatin1(`Max-Forwards: ${left}\r\n`, out, to);
  }
  if (facts.upgrade) to = writeUpgrade(out, to, head);
  else if (facts.teTrailers) to = writeLatin1('TE: trailers\r\nConnection: TE\r\n', out, to);
  return to;
}

const REQUEST_SKIPS_COUNTED = REQUEST_SKIPS | (1 << Field.maxForwards);

function writeTarget(
  out: Uint8Array,
  at: number,
  head: Head,
  facts: RequestFacts,
  basePath: string,
): number {
  const { bytes } = head;
  const { pathStart, pathEnd } = facts;
  if (pathStart === pathEnd && bytes[head.methodStart] === 0x4f && isOptions(head)) {
    out[at] = 0x2a;
    return at + 1;
  }
  let to = at;
  if (basePath !== '' && bytes[pathStart] !== 0x2a) to = writeLatin1(basePath, out, to);
  if (facts.pathEmpty) out[to++] = SLASH;
  return copy(bytes, pathStart, pathEnd, out, to);
}

const isOptions = (head: Head): boolean => head.method === 'OPTIONS';

function writeRequestLength(out: Uint8Array, at: number, head: Head, facts: RequestFacts): number {
  if (facts.body === Body.none && head.find(Field.contentLength) === -1) return at;
  return writeContentLength(out, at, facts.contentLength);
}

function writeContentLength(out: Uint8Array, at: number, length: number): number {
  const to = copyWhole(CONTENT_LENGTH, out, at);
  return writeLineEnd(out, writeDecimal(length, out, to));
}

function writeUpgrade(out: Uint8Array, at: number, head: Head): number {
  const field = head.find(Field.upgrade);
  let to = writeLatin1('Connection: Upgrade\r\nUpgrade: ', out, at);
  to = copy(head.bytes, head.valueStart(field), head.valueEnd(field), out, to);
  return writeLineEnd(out, to);
}

/** How the client's connection goes on after a response. */
export const Persist = { keep: 0, keepOld: 1, close: 2 } as const;
export type Persist = (typeof Persist)[keyof typeof Persist];

/**
 * Writes a final response head. `date`: a finished `Date: ...` line, for answers without one.
 * `cookie`: what a Set-Cookie of ours says; no shared cache may give it to others then. Responses
 * carry no field of ours but these and Connection.
 */
export function writeResponseHead(
  out: Uint8Array,
  at: number,
  head: Head,
  facts: ResponseFacts,
  chunked: boolean,
  persist: Persist,
  date: Uint8Array | null,
  cookie: Uint8Array | null,
): number {
  let to = writeStatusLine(out, at, head);
  to = copyFields(out, to, head, chunked ? RESPONSE_SKIPS : RESPONSE_SKIPS | (1 << Field.trailer));
  if (chunked) to = copyWhole(CHUNKED, out, to);
  else if (facts.hasLength) to = writeContentLength(out, to, facts.contentLength);
  if (date !== null) to = copyWhole(date, out, to);
  if (cookie !== null) to = copyWhole(PRIVATE, out, writeCookie(out, to, cookie));
  if (persist === Persist.close) to = copyWhole(CLOSE, out, to);
  else if (persist === Persist.keepOld) to = copyWhole(KEEP_ALIVE, out, to);
  return writeLineEnd(out, to);
}

/** Writes an interim response (1xx), or with `upgrade` the 101 that opens a tunnel. */
export function writeInterimHead(
  out: Uint8Array,
  at: number,
  head: Head,
  upgrade: boolean,
  cookie: Uint8Array | null,
): number {
  let to = writeStatusLine(out, at, head);
  to = copyFields(out, to, head, RESPONSE_SKIPS);
  if (cookie !== null) to = writeCookie(out, to, cookie);
  if (upgrade) to = writeUpgrade(out, to, head);
  return writeLineEnd(out, to);
}

function writeCookie(out: Uint8Array, at: number, cookie: Uint8Array): number {
  const to = copyWhole(SET_COOKIE, out, at);
  return writeLineEnd(out, copyWhole(cookie, out, to));
}

function writeStatusLine(out: Uint8Array, at: number, head: Head): number {
  let to = copyWhole(VERSION, out, at);
  out[to++] = 48 + Math.floor(head.status / 100);
  out[to++] = 48 + (Math.floor(head.status / 10) % 10);
  out[to++] = 48 + (head.status % 10);
  out[to++] = SP;
  to = copy(head.bytes, head.reasonStart, head.reasonEnd, out, to);
  return writeLineEnd(out, to);
}

/** Copies every field whose id is not in `skips`, in order. */
function copyFields(out: Uint8Array, at: number, head: Head, skips: number): number {
  const { bytes } = head;
  let to = at;
  let run = -1;
  let runEnd = -1;
  for (let field = 0; field < head.fieldCount; field++) {
    if ((skips & (1 << head.id(field))) !== 0) continue;
    const nameStart = head.nameStart(field);
    const nameEnd = head.nameEnd(field);
    const valueStart = head.valueStart(field);
    const valueEnd = head.valueEnd(field);
    const canonical =
      valueStart === nameEnd + 2 &&
      bytes[nameEnd] === COLON &&
      bytes[nameEnd + 1] === SP &&
      bytes[valueEnd] === CR &&
      bytes[valueEnd + 1] === LF;
    if (canonical && nameStart === runEnd) {
      runEnd = valueEnd + 2;
      continue;
    }
    if (run >= 0) to = copy(bytes, run, runEnd, out, to);
    run = -1;
    runEnd = -1;
    if (canonical) {
      run = nameStart;
      runEnd = valueEnd + 2;
      continue;
    }
    to = copy(bytes, nameStart, nameEnd, out, to);
    out[to++] = COLON;
    out[to++] = SP;
    to = copy(bytes, valueStart, valueEnd, out, to);
    to = writeLineEnd(out, to);
  }
  return run >= 0 ? copy(bytes, run, runEnd, out, to) : to;
}

/**
 * Writes the end of a chunked message: the last chunk unless it has been sent in wire form, the
 * trailer fields that may travel, and the empty line.
 */
export function writeChunkedEnd(
  out: Uint8Array,
  at: number,
  trailers: Head | null,
  lastChunkSent: boolean,
  allowed: (id: Field) => boolean,
): number {
  let to = at;
  if (!lastChunkSent) to = writeLatin1('0\r\n', out, to);
  if (trailers !== null) {
    for (let field = 0; field < trailers.fieldCount; field++) {
      if (!allowed(trailers.id(field))) trailers.setId(field, Field.dropped);
    }
    to = copyFields(out, to, trailers, 1 << Field.dropped);
  }
  return writeLineEnd(out, to);
}
