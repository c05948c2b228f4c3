/** The part of a request by which a hashing policy chooses its backend, or a limit counts. */
import { equalsIgnoringCase } from '../base/bytes.ts';
import { hashBytes, hashLower, hashText } from '../base/hash.ts';
import type { HashKeyConfig } from '../config.ts';
import type { Head } from './head.ts';
import { valueNamed } from './named-value.ts';
import type { RequestFacts } from './request-facts.ts';

/** The request has no such part. */
export const NO_KEY = -1;

/** How the bytes of a key become a number of 32 bits. */
export interface KeyHash {
  bytes(bytes: Uint8Array, start: number, end: number): number;
  /** The same of A to Z as small letters. */
  lower(bytes: Uint8Array, start: number, end: number): number;
  text(text: string): number;
}

/** The same in every process. */
const plain: KeyHash = {
  bytes: (bytes, start, end) => hashBytes(bytes, start, end),
  lower: hashLower,
  text: (text) => hashText(text),
};

const QUESTION = 63;
const AMPERSAND = 38;
const SEMICOLON = 59;
const COLON = 58;
const SPACE = 32;

/**
 * 0 .. 2^31 - 1, which runtimes keep without allocating, or NO_KEY. `address`: the client's. What
 * `hash` has been given last is the key, if there is one.
 */
export function hashKeyOf(
  key: HashKeyConfig,
  head: Head,
  facts: RequestFacts,
  address: string,
  hash = plain,
): number {
  switch (key.kind) {
    case 'client_address':
      return hash.text(address) >>> 1;
    case 'host':
      if (facts.hostStart === facts.hostEnd) return NO_KEY;
      return hash.lower(head.bytes, facts.hostStart, hostNameEnd(head.bytes, facts)) >>> 1;
    case 'path':
      if (facts.pathEmpty) return hash.text('/') >>> 1;
      return hash.bytes(head.bytes, facts.pathStart, queryStart(head.bytes, facts)) >>> 1;
    case 'query': {
      const from = queryStart(head.bytes, facts) + 1;
      return valueIn(head.bytes, from, facts.pathEnd, AMPERSAND, key.name, hash);
    }
    case 'header':
      return inField(head, key.name, null, hash);
    case 'cookie':
      return inField(head, 'cookie', key.name, hash);
  }
}

/** Behind the host's name, without its port: as routes compare hosts. */
export function hostNameEnd(bytes: Uint8Array, { hostStart, hostEnd }: RequestFacts): number {
  let at = hostEnd;
  while (at > hostStart && isDigit(bytes[at - 1]!)) at--;
  return at > hostStart && bytes[at - 1] === COLON ? at - 1 : hostEnd;
}

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

/** Where the question mark is, or the end. */
export function queryStart(bytes: Uint8Array, { pathStart, pathEnd: end }: RequestFacts): number {
  let at = pathStart;
  while (at < end && bytes[at] !== QUESTION) at++;
  return at;
}

/** Of the first field of that name that has it; `cookie`: only that cookie's value. */
function inField(head: Head, name: string, cookie: string | null, hash: KeyHash): number {
  const { bytes } = head;
  for (let field = 0; field < head.fieldCount; field++) {
    if (!equalsIgnoringCase(bytes, head.nameStart(field), head.nameEnd(field), name)) continue;
    const [start, end] = [head.valueStart(field), head.valueEnd(field)];
    if (cookie === null) return start === end ? NO_KEY : hash.bytes(bytes, start, end) >>> 1;
    const found = valueIn(bytes, start, end, SEMICOLON, cookie, hash);
    if (found !== NO_KEY) return found;
  }
  return NO_KEY;
}

/** Of `name=value` among parts between separators. */
function valueIn(
  bytes: Uint8Array,
  from: number,
  end: number,
  separator: number,
  name: string,
  hash: KeyHash,
): number {
  let at = from;
  while (at < end) {
    while (at < end && bytes[at] === SPACE) at++;
    let stop = at;
    while (stop < end && bytes[stop] !== separator) stop++;
    const valueAt = valueNamed(bytes, at, stop, name);
    if (valueAt !== -1 && valueAt < stop) return hash.bytes(bytes, valueAt, stop) >>> 1;
    at = stop + 1;
  }
  return NO_KEY;
}
