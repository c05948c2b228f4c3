import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldLines, limits, parseHead } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { Field } from '../http/fields.ts';
import { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { type HeadKind, HeadParser, NEED_MORE, REFUSED } from './head-parser.ts';

interface Outcome {
  readonly stop: number;
  readonly refusal: Refusal | null;
  readonly refusedAt: number;
  /** Null unless the whole head has come. */
  readonly head: Record<string, unknown> | null;
}

/** Everything that a head holds, as text. */
function held(head: Head): Record<string, unknown> {
  const { method, target, status, minorVersion, reasonStart, reasonEnd } = head;
  const reason = toLatin1(head.bytes, reasonStart, reasonEnd);
  const ids = Array.from({ length: head.fieldCount }, (_, field) => head.id(field));
  return { method, target, status, minorVersion, reason, ids, fields: fieldLines(head) };
}

/**
 * Feeds `text` as it grows to each of the lengths in `ends`: every time in another array, with the
 * old one wiped, so that nothing can be left in it, and with bytes behind the end that would be
 * wrong everywhere. `fed`: the length at which the outcome was known.
 */
function feed(kind: HeadKind, text: string, ends: readonly number[], of = limits, start = 0) {
  const head = new Head(of.headerFields);
  const parser = new HeadParser(of);
  parser.begin(kind, head, start);
  let stop = NEED_MORE;
  let fed = 0;
  let old: Uint8Array = new Uint8Array(0);
  for (const end of ends) {
    const bytes = latin1(`${'\0'.repeat(start)}${text.slice(0, end)}\0\n\r`);
    old.fill(0);
    old = bytes;
    fed = end;
    stop = parser.parse(bytes, start + end);
    if (stop !== NEED_MORE) break;
  }
  const refused = stop === REFUSED;
  const outcome: Outcome = {
    stop: stop > 0 ? stop - start : stop,
    refusal: refused ? parser.refusal : null,
    refusedAt: refused ? parser.refusedAt : -1,
    head: stop > 0 ? held(head) : null,
  };
  return { outcome, fed };
}

const byteByByte = (text: string): number[] => Array.from(text, (_, index) => index + 1);

/** The outcome, which must be the same whole and byte by byte; and when it was known. */
function parsed(kind: HeadKind, text: string, of = limits): Outcome & { readonly fed: number } {
  const whole = feed(kind, text, [text.length], of);
  const bytes = feed(kind, text, byteByByte(text), of);
  expect(bytes.outcome).toEqual(whole.outcome);
  return { ...whole.outcome, fed: bytes.fed };
}

type Case = [text: string, refusal: Refusal, at: number, known?: number];

const line = 'GET / HTTP/1.1\r\n';

const requestLines: readonly Case[] = [
  ['\r\n\r\n\r\nGET', refusals.blankLines, 4],
  ['\rGET', refusals.lineEnd, 1],
  ['\r\n\rG', refusals.lineEnd, 3],
  [' GET', refusals.method, 0],
  ['\nGET', refusals.method, 0],
  ['GE\tT /', refusals.method, 2],
  ['GE@T /', refusals.method, 2],
  ['GET\r\n', refusals.method, 3],
  ['GET\x80 /', refusals.method, 3],
  [`${'A'.repeat(65)} /`, refusals.methodLong, 0, 65],
  ['GET  / HTTP/1.1', refusals.targetEmpty, 4],
  ['GET /a\tb', refusals.target, 6],
  ['GET /\r\n', refusals.target, 5],
  ['GET /\n', refusals.target, 5],
  ['GET /\0', refusals.target, 5],
  ['GET /\x7f', refusals.target, 5],
  ['GET /\x80', refusals.target, 5],
  ['GET \r\n', refusals.target, 4],
  ['GET /a#b HTTP/1.1', refusals.targetFragment, 6],
  ['GET /a b HTTP/1.1', refusals.version, 7],
  ['GET /  HTTP/1.1', refusals.version, 6],
  ['GET / \r\n', refusals.version, 6],
  ['GET / http/1.1', refusals.version, 6],
  ['GET / HTTP/x.1', refusals.version, 11],
  ['GET / HTTP/+1.1', refusals.version, 11],
  ['GET / HTTP/1,1', refusals.version, 12],
  ['GET / HTTP/1.\r', refusals.version, 13],
  ['GET / HTTP/1.10\r\n', refusals.version, 14],
  ['GET / HTTP/1.1 \r\n', refusals.version, 14],
  ['GET / HTTP/1.1\n', refusals.version, 14],
  ['GET / HTTP/1.2\r\n', refusals.versionUnknown, 6, 14],
  ['GET / HTTP/0.9\r\n', refusals.versionUnknown, 6, 14],
  ['PRI * HTTP/2.0\r\n', refusals.versionUnknown, 6, 14],
  ['GET / HTTP/1.1\r\r\n', refusals.lineEnd, 15],
  ['GET / HTTP/1.1\rHost: a', refusals.lineEnd, 15],
];

/** Offsets count from the first field's first byte. */
const fieldSections: readonly Case[] = [
  [' X: 1\r\n', refusals.fieldFold, 0],
  ['\tX: 1\r\n', refusals.fieldFold, 0],
  ['X: 1\r\n 2\r\n', refusals.fieldFold, 6],
  [': 1\r\n', refusals.fieldName, 0],
  ['X@Y: 1\r\n', refusals.fieldName, 1],
  ['X\x80: 1\r\n', refusals.fieldName, 1],
  ['X\0: 1\r\n', refusals.fieldName, 1],
  ['X : 1\r\n', refusals.fieldNameSpace, 1],
  ['X\t: 1\r\n', refusals.fieldNameSpace, 1],
  ['Xyz\r\n', refusals.fieldNoColon, 3],
  ['\n', refusals.bareLf, 0],
  ['X\n', refusals.bareLf, 1],
  ['X:\n', refusals.bareLf, 2],
  ['X: 1\n', refusals.bareLf, 4],
  ['X: 1\0', refusals.fieldValue, 4],
  ['X: \x01', refusals.fieldValue, 3],
  ['X: 1\x1f', refusals.fieldValue, 4],
  ['X: 1\x7f', refusals.fieldValue, 4],
  ['X: 1\rY: 2\r\n', refusals.bareCr, 5],
  ['X: 1\r\r\n', refusals.bareCr, 5],
  ['X: 1\r\n\rY: 2\r\n', refusals.lineEnd, 7],
  ['\r\r\n', refusals.lineEnd, 1],
];

const statusLines: readonly Case[] = [
  ['\r\n\r\nHTTP/1.1 200', refusals.blankLines, 2],
  ['XTTP/1.1 200', refusals.statusLine, 0],
  ['\nHTTP/1.1 200', refusals.statusLine, 0],
  ['HTTP/2.0 200', refusals.statusLine, 0, 8],
  ['HTTP/1.1_200', refusals.statusLine, 8],
  ['HTTP/1.1\r\n', refusals.statusLine, 8],
  ['HTTP/1.1  200', refusals.statusLine, 9],
  ['HTTP/1.1 2x0', refusals.statusLine, 10],
  ['HTTP/1.1 20 OK', refusals.statusLine, 11],
  ['HTTP/1.1 2000 OK', refusals.statusLine, 12],
  ['HTTP/1.1 200\n', refusals.statusLine, 12],
  ['HTTP/1.1 200 O\0K', refusals.statusLine, 14],
  ['HTTP/1.1 200 OK\n', refusals.statusLine, 15],
  ['HTTP/1.1 099 \r\n', refusals.statusRange, 9, 13],
  ['HTTP/1.1 600\r\n', refusals.statusRange, 9, 13],
  ['HTTP/1.1 200\rX', refusals.lineEnd, 13],
  ['HTTP/1.1 200 OK\r\r\n', refusals.lineEnd, 16],
];

function expectRefused(kind: HeadKind, before: string, [text, refusal, at, known]: Case): void {
  const outcome = parsed(kind, before + text);
  expect(outcome.refusal?.what).toBe(refusal.what);
  expect(outcome.refusedAt).toBe(before.length + at);
  // As soon as the byte is there that shows it.
  expect(outcome.fed).toBe(before.length + (known ?? at + 1));
}

describe('a refusal', () => {
  it.each(requestLines)('of the request line %j', (...each) => {
    expectRefused('request', '', each);
  });

  it.each(statusLines)('of the status line %j', (...each) => {
    expectRefused('response', '', each);
  });

  it.each(fieldSections)('of the fields %j, in every kind of head', (...each) => {
    expectRefused('request', line, each);
    expectRefused('response', 'HTTP/1.1 200 OK\r\n', each);
    expectRefused('trailers', '', each);
  });

  it('has a case above or among the limits, whichever it is', () => {
    const source = readFileSync(new URL('./head-parser.ts', import.meta.url), 'utf8');
    const given = new Set([...source.matchAll(/refusals\.(\w+)/g)].map((match) => match[1]));
    const cases = [...requestLines, ...fieldSections, ...statusLines].map((each) => each[1]);
    const shown = new Set([
      ...[...cases, refusals.targetLong, refusals.headLong, refusals.tooManyFields].map(
        (refusal) => Object.entries(refusals).find((entry) => entry[1] === refusal)![0],
      ),
    ]);
    expect([...given].sort()).toEqual([...shown].sort());
  });

  it('counts its offset from the first byte of the head, wherever that stands', () => {
    for (const start of [1, 7, 1000]) {
      const text = `${line}X : 1`;
      expect(feed('request', text, [text.length], limits, start).outcome).toMatchObject({
        refusal: refusals.fieldNameSpace,
        refusedAt: line.length + 1,
      });
    }
  });
});

describe('a head that is understood', () => {
  it('ends where it ends, and what follows is left alone', () => {
    const text = 'POST /a?b=%20 HTTP/1.0\r\nHost: a\r\nX-Y: \xe9\r\n\r\n';
    const { stop, head } = parsed('request', `${text}\0\0\0`);
    expect(stop).toBe(text.length);
    expect(head).toEqual({
      method: 'POST',
      target: '/a?b=%20',
      minorVersion: 0,
      status: 0,
      reason: '',
      ids: [Field.host, Field.other],
      fields: ['Host: a', 'X-Y: \xe9'],
    });
  });

  it.each([
    ['HTTP/1.1 200 OK', 200, 1, 'OK'],
    ['HTTP/1.0 404 Not  There ', 404, 0, 'Not  There '],
    ['HTTP/1.1 599 ', 599, 1, ''],
    ['HTTP/1.1 100', 100, 1, ''],
    ['HTTP/1.1 200 \xe9\t!', 200, 1, '\xe9\t!'],
  ])('has the status and reason of %j', (statusLine, status, minorVersion, reason) => {
    const { head } = parsed('response', `${statusLine}\r\n\r\n`);
    expect(head).toMatchObject({ status, minorVersion, reason, fields: [] });
  });

  it.each([
    ['X:1', 'X: 1'],
    ['X:', 'X: '],
    ['X: \t ', 'X: '],
    ['X:\t 1\t 2 \t', 'X: 1\t 2'],
    ['X::1', 'X: :1'],
    ["!#$%&'*+-.^_`|~09azAZ: 1", "!#$%&'*+-.^_`|~09azAZ: 1"],
    ['X: \x80\xff', 'X: \x80\xff'],
  ])('has of the field line %j the name and the value', (field, shown) => {
    expect(parsed('request', `${line}${field}\r\n\r\n`).head).toMatchObject({ fields: [shown] });
  });

  it('knows the fields it must know, in any case', () => {
    const fields = ['HOST: a', 'content-Length: 1', 'Content_Length: 1', 'Transfer-encoding: x'];
    expect(parsed('trailers', `${fields.join('\r\n')}\r\n\r\n`).head).toMatchObject({
      ids: [Field.host, Field.contentLength, Field.other, Field.transferEncoding],
    });
  });

  it('takes every visible ASCII character but # in a target', () => {
    const all = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('');
    const target = all.replace('#', '');
    expect(parsed('request', `A ${target} HTTP/1.1\r\n\r\n`).head).toMatchObject({ target });
  });

  it('may follow empty lines, as many as the kind allows', () => {
    for (const blank of ['', '\r\n', '\r\n\r\n']) {
      const text = `${blank}${line}\r\n`;
      expect(parsed('request', text)).toMatchObject({ stop: text.length });
    }
    const text = '\r\nHTTP/1.1 200 OK\r\n\r\n';
    expect(parsed('response', text)).toMatchObject({ stop: text.length });
    // An empty line is all there is of an empty trailer section.
    expect(parsed('trailers', '\r\n\r\n')).toMatchObject({ stop: 2 });
  });

  it('is read from the array that came last, with the offsets of the first', () => {
    const first = latin1('padding:GET /a HTTP/1.1\r\nHo');
    const head = new Head(10);
    const parser = new HeadParser(limits);
    parser.begin('request', head, 8);
    expect(parser.parse(first, first.length)).toBe(NEED_MORE);
    const second = latin1('        GET /a HTTP/1.1\r\nHost: b\r\n\r\nGET');
    first.fill(0);
    expect(parser.parse(second, second.length)).toBe(second.length - 3);
    expect(head.bytes).toBe(second);
    expect(held(head)).toMatchObject({ method: 'GET', target: '/a', fields: ['Host: b'] });
  });
});

describe('a parser', () => {
  it('says whether a head has begun; empty lines before it do not count', () => {
    const parser = new HeadParser(limits);
    const bytes = latin1('\r\n\r\nG');
    parser.begin('request', new Head(1), 0);
    const begun: boolean[] = [parser.begun];
    for (let end = 1; end <= bytes.length; end++) {
      parser.parse(bytes, end);
      begun.push(parser.begun);
    }
    expect(begun).toEqual([false, false, false, false, false, true]);
  });

  it('begins anew after any head: whole, refused or left in the middle', () => {
    const parser = new HeadParser(limits);
    const head = new Head(limits.headerFields);
    const before: readonly [HeadKind, string][] = [
      ['response', 'HTTP/1.0 404 Not\r\nContent-Length: 1\r\n\r\n'],
      ['response', '\r\nHTTP/1.1 2'],
      ['request', '\r\n\r\nGET /long/target HTTP/1.0\r\nX'],
      ['request', `${line}Content-Le : 1`],
      ['trailers', 'X: 1\r\n\r\n'],
    ];
    for (const [kind, text] of before) {
      for (const after of [`\r\n\r\n${line}Host: a\r\n\r\n`, 'HTTP/1.1 204\r\nDate: 1\r\n\r\n']) {
        parser.begin(kind, head, 0);
        parser.parse(latin1(text), text.length);
        const next = after.startsWith('HTTP') ? 'response' : 'request';
        parser.begin(next, head, 0);
        expect(parser.parse(latin1(after), after.length)).toBe(after.length);
        expect(held(head)).toEqual(held(parseHead(next, after).head));
      }
    }
  });

  it('reads pipelined heads one after the other out of one array', () => {
    const texts = ['GET /1 HTTP/1.1\r\nA: 1\r\n\r\n', '\r\nPUT /2 HTTP/1.0\r\n\r\n', `${line}\r\n`];
    const bytes = latin1(texts.join(''));
    const parser = new HeadParser(limits);
    const head = new Head(10);
    const seen: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      parser.begin('request', head, at);
      at = parser.parse(bytes, bytes.length);
      seen.push(`${head.method} ${head.target} ${fieldLines(head)}`);
    }
    expect(seen).toEqual(['GET /1 A: 1', 'PUT /2 ', 'GET / ']);
  });
});

