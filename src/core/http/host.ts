/** What may stand in a Host field or in a URL's authority: `uri-host [ ":" port ]`, no userinfo. */

import { equals } from '../base/bytes.ts';

/** Letters, digits and `-._~%!$&'()*+;=` of RFC 3986's reg-name (no comma), `[]:` of literals. */
const allowed = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if (/[A-Za-z0-9\-._~%!$&'()*+;=[\]:]/.test(String.fromCharCode(byte))) allowed[byte] = 1;
}

export const isHostByte = (byte: number): boolean => allowed[byte] === 1;

const isUnreserved = (byte: number): boolean => /[A-Za-z0-9\-._~]/.test(String.fromCharCode(byte));

const isHex = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);

const isHexOrColon = (byte: number): boolean => isHex(byte) || byte === 0x3a;

/** Is the `%` at `at` followed by two hexadecimal digits? */
const isEncoded = (bytes: Uint8Array, at: number, end: number): boolean =>
  at + 2 < end && isHex(bytes[at + 1]!) && isHex(bytes[at + 2]!);

/** Is bytes[start, end) a host, with a port of 0 to 65535 if any? */
export function validHost(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (bytes[start] === 0x5b) {
    at++;
    while (at < end && (isHexOrColon(bytes[at]!) || bytes[at] === 0x2e)) at++;
    if (at === start + 1) return false;
    at = afterZone(bytes, at, end);
    if (at >= end || bytes[at] !== 0x5d) return false;
    at++;
  } else {
    while (at < end && bytes[at] !== 0x3a) {
      const byte = bytes[at]!;
      if (allowed[byte] === 0 || byte === 0x5b || byte === 0x5d) return false;
      if (byte === 0x25 && !isEncoded(bytes, at, end)) return false;
      at++;
    }
    if (at === start) return false;
  }
  return at === end || validPort(bytes, at, end);
}

/** Behind an IPv6 address there may be a zone: `%25` and unreserved characters (RFC 6874). */
function afterZone(bytes: Uint8Array, start: number, end: number): number {
  if (start + 3 >= end || !equals(bytes, start, start + 3, '%25')) return start;
  let at = start + 3;
  while (at < end && isUnreserved(bytes[at]!)) at++;
  return at === start + 3 ? start : at;
}

/** `":" *DIGIT`; an empty port is allowed by RFC 3986. */
function validPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] !== 0x3a) return false;
  let port = 0;
  for (let at = start + 1; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  return true;
}
