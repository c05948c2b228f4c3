/** Seeds as people write them: a number, or a git hash, so that a commit names its own run. */

/**
 * `42` is itself (up to 2^53); 7 to 40 hexadecimal digits that are no such number are read as a
 * git hash: its first 12 digits. Null: neither.
 */
export function parseSeed(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!/^[0-9a-f]{7,40}$/i.test(text)) return null;
  return Number.parseInt(text.slice(0, 12), 16);
}

/** `250ms`, `60s`, `5m` in milliseconds; null: not a duration. */
export function parseForMs(text: string): number | null {
  const parts = /^(\d{1,9})(ms|s|m)$/.exec(text);
  if (parts === null) return null;
  return Number(parts[1]) * { ms: 1, s: 1000, m: 60_000 }[parts[2] as 'ms' | 's' | 'm'];
}
