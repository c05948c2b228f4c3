/**
 * The Connection field (RFC 9110 section 7.6.1): what it says about the connection, and the fields
 * it nominates, which go no further. Several lines and empty elements are allowed, in any case.
 */
import { equalsIgnoringCase, lower } from '../base/bytes.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { type Refusal, refusals } from './refusal.ts';

export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Why the message cannot be used; then the rest means nothing. */
  refusal: Refusal | null;
}

const COMMA = 44;
/** Each costs a look at every field: without a limit, one head could cost milliseconds. */
const MAX_NOMINATED = 100;

/** Reused: the caller reads it before the next call. */
const options: ConnectionOptions = {
  close: false,
  keepAlive: false,
  upgrade: false,
  refusal: null,
};
let nominated = 0;

/** Reads the options, and marks nominated fields as dropped. */
export function connectionOptions(head: Head): ConnectionOptions {
  options.close = false;
  options.keepAlive = false;
  options.upgrade = false;
  options.refusal = null;
  nominated = 0;
  for (let field = 0; field < head.fieldCount; field++) {
    if (head.id(field) !== Field.connection) continue;
    const end = head.valueEnd(field);
    let at = head.valueStart(field);
    while (at < end) {
      let stop = at;
      while (stop < end && head.bytes[stop] !== COMMA) stop++;
      options.refusal = element(head, at, stop);
      if (options.refusal !== null) return options;
      at = stop + 1;
    }
  }
  return options;
}

function element(head: Head, from: number, to: number): Refusal | null {
  const { bytes } = head;
  let start = from;
  let end = to;
  while (start < end && isSpace(bytes[start]!)) start++;
  while (end > start && isSpace(bytes[end - 1]!)) end--;
  if (start === end) return null;
  if (equalsIgnoringCase(bytes, start, end, 'close')) options.close = true;
  else if (equalsIgnoringCase(bytes, start, end, 'keep-alive')) options.keepAlive = true;
  else if (equalsIgnoringCase(bytes, start, end, 'upgrade')) options.upgrade = true;
  else return nominate(head, start, end);
  return null;
}

const isSpace = (byte: number): boolean => byte === 32 || byte === 9;

function nominate(head: Head, start: number, end: number): Refusal | null {
  if (++nominated > MAX_NOMINATED) return refusals.connectionLong;
  for (let field = 0; field < head.fieldCount; field++) {
    if (!sameName(head, field, start, end)) continue;
    const id = head.id(field);
    if (id === Field.host || id === Field.contentLength || id === Field.transferEncoding) {
      return refusals.hostNominated;
    }
    // TE is hop-by-hop anyway, and `TE: trailers` is read on its own.
    if (id !== Field.connection && id !== Field.te) head.setId(field, Field.dropped);
  }
  return null;
}

function sameName(head: Head, field: number, start: number, end: number): boolean {
  const nameStart = head.nameStart(field);
  if (head.nameEnd(field) - nameStart !== end - start) return false;
  for (let i = 0; i < end - start; i++) {
    if (lower(head.bytes[nameStart + i]!) !== lower(head.bytes[start + i]!)) return false;
  }
  return true;
}