describe('the limit', () => {
  const withHead = (headBytes: number) => ({ ...limits, headBytes });
  const withLine = (requestLineBytes: number) => ({ ...limits, requestLineBytes });

  it.each([
    ['request', `\r\n${line}Host: a\r\nX: ${'x'.repeat(50)}\r\n\r\n`],
    ['response', 'HTTP/1.1 200 OK\r\nX: 1\r\n\r\n'],
    ['trailers', 'X: 1\r\nY: 2\r\n\r\n'],
  ] as const)('of the head of a %s holds to the byte', (kind, text) => {
    const { length } = text;
    expect(parsed(kind, text, withHead(length)).stop).toBe(length);
    expect(parsed(kind, `${text}\r\n\0`, withHead(length)).stop).toBe(length);
    const { refusal, refusedAt, fed } = parsed(kind, text, withHead(length - 1));
    expect(refusal).toBe(refusals.headLong);
    // Known before the byte that is too many.
    expect([refusedAt, fed]).toEqual([length - 1, length - 1]);
  });

  it('of the head comes before what is wrong behind it', () => {
    const text = `${line}X: 1\r\n`;
    expect(parsed('request', `${text}\0`, withHead(text.length)).refusal).toBe(refusals.headLong);
    expect(parsed('request', `${text}\0`, withHead(text.length + 1)).refusal).toBe(
      refusals.fieldName,
    );
  });

  it('of the request line holds to the byte: method, target and version', () => {
    const requestLine = 'OPTIONS /a/b HTTP/1.1';
    const { length } = requestLine;
    for (const before of ['', '\r\n\r\n']) {
      const text = `${before}${requestLine}\r\nHost: a\r\n\r\n`;
      expect(parsed('request', text, withLine(length)).stop).toBe(text.length);
      const { refusal, refusedAt, fed } = parsed('request', text, withLine(length - 1));
      expect(refusal).toBe(refusals.targetLong);
      // The first byte of the target behind which the version has no place.
      const at = before.length + 'OPTIONS /a/b'.length - 1;
      expect([refusedAt, fed]).toEqual([at, at + 1]);
    }
  });

  it('of the request line is told at the same byte, however long the target goes on', () => {
    const at = { refusal: refusals.targetLong, refusedAt: 31 };
    expect(parsed('request', `GET /${'a'.repeat(500)}`, withLine(40))).toMatchObject(at);
    expect(parsed('request', `GET /${'a'.repeat(100)}#`, withLine(40))).toMatchObject(at);
    expect(parsed('request', `GET /${'a'.repeat(26)}#`, withLine(40))).toMatchObject({
      refusal: refusals.targetFragment,
      refusedAt: 31,
    });
  });

  it('of the head, when it cuts a target, is one of the request line for the client', () => {
    const { refusal, refusedAt } = parsed('request', `GET /${'a'.repeat(100)}`, withHead(64));
    expect([refusal, refusedAt]).toEqual([refusals.targetLong, 64]);
  });

  it('of fields holds, and is told where the field that is too many begins', () => {
    const of = { ...limits, headerFields: 2 };
    const two = `${line}A: 1\r\nB: 2\r\n`;
    expect(parsed('request', `${two}\r\n`, of).stop).toBe(two.length + 2);
    const { refusal, refusedAt, fed } = parsed('request', `${two}C: 3\r\n\r\n`, of);
    expect(refusal).toBe(refusals.tooManyFields);
    expect([refusedAt, fed]).toEqual([two.length, two.length + 'C: 3\r\n'.length]);
  });

  it('of the method is 64 bytes', () => {
    const method = 'A'.repeat(64);
    expect(parsed('request', `${method} / HTTP/1.1\r\n\r\n`).head).toMatchObject({ method });
  });
});

