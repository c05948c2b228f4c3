/** Changes to a stream: from a letter in a value to what smuggling is made of. */
import type { Rng } from '../../src/core/base/rng.ts';

type Mutation = (rng: Rng, text: string, other: () => string) => string;

const pick = <T>(rng: Rng, from: readonly T[]): T => from[rng.below(from.length)];

/** `text` with `count` characters at `at` replaced by `by`. */
const splice = (text: string, at: number, count: number, by: string): string =>
  text.slice(0, at) + by + text.slice(at + count);

/** The offset of a random place that `pattern` (global) matches, with the match. */
function place(rng: Rng, text: string, pattern: RegExp): RegExpMatchArray | null {
  const from = rng.below(text.length + 1);
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  if (found !== null) return found;
  pattern.lastIndex = 0;
  return pattern.exec(text);
}

/** Replaces a random match of `pattern` by what `by` makes of it. */
const replace =
  (pattern: RegExp, by: (rng: Rng, match: string) => string): Mutation =>
  (rng, text) => {
    const found = place(rng, text, pattern);
    return found === null ? text : splice(text, found.index!, found[0].length, by(rng, found[0]));
  };

/** Long enough for every limit, and not always. */
const long = (rng: Rng): string => 'a'.repeat(pick(rng, [60, 100, 2000, 4090, 8150, 33_000]));

const nasty = [
  ...['\0', '\r', '\n', '\t', ' ', ':', ';', '"', ',', '#', '%', '/', '\\', '=', '\x0b', '\x0c'],
  ...['\x1f', '\x7f', '\x80', '\xa0', '\xff', '0', '1', 'a', '\r\n', '\r\r', '\n\n', '\r\n\r\n'],
];

const fieldLines = [
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: 003',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 3,4',
  'Content-Length: 0x3',
  'Content-Length: ',
  'Content-Length: 3 3',
  'Content-Length: -1',
  'Content-Length: 18446744073709551619',
  'Content-Length : 3',
  'Content_Length: 3',
  ' Content-Length: 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding:\tchunked\t',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: \r\n chunked',
  'X-Folded: a\r\n b',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: keep-alive, close',
  'Connection: close, keep-alive',
  'Connection: Content-Length',
  'Connection: Transfer-Encoding',
  'Connection: Host',
  'Connection: upgrade',
  'Connection: closed, keep-alives, x close',
  'Connection: ,,close,,',
  'Connection: "close"',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Host: b',
  'Host: ',
  'Host: a b',
  'Host: a,b',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Trailer: X-A',
  'TE: trailers',
  'X-A: b',
  'X-Empty:',
  ': no name',
  'no colon',
  'X-Nul: \0',
  'X-Bytes: \x80\xff',
];

const versions = [
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'HTTP/1.1 ',
  'http/1.1',
];
const lineEnds = ['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\r\n ', '\r\n\t', '\r\n\r\n', ''];
const beforeSize = ['0', '0x', '+', '-', ' ', '\t', '00000000000000000', 'f', '10', ''];
const afterSize = [
  ' ',
  ';',
  ';a',
  ';a=b',
  ';a="b',
  ';a="\r\n"',
  ' ;a',
  ';a\n',
  '\t',
  'g',
  '0',
  '\0',
];

