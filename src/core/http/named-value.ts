/** `name=value`, as it stands in cookies and queries. The name is taken as it is written. */

const EQUALS = 61;

/** Where the value begins in bytes[start, end), or -1: it is none of this name. */
export function valueNamed(bytes: Uint8Array, start: number, end: number, name: string): number {
  const valueAt = start + name.length + 1;
  if (valueAt > end || bytes[valueAt - 1] !== EQUALS) return -1;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return -1;
  return valueAt;
}