describe('however the bytes are cut', () => {
  const tight = { headBytes: 64, requestLineBytes: 24, headerFields: 3 };
  const token = fc.string({
    unit: fc.constantFrom(...'aZ09!#~-'),
    minLength: 1,
    maxLength: 12,
  });
  const value = fc.string({ unit: fc.constantFrom(...'a ,:\t\xe9"'), maxLength: 12 });
  const field = fc
    .tuple(token, fc.constantFrom('', ' ', ' \t'), value)
    .map(([name, space, text]) => `${name}:${space}${text}\r\n`);
  const start = fc.oneof(
    fc.tuple(token, token).map(([method, path]) => `${method} /${path} HTTP/1.1\r\n`),
    fc.constantFrom(line, `\r\n${line}`, 'HTTP/1.1 200 OK\r\n', '\r\nHTTP/1.0 404\r\n', ''),
  );
  const wrong = fc.record({
    at: fc.nat(100),
    byte: fc.constantFrom(...'\0\n\r\t :#/A1\x7f\x80'),
    removed: fc.nat(2),
  });
  const text = fc
    .tuple(start, fc.array(field, { maxLength: 5 }), fc.option(wrong, { freq: 2 }))
    .map(([first, fields, spoilt]) => {
      const whole = `${first}${fields.join('')}\r\nrest`;
      if (spoilt === null) return whole;
      const at = spoilt.at % whole.length;
      return whole.slice(0, at) + spoilt.byte + whole.slice(at + spoilt.removed);
    });

  it('the outcome is the same', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom<HeadKind>('request', 'response', 'trailers'),
        text,
        fc.array(fc.nat(200), { maxLength: 8 }),
        fc.constantFrom(limits, tight),
        fc.nat(5),
        (kind, whole, cuts, of, from) => {
          const { outcome } = feed(kind, whole, [whole.length], of);
          const ends = [...cuts.filter((cut) => cut < whole.length), whole.length];
          ends.sort((a, b) => a - b);
          expect(feed(kind, whole, ends, of, from).outcome).toEqual(outcome);
          expect(feed(kind, whole, byteByByte(whole), of, from).outcome).toEqual(outcome);
          seen.add(outcome.refusal?.rule ?? (outcome.stop > 0 ? 'whole' : 'more'));
        },
      ),
      { numRuns: 4_000, seed: 1 },
    );
    // The texts are worth something: they reach the end, most refusals, and every limit.
    expect(seen.size).toBeGreaterThan(15);
    for (const rule of ['whole', 'RL15', 'FL16', 'FL17']) expect(seen).toContain(rule);
  });
});
