/**
 * Byte work. Each operation has a pure implementation here; a platform may install the runtime's
 * natives, which are faster on long ranges. `bytes.test.ts` holds both to the same cases.
 */

export interface ByteOps {
  /** Copies source[start, end) to target at `at`. The ranges lie inside their arrays. */
  copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void;
  /** bytes[start, end) as a string of the same length, one character per byte. */
  toLatin1(bytes: Uint8Array, start: number, end: number): string;
  /** Writes the low byte of each character of `text` at `at`; returns the offset after it. */
  writeLatin1(text: string, target: Uint8Array, at: number): number;
}

export const pureByteOps: ByteOps = {
  copy(source, start, end, target, at) {
    for (let i = start, j = at; i < end; i++, j++) target[j] = source[i]!;
  },
  toLatin1(bytes, start, end) {
    let text = '';
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!);
    return text;
  },
  writeLatin1(text, target, at) {
    for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
    return at + text.length;
  },
};

let ops: ByteOps = pureByteOps;

/** Called once by a platform before traffic starts. */
export function installByteOps(native: ByteOps): void {
  ops = native;
}

/** Below this many bytes a loop beats the call into the runtime. */
const LOOP_BYTES = 32;

/** Copies source[start, end) to target at `at`; returns the offset after it. */
export function copy(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const length = end - start;
  if (length <= LOOP_BYTES) {
    for (let i = start, j = at; i < end; i++, j++) target[j] = source[i]!;
  } else if (length === source.length) {
    // The only copy that no runtime makes a view for.
    target.set(source, at);
  } else {
    ops.copy(source, start, end, target, at);
  }
  return at + length;
}

/** Copies all of `source` to target at `at`; returns the offset after it. */
export function copyWhole(source: Uint8Array, target: Uint8Array, at: number): number {
  target.set(source, at);
  return at + source.length;
}

/** bytes[start, end) as a string, one character per byte. */
export function toLatin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return ops.toLatin1(bytes, start, end);
}

/** Writes `text` (characters 0 to 255) into target; returns the offset after it. */
export function writeLatin1(text: string, target: Uint8Array, at: number): number {
  return ops.writeLatin1(text, target, at);
}

/** Writes `value`, whole and not negative, in decimal; returns the offset after it. */
export function writeDecimal(value: number, target: Uint8Array, at: number): number {
  let end = at + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++;
  let rest = value;
  for (let to = end - 1; to >= at; to--) {
    const left = Math.floor(rest / 10);
    target[to] = 48 + rest - 10 * left;
    rest = left;
  }
  return end;
}

/** Writes CR LF; returns the offset after it. */
export function writeLineEnd(target: Uint8Array, at: number): number {
  target[at] = 13;
  target[at + 1] = 10;
  return at + 2;
}

/** `text` (characters 0 to 255) as bytes of its own. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  pureByteOps.writeLatin1(text, bytes, 0);
  return bytes;
}

/**
 * `text` as UTF-8, for the few places where we write words of a user (pages, JSON). Half a
 * surrogate pair becomes U+FFFD.
 */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63));
      bytes.push(0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** The byte as a lower-case letter if it is an ASCII capital, else itself. */
export const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

/** Is bytes[start, end) the ASCII text `name` (given in lower case), whatever its case? */
export function equalsIgnoringCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (lower(bytes[start + i]!) !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Is bytes[start, end) exactly the text `word`? */
export function equals(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (bytes[start + i] !== word.charCodeAt(i)) return false;
  }
  return true;
}

/** bytes[start, end) itself when it is the whole array, else a view. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}
