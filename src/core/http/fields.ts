/**
 * The header fields an intermediary must know by name. Everything else travels unseen.
 * A name is looked up by the hash the head parser makes while it checks the characters.
 */
import { latin1, lower } from '../base/bytes.ts';

/** Ids of known fields; 0 is every other field, `dropped` one that must not be forwarded. */
export const Field = {
  other: 0,
  dropped: 1,
  host: 2,
  connection: 3,
  keepAlive: 4,
  proxyConnection: 5,
  te: 6,
  trailer: 7,
  transferEncoding: 8,
  upgrade: 9,
  contentLength: 10,
  expect: 11,
  maxForwards: 12,
  proxyAuthorization: 13,
  proxyAuthenticate: 14,
  http2Settings: 15,
  forwarded: 16,
  xForwardedFor: 17,
  xForwardedProto: 18,
  xForwardedHost: 19,
  xForwardedPort: 20,
  xRealIp: 21,
  xRequestId: 22,
  date: 23,
  accept: 24,
  retryAfter: 25,
  backendLoad: 26,
} as const;
export type Field = (typeof Field)[keyof typeof Field];

const NAMES: readonly (readonly [string, Field])[] = [
  ['host', Field.host],
  ['connection', Field.connection],
  ['keep-alive', Field.keepAlive],
  ['proxy-connection', Field.proxyConnection],
  ['te', Field.te],
  ['trailer', Field.trailer],
  ['transfer-encoding', Field.transferEncoding],
  ['upgrade', Field.upgrade],
  ['content-length', Field.contentLength],
  ['expect', Field.expect],
  ['max-forwards', Field.maxForwards],
  ['proxy-authorization', Field.proxyAuthorization],
  ['proxy-authenticate', Field.proxyAuthenticate],
  ['http2-settings', Field.http2Settings],
  ['forwarded', Field.forwarded],
  ['x-forwarded-for', Field.xForwardedFor],
  ['x-forwarded-proto', Field.xForwardedProto],
  ['x-forwarded-host', Field.xForwardedHost],
  ['x-forwarded-port', Field.xForwardedPort],
  ['x-real-ip', Field.xRealIp],
  ['x-request-id', Field.xRequestId],
  ['date', Field.date],
  ['accept', Field.accept],
  ['retry-after', Field.retryAfter],
  ['backend-load', Field.backendLoad],
];

/** One step of the name hash; start with 0. The byte is given in lower case. */
export const hashStep = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;

const TABLE_SIZE = 256;
/** An open hash table of the names: ids, 0 where it is free, and the whole hashes. */
const ids = new Uint8Array(TABLE_SIZE);
const hashes = new Int32Array(TABLE_SIZE);
/** By id. */
const names: Uint8Array[] = [];
for (const [text, id] of NAMES) {
  names[id] = latin1(text);
  const hash = names[id].reduce(hashStep, 0);
  let slot = hash & (TABLE_SIZE - 1);
  while (ids[slot] !== 0) slot = (slot + 1) & (TABLE_SIZE - 1);
  ids[slot] = id;
  hashes[slot] = hash;
}

/** The id of the field named bytes[start, end), whose hash is `hash`. */
export function fieldId(bytes: Uint8Array, start: number, end: number, hash: number): Field {
  for (let slot = hash & (TABLE_SIZE - 1); ; slot = (slot + 1) & (TABLE_SIZE - 1)) {
    const id = ids[slot] as Field;
    if (id === Field.other) return id;
    // A hash can be forged: the name itself decides.
    if (hashes[slot] === hash && isNamed(bytes, start, end, names[id]!)) return id;
  }
}

function isNamed(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    if (lower(bytes[start + i]!) !== name[i]) return false;
  }
  return true;
}

/** Known fields that a trailer section may carry on like any other. */
const HARMLESS: readonly Field[] = [
  Field.other,
  Field.date,
  Field.accept,
  Field.retryAfter,
  Field.backendLoad,
];

/** Fields that a trailer section must not carry on: framing, routing, and what is ours to set. */
export function forbiddenInTrailer(id: Field): boolean {
  return !HARMLESS.includes(id);
}
