/** How the control thread's messages spell things. */

/** `2 s`, `1.5 s`, `250 ms`. */
export function spellDuration(ms: number): string {
  return ms >= 1000 ? `${Math.floor(ms / 100) / 10} s` : `${Math.floor(ms)} ms`;
}

/** `1 backend`, `3 backends`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `127.0.0.1:9001`, `[::1]:9001`. */
export function spellAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

/** How a backend is called in a sentence: its pool is named unless it is the only usual one. */
export function callName(pool: string, backend: string): string {
  return pool === 'default' ? backend : `${pool}/${backend}`;
}

/** Foreign text, its beginning, harmless in a log line; a character for each byte. */
export function quote(text: string, most: number): string {
  const shown = text
    .slice(0, most)
    .replace(/[^\x20-\x7e]/g, '.')
    .replace(/["\\]/g, '\\$&');
  return `"${shown}${text.length > most ? '...' : ''}"`;
}
