/** Whom a limit takes for one client. */
import { parseAddress } from './trusted-peers.ts';

/**
 * The address for IPv4. For IPv6 its /64: who has one address there has 2^64 of them, so that a
 * limit for each would be none. The same however an address is written.
 */
export function clientNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const bytes = parseAddress(address);
  if (bytes === null) return address;
  const group = (at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  return `${[0, 2, 4, 6].map((at) => group(at).toString(16)).join(':')}::/64`;
}

/** ::ffff:a.b.c.d */
function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 255 && bytes[11] === 255;
}
