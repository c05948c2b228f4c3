/**
 * What becomes of a message on its way between threads: a copy of all that can be copied. Memory
 * that threads share, and the rest of plain buffers, stays the same.
 */

/** As `structuredClone` does it, of plain objects, arrays, maps, sets and typed arrays. */
export function clone<T>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: unknown): unknown {
  if (typeof value === 'function') throw new Error('a function cannot be sent between threads');
  if (typeof value !== 'object' || value === null) return value;
  if (isMemory(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [copyOf(k), copyOf(v)]));
  if (value instanceof Set) return new Set([...value].map(copyOf));
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, copyOf(own)]));
}

const isMemory = (value: object): boolean =>
  value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
