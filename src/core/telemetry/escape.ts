/**
 * Makes foreign text harmless in a log line. What comes from the wire (a target, a Host) holds one
 * byte per character; nothing in it may end a line, close a quote or speak to a terminal.
 */

const HEX = '0123456789abcdef';

const hex = (code: number, digits: number): string => {
  let text = '';
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += HEX[(code >>> shift) & 15];
  return text;
};

/** Printable ASCII that means nothing to JSON. */
const PLAIN_JSON = /^[ !#-[\]-~]*$/;

/**
 * A JSON string with its quotes. Everything outside printable ASCII is written as `\u00e9`, so the
 * line is ASCII, a byte from the wire is one escape, and a JSON parser gives back what came.
 */
export function jsonString(text: string): string {
  if (PLAIN_JSON.test(text)) return `"${text}"`;
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) out += `\\${text[i]}`;
    else if (code === 0x0a) out += '\\n';
    else if (code >= 0x20 && code <= 0x7e) out += text[i];
    else out += `\\u${hex(code, 4)}`;
  }
  return `${out}"`;
}

/** Printable ASCII without space, quote and backslash. */
const PLAIN_WIRE = /^[!#-[\]-~]+$/;

/**
 * One word of a text line, from the wire: what is not printable ASCII, and space, quote and
 * backslash, become `\xNN`. An empty word is shown as `-`.
 */
export function wireWord(text: string): string {
  if (PLAIN_WIRE.test(text)) return text;
  if (text === '') return '-';
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) out += `\\u${hex(code, 4)}`;
    else if (code <= 0x20 || code >= 0x7f || code === 0x22 || code === 0x5c) {
      out += `\\x${hex(code, 2)}`;
    } else out += text[i];
  }
  return out;
}

const PLAIN_SENTENCE = /^[ -[\]-~]*$/;
const LETTER = /^[\p{L}\p{M}\p{N}]$/u;

/**
 * A sentence of a text line. Letters of every language stay readable; control characters, escape
 * sequences, direction marks and backslashes become `\xNN` or `\uNNNN`.
 */
export function sentence(text: string): string {
  if (PLAIN_SENTENCE.test(text)) return text;
  let out = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 0x5c) out += '\\\\';
    else if ((code >= 0x20 && code <= 0x7e) || LETTER.test(character)) out += character;
    else if (code <= 0xff) out += `\\x${hex(code, 2)}`;
    else out += code <= 0xffff ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 6)}}`;
  }
  return out;
}