/** Changes that often leave a stream valid. */
const gentle: readonly Mutation[] = [
  replace(/[a-z]/g, (rng) => pick(rng, ['a', 'f', 'x', 'A', 'Z', '0', '-', '_', '.'])),
  replace(/[A-Za-z]/g, (_rng, letter) =>
    letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
  ),
  replace(/: ?/g, (rng) => `:${pick(rng, ['', ' ', '\t', '  ', ' \t'])}`),
  replace(/\r\n/g, (rng) => `${pick(rng, [' ', '\t', '  ', 'x'])}\r\n`),
  replace(/[0-9]/g, (rng) => String(rng.below(10))),
  replace(/(?<=\r\n)[^\r\n]+\r\n/g, (_rng, line) => line + line),
  replace(/(?<=\r\n)[^\r\n]+\r\n/g, () => ''),
  replace(/(?<=\r\n)[^\r\n]+\r\n[^\r\n]+\r\n/g, (_rng, lines) => {
    const middle = lines.indexOf('\r\n') + 2;
    return lines.slice(middle) + lines.slice(0, middle);
  }),
  replace(/\r\n(?=[A-Z][A-Za-z-]*:)/g, (rng) => `\r\nX-${rng.below(100)}: ${rng.below(100)}\r\n`),
  replace(/\r\n(?=[A-Za-z-]+:)/g, (rng) => `\r\n${pick(rng, fieldLines)}\r\n`),
  replace(/\r\n[0-9a-fA-F]{1,8}(?=[;\r])/g, (rng, line) => `${line};${pick(rng, ['a', 'a=b'])}`),
  replace(
    /(?<=[A-Z]+ )\/[^ \r\n]*/g,
    (rng, path) => path + pick(rng, ['a', '/', '?', '%41', '//']),
  ),
  // Requests of another stream before, behind or instead.
  (_rng, text, other) => other() + text,
  (_rng, text, other) => text + other(),
  (_rng, text) => text + text,
  (_rng, text) => `\r\n${text}`,
  (_rng, text) => `${text}\r\n`,
];

/** Changes that a strict parser refuses more often than not. */
const harsh: readonly Mutation[] = [
  (rng, text) => splice(text, rng.below(text.length), 1, pick(rng, nasty)),
  (rng, text) => splice(text, rng.below(text.length + 1), 0, pick(rng, nasty)),
  (rng, text) => splice(text, rng.below(text.length), 1, String.fromCharCode(rng.below(256))),
  (rng, text) => splice(text, rng.below(text.length), 1 + rng.below(4), ''),
  (rng, text) => text.slice(0, rng.below(text.length)),
  (rng, text) => {
    const from = rng.below(text.length);
    const part = text.slice(from, from + rng.below(20));
    return splice(text, rng.below(text.length + 1), 0, part);
  },
  (rng, text, other) => {
    const tail = other();
    return text.slice(0, rng.below(text.length)) + tail.slice(rng.below(tail.length));
  },
  (rng, text) => (rng.chance(1, 30) ? splice(text, rng.below(text.length), 0, long(rng)) : text),
  replace(/\r\n/g, (rng) => pick(rng, lineEnds)),
  replace(/[A-Za-z-]+: ?/g, (rng, name) => `${pick(rng, fieldLines)}\r\n${name}`),
  replace(/(?<=\r\n)(content-length|transfer-encoding|connection)[^\r\n]*/gi, (rng) =>
    pick(rng, fieldLines),
  ),
  replace(/HTTP\/1\.\d/g, (rng) => pick(rng, versions)),
  replace(/(?<=\r\n)[0-9a-fA-F]{1,8}(?=[;\r])/g, (rng, size) => pick(rng, beforeSize) + size),
  replace(/(?<=\r\n)[0-9a-fA-F]{1,8}(?=[;\r])/g, (rng, size) => size + pick(rng, afterSize)),
  replace(/(?<=\r\n)[0-9a-fA-F]{1,8}(?=[;\r])/g, (rng) => rng.below(40).toString(16)),
  replace(/(?<=content-length:[ \t]*)\d+/gi, (rng) => String(rng.below(60))),
  replace(/(?<=\n0+)\r\n\r\n/g, (rng) => `\r\n${pick(rng, fieldLines)}\r\n\r\n`),
];

/**
 * `text` changed in one place, or in a few; never the same text. `other` makes another stream, of
 * which parts are taken.
 */
export function mutate(rng: Rng, text: string, other: () => string): string {
  let changed = text;
  let left = 1;
  while (left < 6 && rng.chance(1, 3)) left++;
  while (left > 0 || changed === text) {
    const mutation = pick(rng, rng.chance(3, 5) ? gentle : harsh);
    // Cutting can leave nothing to change.
    changed = changed === '' ? text : mutation(rng, changed, other);
    left--;
  }
  return changed;
}
