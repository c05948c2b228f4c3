/**
 * Streams of requests by the grammar of RFC 9110 and 9112, as far as a gateway takes them: no
 * CONNECT, no TRACE, no coding but `chunked`, one Host. What a parser must make of a stream comes
 * with it.
 */
import type { Rng } from '../../src/core/base/rng.ts';
import type { Message } from './reading.ts';

export interface Stream {
  /** latin1 */
  readonly text: string;
  readonly messages: readonly Message[];
}

interface Field {
  readonly name: string;
  readonly value: string;
}

interface Draft {
  readonly method: string;
  readonly old: boolean;
  readonly keepAlive: boolean;
  readonly fields: Field[];
}

const pick = <T>(rng: Rng, from: readonly T[]): T => from[rng.below(from.length)];

function repeat(rng: Rng, least: number, most: number, part: () => string): string {
  let text = '';
  for (let left = least + rng.below(most - least + 1); left > 0; left--) text += part();
  return text;
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = '0123456789';
const tokens = `${letters}${digits}!#$%&'*+-.^_\`|~`;
const segments = `${letters}${digits}-._~!$&'()*+,;=:@`;

/** Methods that Node knows as well. */
const methods =
  'GET GET GET HEAD POST POST PUT DELETE OPTIONS PATCH PROPFIND M-SEARCH REPORT'.split(' ');
/** Methods nobody knows, which a gateway passes on. */
const otherMethods = ['FROB', 'get', 'GETS', 'M', '!#$%', 'X'.repeat(64)];
const hosts = 'a example.com 127.0.0.1 [::1] localhost xn--caf-dma.example a-b_c.d~e %41.b'.split(
  ' ',
);
const ports = ['', '', '', ':80', ':8080', ':65535', ':'];
const spaces = ['', ' ', ' ', ' ', ' ', ' ', '\t', '  ', ' \t '];
const names = 'Accept User-Agent Cookie Accept-Encoding Content-Type Origin Via Date DNT'.split(
  ' ',
);
/** Contents that look like what could follow them. */
const contents = [
  'GET /inside HTTP/1.1\r\nHost: b\r\n\r\n',
  '0\r\n\r\n',
  '\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '{"a": [1, 2]}',
  'a=1&b=2',
  '\0\r\n\xff',
  '\n',
  '-',
];

const token = (rng: Rng, most: number): string =>
  repeat(rng, 1, most, () => tokens[rng.below(tokens.length)]);

function anyCase(rng: Rng, text: string): string {
  if (!rng.chance(1, 6)) return text;
  return text.replace(/[a-z]/gi, (letter) =>
    rng.chance(1, 2) ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

function pathLetter(rng: Rng): string {
  if (rng.chance(1, 12)) return `%${pick(rng, ['00', '20', '2f', '2E', 'C3', 'a9'])}`;
  return segments[rng.below(segments.length)];
}

function target(rng: Rng, method: string): string {
  if (method === 'OPTIONS' && rng.chance(1, 2)) return '*';
  let path = repeat(rng, 1, 3, () => `/${repeat(rng, 0, 5, () => pathLetter(rng))}`);
  if (rng.chance(1, 10)) path = pick(rng, ['/', '//', '/..', '/a/../b', '/%2e%2e/', '/http://c/']);
  if (rng.chance(1, 3))
    path += `?${repeat(rng, 0, 8, () => pick(rng, [pathLetter(rng), '/', '?']))}`;
  if (!rng.chance(1, 10)) return path;
  const scheme = anyCase(rng, pick(rng, ['http', 'https']));
  return `${scheme}://${pick(rng, hosts)}${pick(rng, ['', ':80', ':8080'])}${path}`;
}

function value(rng: Rng): string {
  const letter = (): string => {
    if (rng.chance(1, 20))
      return pick(rng, ['\t', ' ', '  ', '"', ',', ';', '\\', ':', '\x80', '\xff']);
    return String.fromCharCode(33 + rng.below(94));
  };
  // What surrounds a value is not part of it.
  return repeat(rng, 0, 14, letter).replace(/^[ \t]+|[ \t]+$/g, '');
}

function plainField(rng: Rng): Field {
  const name = rng.chance(1, 2) ? pick(rng, names) : `X-${token(rng, 6)}`;
  return { name: anyCase(rng, name), value: value(rng) };
}

const framingField = /^(content-length|transfer-encoding|connection)$/i;

function line(rng: Rng, field: Field, strict: boolean): string {
  const around = strict && framingField.test(field.name) ? ['', ' '] : spaces;
  const after = rng.chance(1, 8) ? pick(rng, around) : '';
  return `${field.name}:${pick(rng, around)}${field.value}${after}\r\n`;
}

const list = (fields: readonly Field[]): string =>
  fields.map((each) => `${each.name}: ${each.value}\n`).join('');

function body(rng: Rng): string {
  if (rng.chance(1, 3)) return pick(rng, contents);
  if (rng.chance(1, 40)) return 'x'.repeat(rng.below(2000));
  return repeat(rng, 0, 24, () => String.fromCharCode(rng.below(256)));
}

function extension(rng: Rng, strict: boolean): string {
  if (!rng.chance(1, 6)) return '';
  const quoted = repeat(rng, 0, 5, () => pick(rng, ['a', ' ', ';', ',', '\\"', '\\\\', '=', '\t']));
  const part = pick(rng, ['', `=${token(rng, 4)}`, `="${quoted}"`]);
  // Bad white space; most parsers will not have it.
  const space = strict ? '' : pick(rng, ['', ' ', '\t']);
  return `${space};${space}${token(rng, 5)}${part}`;
}

function size(rng: Rng, length: number): string {
  const hex = length.toString(16);
  const zeros = rng.chance(1, 10) ? '0'.repeat(1 + rng.below(4)) : '';
  return zeros + (rng.chance(1, 2) ? hex : hex.toUpperCase());
}

function chunked(rng: Rng, content: string, trailers: readonly Field[], strict: boolean): string {
  let text = '';
  for (let at = 0; at < content.length; ) {
    const length = Math.min(content.length - at, 1 + rng.below(rng.chance(1, 2) ? 4 : 400));
    text += `${size(rng, length)}${extension(rng, strict)}\r\n`;
    text += `${content.slice(at, at + length)}\r\n`;
    at += length;
  }
  text += `${size(rng, 0)}${extension(rng, strict)}\r\n`;
  return `${text}${trailers.map((each) => line(rng, each, strict)).join('')}\r\n`;
}

/** Fields that speak of the connection. */
function connectionFields(rng: Rng, { fields, old, keepAlive }: Draft, hasBody: boolean): void {
  const options: string[] = [];
  if (!keepAlive && !old) options.push('close');
  if (keepAlive && (old || rng.chance(1, 10))) options.push('keep-alive');
  if (rng.chance(1, 20)) {
    options.push('TE');
    fields.push({ name: 'TE', value: 'trailers' });
  }
  if (rng.chance(1, 20)) {
    options.push('X-Hop');
    fields.push({ name: 'X-Hop', value: value(rng) });
  }
  if (rng.chance(1, 20)) {
    options.push('Upgrade');
    fields.push({ name: 'Upgrade', value: pick(rng, ['websocket', 'thing/1', 'h2c']) });
  }
  if (hasBody && rng.chance(1, 12)) fields.push({ name: 'Expect', value: '100-continue' });
  if (options.length === 0) return;
  const separator = pick(rng, [', ', ',', ' , ']);
  const words = options.map((each) => anyCase(rng, each));
  fields.push({ name: anyCase(rng, 'Connection'), value: words.join(separator) });
}

function shuffle<T>(rng: Rng, items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}

function request(rng: Rng, isLast: boolean, strict: boolean): { text: string; message: Message } {
  const method = pick(rng, strict || rng.chance(2, 3) ? methods : otherMethods);
  const old = rng.chance(1, 12);
  const keepAlive = !isLast || rng.chance(2, 3);
  const fields: Field[] = [];
  const draft = { method, old, keepAlive, fields };
  if (!old || rng.chance(1, 2)) {
    fields.push({ name: anyCase(rng, 'Host'), value: pick(rng, hosts) + pick(rng, ports) });
  }
  const framing = rng.below(4);
  const content = framing < 2 ? '' : body(rng);
  const trailers: Field[] = [];
  let sent = content;
  if (framing === 3 && !old) {
    const name = anyCase(rng, 'Transfer-Encoding');
    fields.push({ name, value: anyCase(rng, 'chunked') });
    if (rng.chance(1, 5))
      trailers.push(...Array.from({ length: 1 + rng.below(3) }, () => plainField(rng)));
    sent = chunked(rng, content, trailers, strict);
  } else if (framing > 0) {
    const zeros = rng.chance(1, 20) ? '0'.repeat(rng.below(4)) : '';
    fields.push({ name: anyCase(rng, 'Content-Length'), value: `${zeros}${content.length}` });
  }
  connectionFields(rng, draft, content !== '');
  for (let left = rng.below(rng.chance(1, 60) ? 80 : 4); left > 0; left--)
    fields.push(plainField(rng));
  shuffle(rng, fields);
  const to = target(rng, method);
  const blank = rng.chance(1, 15) ? '\r\n'.repeat(1 + rng.below(2)) : '';
  const head = `${method} ${to} HTTP/1.${old ? 0 : 1}\r\n`;
  return {
    text: `${blank}${head}${fields.map((each) => line(rng, each, strict)).join('')}\r\n${sent}`,
    message: {
      method,
      target: to,
      minor: old ? 0 : 1,
      body: content,
      fields: list(fields),
      trailers: list(trailers),
      keepAlive,
    },
  };
}

/**
 * One to four requests on one connection. `strict`: without what the grammar allows and Node
 * refuses or overlooks: methods it does not know, white space beside the semicolon of a chunk
 * extension, and tabs around the value of a field that says where the message or connection ends.
 */
export function generate(rng: Rng, strict: boolean): Stream {
  const count = 1 + rng.below(rng.chance(1, 2) ? 2 : 4);
  const messages: Message[] = [];
  let text = '';
  for (let i = 1; i <= count; i++) {
    const each = request(rng, i === count, strict);
    text += each.text;
    messages.push(each.message);
  }
  return { text, messages };
}
