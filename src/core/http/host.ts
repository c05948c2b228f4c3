/** What may stand in a Host field or in a URL's authority: `uri-host [ ":" port ]`, no userinfo. */

import { equals } from '../base/bytes.ts';

const COLON = 58;
const DOT = 46;

/** Letters, digits and `-._~%!$&'()*+;=` of RFC 3986's reg-name (no comma), `[]:` of literals. */
const allowed = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if (/[A-Za-z0-9\-._~%!$&'()*+;=[\]:]/.test(String.fromCharCode(byte))) allowed[byte] = 1;
}

export const isHostByte = (byte: number): boolean => allowed[byte] === 1;

const isUnreserved = (byte: number): boolean => /[A-Za-z0-9\-._~]/.test(String.fromCharCode(byte));

const isHex = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);

/** Is the `%` at `at` followed by two hexadecimal digits? */
const isEncoded = (bytes: Uint8Array, at: number, end: number): boolean =>
  at + 2 < end && isHex(bytes[at + 1]!) && isHex(bytes[at + 2]!);

/** Is bytes[start, end) a host, with a port of 0 to 65535 if any? */
export function validHost(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (bytes[start] === 0x5b) {
    at = afterIpv6(bytes, start + 1, end);
    if (at === -1) return false;
    at = afterZone(bytes, at, end);
    if (at >= end || bytes[at] !== 0x5d) return false;
    at++;
  } else {
    while (at < end && bytes[at] !== COLON) {
      const byte = bytes[at]!;
      if (allowed[byte] === 0 || byte === 0x5b || byte === 0x5d) return false;
      if (byte === 0x25 && !isEncoded(bytes, at, end)) return false;
      at++;
    }
    if (at === start) return false;
  }
  return at === end || validPort(bytes, at, end);
}

/** The offset after the IPv6 address at `start` (RFC 3986's IPv6address), or -1. */
function afterIpv6(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let groups = 0;
  let gap = false;
  for (;;) {
    if (at + 1 < end && bytes[at] === COLON && bytes[at + 1] === COLON) {
      if (gap) return -1;
      gap = true;
      at += 2;
      if (at === end || !isHex(bytes[at]!)) break;
    } else if (groups > 0) {
      if (at === end || bytes[at] !== COLON) break;
      at++;
    }
    let stop = at;
    while (stop < end && isHex(bytes[stop]!)) stop++;
    if (stop < end && bytes[stop] === DOT) {
      at = afterIpv4(bytes, at, end);
      groups += 2;
      break;
    }
    if (stop === at || stop - at > 4) return -1;
    at = stop;
    groups++;
  }
  return (gap ? groups < 8 : groups === 8) ? at : -1;
}

/** The offset after the IPv4 address at `start` (four numbers without leading zeros), or -1. */
function afterIpv4(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (at === end || bytes[at++] !== DOT)) return -1;
    const first = at;
    let value = 0;
    while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) value = value * 10 + bytes[at++]! - 48;
    if (at === first || value > 255 || (bytes[first] === 48 && at > first + 1)) return -1;
  }
  return at;
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
  if (bytes[start] !== COLON) return false;
  let port = 0;
  for (let at = start + 1; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  return true;
}
