/** Where listeners of one port are in each other's way. */

/** Of every address, IPv4 too. */
export const EVERY_HOST = '::';

/** `::` takes every address, IPv4 too; `0.0.0.0` every IPv4 address. */
export function hostsOverlap(a: string, b: string): boolean {
  if (a === b || a === EVERY_HOST || b === EVERY_HOST) return true;
  return (a === '0.0.0.0' && !b.includes(':')) || (b === '0.0.0.0' && !a.includes(':'));
}
