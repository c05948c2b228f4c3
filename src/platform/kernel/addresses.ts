/** Addresses as the kernel wants them and gives them: `struct sockaddr_in` and `sockaddr_in6`. */
import { parseAddress } from '../../core/http/trusted-peers.ts';
import { AF_INET, AF_INET6 } from './libc.ts';

/** The larger one's length. */
export const NAME_BYTES = 28;

/** What `bind` and `connect` take; null: `address` is no literal that the kernel would know. */
export function nameOf(address: string, port: number): Uint8Array | null {
  const bytes = parseAddress(address);
  if (bytes === null) return null;
  const isV6 = address.includes(':');
  const name = new Uint8Array(isV6 ? NAME_BYTES : 16);
  name[0] = isV6 ? AF_INET6 : AF_INET;
  name[2] = port >> 8;
  name[3] = port & 255;
  if (isV6) name.set(bytes, 8);
  else name.set(bytes.subarray(12), 4);
  return name;
}

/** AF_INET or AF_INET6. */
export function familyIn(name: Uint8Array): number {
  return name[0];
}

/** The port in what the kernel has written. */
export function portIn(name: Uint8Array): number {
  return (name[2] << 8) | name[3];
}

/** The address in it, in the way of RFC 5952; IPv4-mapped ones as plain IPv4. */
export function addressIn(name: Uint8Array): string {
  if (familyIn(name) === AF_INET) return dotted(name, 4);
  return isMapped(name) ? dotted(name, 20) : colons(name) + zone(name);
}

/** A link-local address means nothing without it. */
function zone(name: Uint8Array): string {
  const isLinkLocal = name[8] === 0xfe && (name[9] & 0xc0) === 0x80;
  const scope = name[24] | (name[25] << 8) | (name[26] << 16);
  return isLinkLocal && scope !== 0 ? `%${scope}` : '';
}

function dotted(name: Uint8Array, at: number): string {
  return `${name[at]}.${name[at + 1]}.${name[at + 2]}.${name[at + 3]}`;
}

function isMapped(name: Uint8Array): boolean {
  for (let i = 8; i < 18; i++) if (name[i] !== 0) return false;
  return name[18] === 255 && name[19] === 255;
}

/** RFC 5952: the first of the longest runs of zeros is left out, if it is longer than one. */
function colons(name: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (name[8 + 2 * i] << 8) | name[9 + 2 * i]);
  let [from, length] = [0, 1];
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) [from, length] = [start, end - start];
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length === 1) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}
