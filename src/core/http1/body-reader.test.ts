import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldLines, limits } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import { BodyReader, STOPPED } from './body-reader.ts';
import { REFUSED } from './head-parser.ts';

interface Outcome {
  /** What the sink got. */
  readonly out: string;
  /** Bytes of the text that belonged to the body. */
  readonly consumed: number;
  readonly done: boolean;
  readonly payloadBytes: number;
  readonly trailers: string[] | null;
  readonly refusal: Refusal | null;
  /** In the text. */
  readonly refusedAt: number;
}

/** Stands before and behind each part in its array, and must never be looked at. */
const BEFORE = '0\r\n\r\n;';
const BEHIND = '\r\n0\r\n\r\n';

/** Lets `reader`, which has begun, read `text` in parts that end at `ends`. */
function feed(reader: BodyReader, text: string, ends: readonly number[]): Outcome {
  let out = '';
  let consumed = 0;
  let refused = false;
  let from = 0;
  let refusedAt = -1;
  const sink = {
    onBody: (bytes: Uint8Array, start: number, end: number) => {
      // A call for nothing would be a write of nothing.
      expect(end).toBeGreaterThan(start);
      out += toLatin1(bytes, start, end);
      return true;
    },
  };
  for (const end of ends) {
    const bytes = latin1(BEFORE + text.slice(from, end) + BEHIND);
    const stop = BEFORE.length + end - from;
    const at = reader.read(bytes, BEFORE.length, stop, sink);
    bytes.fill(0);
    if (at === REFUSED) {
      refused = true;
      refusedAt = reader.refusedAt;
      break;
    }
    consumed += at - BEFORE.length;
    if (at < stop) break;
    from = end;
  }
  const { done, payloadBytes, trailers, refusal } = reader;
  return {
    out,
    consumed,
    done,
    payloadBytes,
    trailers: trailers === null ? null : fieldLines(trailers),
    refusal: refused ? refusal : null,
    refusedAt,
  };
}

const byteByByte = (text: string): number[] => Array.from(text, (_, index) => index + 1);

function chunkedReader(wire: boolean, of = limits): BodyReader {
  const reader = new BodyReader(of);
  reader.begin(Body.chunked, 0, wire);
  return reader;
}

/** A chunked body: the outcome, which must be the same whole and byte by byte. */
function chunked(text: string, wire = false, of = limits): Outcome {
  const whole = feed(chunkedReader(wire, of), text, [text.length]);
  const bytes = feed(chunkedReader(wire, of), text, byteByByte(text));
  if (whole.refusal === null) expect(bytes).toEqual(whole);
  else {
    // Before a refusal more may have gone out, and counted as read, the smaller the parts are.
    const { refusal, refusedAt, payloadBytes, done } = whole;
    expect(bytes).toMatchObject({ refusal, refusedAt, payloadBytes, done });
    expect(bytes.out.startsWith(whole.out)).toBe(true);
  }
  return whole;
}

/** What may not be read as a part of the body. */
const NEXT = '5\r\nGET / HTTP/1.1\r\n\r\n';

describe('a body with a length', () => {
  it('ends after so many bytes, and what follows is left alone', () => {
    for (const ends of [[8], [3, 8], [5, 8], [1, 2, 3, 4, 5, 6, 7, 8]]) {
      const reader = new BodyReader(limits);
      reader.begin(Body.length, 5, false);
      expect(reader.done).toBe(false);
      expect(feed(reader, 'helloGET', ends)).toMatchObject({
        out: 'hello',
        consumed: 5,
        done: true,
        payloadBytes: 5,
        trailers: null,
      });
      expect(reader.endsWithConnection).toBe(false);
    }
  });

  it('is not done before the last byte', () => {
    const reader = new BodyReader(limits);
    reader.begin(Body.length, 5, false);
    expect(feed(reader, 'hell', [4])).toMatchObject({ done: false, payloadBytes: 4 });
  });

  it('may be longer than 32 bits can say', () => {
    const reader = new BodyReader(limits);
    reader.begin(Body.length, 999_999_999_999_999, false);
    expect(feed(reader, 'x'.repeat(1000), [400, 1000])).toMatchObject({
      consumed: 1000,
      done: false,
    });
  });
});

describe('no body', () => {
  it('is done before it begins', () => {
    const reader = new BodyReader(limits);
    reader.begin(Body.none, 0, false);
    expect(reader.done).toBe(true);
    expect(feed(reader, NEXT, [NEXT.length])).toMatchObject({ out: '', consumed: 0 });
    expect(reader.endsWithConnection).toBe(false);
  });
});

describe('a body until the connection ends', () => {
  it('takes everything and is never done', () => {
    const reader = new BodyReader(limits);
    reader.begin(Body.untilClose, 0, false);
    expect(feed(reader, NEXT, [2, 9, NEXT.length])).toMatchObject({
      out: NEXT,
      consumed: NEXT.length,
      done: false,
      payloadBytes: NEXT.length,
    });
    expect(reader.endsWithConnection).toBe(true);
  });
});

describe('a chunked body', () => {
  it.each([
    ['0\r\n\r\n', '', '0\r\n\r\n'],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello', '5\r\nhello\r\n0\r\n\r\n'],
    ['1\r\na\r\n2\r\nbc\r\n000\r\n\r\n', 'abc', '1\r\na\r\n2\r\nbc\r\n000\r\n\r\n'],
    ['005\r\nhello\r\n0\r\n\r\n', 'hello', '005\r\nhello\r\n0\r\n\r\n'],
    ['a\r\n0123456789\r\n0\r\n\r\n', '0123456789', 'a\r\n0123456789\r\n0\r\n\r\n'],
    [
      'C\r\n0\r\n\r\nGET / H\r\n0\r\n\r\n',
      '0\r\n\r\nGET / H',
      'C\r\n0\r\n\r\nGET / H\r\n0\r\n\r\n',
    ],
    ['1;a\r\nx\r\n0;b=c\r\n\r\n', 'x', '1\r\nx\r\n0\r\n\r\n'],
    ['1 \t;\ta = "b"\r\nx\r\n0\t;c\r\n\r\n', 'x', '1\r\nx\r\n0\r\n\r\n'],
    ['1;a="\\"\\\\;\t\xe9";b\r\nx\r\n0\r\n\r\n', 'x', '1\r\nx\r\n0\r\n\r\n'],
    ['1;"5\\\x805"\r\nx\r\n0\r\n\r\n', 'x', '1\r\nx\r\n0\r\n\r\n'],
  ])('%j has this payload and this wire form', (text, payload, wire) => {
    const common = {
      consumed: text.length,
      done: true,
      payloadBytes: payload.length,
      trailers: null,
      refusal: null,
    };
    expect(chunked(text + NEXT)).toMatchObject({ ...common, out: payload });
    expect(chunked(text + NEXT, true)).toMatchObject({ ...common, out: wire });
  });

  it.each([
    ['0\r\nX: 1\r\n\r\n', ['X: 1']],
    ['0;x\r\nA:1 \r\nContent-Length: 5\r\n\r\n', ['A: 1', 'Content-Length: 5']],
  ])('%j has trailers, which do not go out with it', (text, trailers) => {
    const common = { consumed: text.length, done: true, payloadBytes: 0, trailers };
    expect(chunked(text + NEXT)).toMatchObject({ ...common, out: '' });
    // In wire form the last chunk goes out; the section and its empty line are for the writer.
    expect(chunked(text + NEXT, true)).toMatchObject({ ...common, out: '0\r\n' });
  });

  it('is not done before its very last byte', () => {
    for (const text of ['2\r\nab\r\n0\r\n\r\n', '1;a\r\nx\r\n0 ;b\r\nX: 1\r\n\r\n']) {
      for (let length = 0; length < text.length; length++) {
        const { consumed, done, refusal } = chunked(text.slice(0, length));
        expect({ consumed, done, refusal }).toEqual({
          consumed: length,
          done: false,
          refusal: null,
        });
      }
      expect(chunked(text).done).toBe(true);
    }
  });

  it('may have chunks as large as a number can say, and goes on in the middle of one', () => {
    const size = Number.MAX_SAFE_INTEGER.toString(16);
    const reader = chunkedReader(false);
    expect(feed(reader, `${size}\r\nabc`, [18, 19])).toMatchObject({ out: 'abc', consumed: 19 });
    expect(feed(reader, 'd'.repeat(100_000), [100_000]).payloadBytes).toBe(100_003);
  });
});

type Case = [text: string, refusal: Refusal, at: number];

const cases: readonly Case[] = [
  ['\r\n', refusals.chunkSize, 0],
  ['\n', refusals.chunkSize, 0],
  [';a\r\n', refusals.chunkSize, 0],
  [' 5\r\n', refusals.chunkSize, 0],
  ['-5\r\n', refusals.chunkSize, 0],
  ['+5\r\n', refusals.chunkSize, 0],
  ['g\r\n', refusals.chunkSize, 0],
  ['\xb5\r\n', refusals.chunkSize, 0],
  ['0x5\r\n', refusals.chunkSize, 1],
  ['5_0\r\n', refusals.chunkSize, 1],
  ['5G\r\n', refusals.chunkSize, 1],
  ['5\0\r\n', refusals.chunkSize, 1],
  ['5 \r\n', refusals.chunkSize, 2],
  ['5\t\n', refusals.chunkSize, 2],
  ['5 5\r\n', refusals.chunkSize, 2],
  ['5\n', refusals.chunkLineEnd, 1],
  ['5\r5', refusals.chunkLineEnd, 2],
  ['5\r\r\n', refusals.chunkLineEnd, 2],
  ['5;a\r5', refusals.chunkLineEnd, 4],
  ['5;a\n', refusals.chunkExtension, 3],
  ['5;a\0', refusals.chunkExtension, 3],
  ['5;a\x7f', refusals.chunkExtension, 3],
  ['5;a="\r\n', refusals.chunkExtension, 5],
  ['5;a="\n', refusals.chunkExtension, 5],
  ['5;a="\\\r\n', refusals.chunkExtension, 6],
  ['5;a="b"\n', refusals.chunkExtension, 7],
  ['20000000000000\r\n', refusals.chunkHuge, 13],
  ['FFFFFFFFFFFFFFFF\r\n', refusals.chunkHuge, 13],
  ['80000000000000005\r\n', refusals.chunkHuge, 13],
  ['00000000000000005\r\n', refusals.chunkHuge, 16],
  ['1\r\nab\r\n', refusals.chunkDataEnd, 4],
  ['1\r\na\n', refusals.chunkDataEnd, 4],
  ['1\r\na0\r\n', refusals.chunkDataEnd, 4],
  ['1\r\na\rb', refusals.chunkDataEnd, 5],
  ['1\r\na\r\n\r\n', refusals.chunkSize, 6],
  ['0\r\n\r0', refusals.lineEnd, 4],
  ['0\r\n\r\r\n', refusals.lineEnd, 4],
  ['0\r\n\n', refusals.bareLf, 3],
  ['0\r\n X: 1\r\n', refusals.fieldFold, 3],
  ['0\r\nX : 1\r\n', refusals.fieldNameSpace, 4],
  ['0\r\nX: 1\r\n y\r\n', refusals.fieldFold, 9],
  ['0\r\nX: 1\r\n\rY', refusals.lineEnd, 10],
  ['1\r\nx\r\n0\r\nX: \0', refusals.fieldValue, 12],
  ['0\r\nGET / HTTP/1.1\r\n', refusals.fieldNameSpace, 6],
];

describe('a chunked body that is refused', () => {
  it.each(cases)('%j', (text, refusal, at) => {
    for (const wire of [false, true]) {
      const outcome = chunked(text, wire);
      expect(outcome.refusal?.what).toBe(refusal.what);
      expect(outcome).toMatchObject({ refusedAt: at, done: false });
      // Nothing is wrong before that byte.
      expect(chunked(text.slice(0, at), wire).refusal).toBe(null);
    }
  });

  it('has a case above or below for every refusal of chunks', () => {
    const source = readFileSync(new URL('./body-reader.ts', import.meta.url), 'utf8');
    const given = [...source.matchAll(/refusals\.(\w+)/g)].map((match) => match[1]);
    const shown = new Set<Refusal>([...cases.map((each) => each[1]), refusals.chunkExtensionLong]);
    const names = Object.entries(refusals).filter(([, refusal]) => shown.has(refusal));
    expect(names.map(([name]) => name)).toEqual(expect.arrayContaining([...new Set(given)]));
    expect(given.length).toBeGreaterThan(10);
  });
});

describe('the limit', () => {
  it('of digits of a size is sixteen, leading zeros among them', () => {
    expect(chunked(`${'0'.repeat(15)}1\r\nx\r\n0\r\n\r\n`).done).toBe(true);
    expect(chunked(`${'0'.repeat(16)}\r\n\r\n`).done).toBe(true);
  });

  it('of chunk extensions holds to the byte, from the semicolon to before the line end', () => {
    const long = (bytes: number): string => `1;${'a'.repeat(bytes - 1)}\r\nx\r\n0\r\n\r\n`;
    for (const wire of [false, true]) {
      expect(chunked(long(4096), wire)).toMatchObject({ done: true, payloadBytes: 1 });
      expect(chunked(long(4097), wire)).toMatchObject({
        refusal: refusals.chunkExtensionLong,
        refusedAt: 4097,
      });
    }
  });

  it.each([';', ' ;', ';a="b"'])('of chunk extensions counts %j over all chunks', (extension) => {
    const count = Math.floor(4096 / extension.length);
    const chunks = `1${extension}\r\nx\r\n`.repeat(count);
    const rest = 4096 - count * extension.length;
    expect(chunked(`${chunks}0\r\n\r\n`).done).toBe(true);
    const text = `${chunks}1;${'a'.repeat(rest)}\r\n`;
    expect(chunked(text)).toMatchObject({
      refusal: refusals.chunkExtensionLong,
      refusedAt: chunks.length + 1 + rest,
    });
  });

  it('of the trailer section is that of a head, and holds to the byte', () => {
    const section = `X: 1\r\nY: ${'y'.repeat(50)}\r\n\r\n`;
    const text = `1\r\nx\r\n0\r\n${section}`;
    const withHead = (headBytes: number) => ({ ...limits, headBytes });
    expect(chunked(text, true, withHead(section.length))).toMatchObject({
      done: true,
      consumed: text.length,
    });
    expect(chunked(text, true, withHead(section.length - 1))).toMatchObject({
      refusal: refusals.headLong,
      refusedAt: text.length - 1,
    });
  });

  it('of trailer fields is that of a head, and is told where the last field begins', () => {
    const of = { ...limits, headerFields: 2 };
    const two = '0\r\nA: 1\r\nB: 2\r\n';
    expect(chunked(`${two}\r\n`, false, of).trailers).toEqual(['A: 1', 'B: 2']);
    expect(chunked(`${two}C: 3\r\n\r\n`, false, of)).toMatchObject({
      refusal: refusals.tooManyFields,
      refusedAt: two.length,
    });
  });
});

describe('a sink that wants no more', () => {
  const stopAfter = (calls: number) => {
    const seen: string[] = [];
    const onBody = (bytes: Uint8Array, start: number, end: number): boolean => {
      seen.push(toLatin1(bytes, start, end));
      return seen.length < calls;
    };
    return { seen, onBody };
  };

  it('is asked for nothing after that', () => {
    const text = '1;a\r\na\r\n1\r\nb\r\n0;b\r\nX: 1\r\n\r\n';
    const bytes = latin1(text);
    const calls = (wire: boolean): string[] => {
      const sink = stopAfter(Number.POSITIVE_INFINITY);
      chunkedReader(wire).read(bytes, 0, bytes.length, sink);
      return sink.seen;
    };
    expect(calls(false)).toEqual(['a', 'b']);
    expect(calls(true)).toEqual(['1', '\r\na\r\n1\r\nb\r\n0', '\r\n']);
    for (const wire of [false, true]) {
      const all = calls(wire);
      for (let count = 1; count <= all.length; count++) {
        const sink = stopAfter(count);
        expect(chunkedReader(wire).read(bytes, 0, bytes.length, sink)).toBe(STOPPED);
        expect(sink.seen).toEqual(all.slice(0, count));
      }
    }
  });

  it.each([Body.length, Body.untilClose])('stops a body of kind %i too', (body) => {
    const reader = new BodyReader(limits);
    reader.begin(body, 10, false);
    expect(reader.read(latin1('hello'), 0, 5, stopAfter(1))).toBe(STOPPED);
  });
});

describe('a reader', () => {
  it('begins anew after any body, whole or not', () => {
    const reader = new BodyReader(limits);
    const texts = [
      `1;${'a'.repeat(4000)}\r\nx\r\n0\r\nX: 1\r\n\r\n`,
      `ff;${'a'.repeat(4000)}="`,
      '5\r\nhel',
      '0\r\nX: ',
      '0\r\n\r',
      '5x',
    ];
    for (const text of texts) {
      for (const wire of [true, false]) {
        reader.begin(Body.chunked, 0, wire);
        feed(reader, text, [text.length]);
        reader.begin(Body.chunked, 0, false);
        const next = `2;${'b'.repeat(200)}\r\nhi\r\n0\r\n\r\n`;
        expect(feed(reader, next, [next.length])).toEqual(chunked(next));
      }
    }
    reader.begin(Body.length, 2, false);
    expect(feed(reader, 'hi', [2])).toMatchObject({ out: 'hi', done: true, trailers: null });
  });

  it('leaves the trailers of a message what they were while it reads the next', () => {
    const reader = new BodyReader(limits);
    const read = (text: string) => {
      reader.begin(Body.chunked, 0, false);
      expect(feed(reader, text, byteByByte(text)).done).toBe(true);
      return reader.trailers!;
    };
    const first = read('0\r\nX-First: 1\r\n\r\n');
    const second = read('0\r\nY: 2\r\nSecond: 22\r\n\r\n');
    expect(fieldLines(first)).toEqual(['X-First: 1']);
    expect(fieldLines(second)).toEqual(['Y: 2', 'Second: 22']);
  });
});

describe('however the bytes are cut', () => {
  const data = fc.string({ unit: fc.constantFrom(...'ab\r\n0;'), minLength: 1, maxLength: 20 });
  const extension = fc.constantFrom('', '', ';a', ' ;a=b', '\t; "\\""', ';a="\r"');
  const size = fc.constantFrom('', '0', '000');
  const chunk = fc.tuple(size, data, extension).map(([zeros, text, after]) => ({
    text,
    plain: `${zeros}${text.length.toString(16)}\r\n${text}\r\n`,
    written: `${zeros}${text.length.toString(16)}${after}\r\n${text}\r\n`,
  }));
  const trailers = fc.array(fc.constantFrom('X: 1', 'Y:2', 'Z:'), { maxLength: 3 });
  const body = fc.record({
    chunks: fc.array(chunk, { maxLength: 5 }),
    last: extension,
    trailers,
    spoilt: fc.option(fc.record({ at: fc.nat(150), byte: fc.constantFrom(...'\0\n\rg;5" ') }), {
      freq: 3,
    }),
  });
  const cut = fc.array(fc.nat(150), { maxLength: 8 });
  const tight = { headBytes: 14, requestLineBytes: 10, headerFields: 2 };

  it('the outcome is the same, and right if nothing is wrong', () => {
    let [whole, refused] = [0, 0];
    fc.assert(
      fc.property(body, cut, fc.boolean(), fc.boolean(), (of, cuts, wire, narrow) => {
        const good = of.chunks.map(({ written }) => written).join('');
        let text = `${good}0${of.last}\r\n${of.trailers.map((each) => `${each}\r\n`).join('')}\r\n`;
        const { length } = text;
        if (of.spoilt !== null) {
          const at = of.spoilt.at % length;
          text = text.slice(0, at) + of.spoilt.byte + text.slice(at + 1);
        }
        text += NEXT;
        const used = narrow ? tight : limits;
        const outcome = chunked(text, wire, used);
        const ends = [...cuts.filter((each) => each < text.length), text.length];
        ends.sort((a, b) => a - b);
        const { out, consumed, ...rest } = feed(chunkedReader(wire, used), text, ends);
        if (outcome.refusal !== null) {
          refused++;
          const { out: _, consumed: __, ...expected } = outcome;
          // How far the trailers had been read is nobody's business.
          expect({ ...rest, trailers: null }).toEqual({ ...expected, trailers: null });
          return;
        }
        expect({ out, consumed, ...rest }).toEqual(outcome);
        if (of.spoilt !== null) return;
        whole++;
        const form = wire ? ('plain' as const) : ('text' as const);
        const end = !wire ? '' : of.trailers.length > 0 ? '0\r\n' : '0\r\n\r\n';
        expect(outcome.out).toBe(of.chunks.map((each) => each[form]).join('') + end);
        expect(outcome.consumed).toBe(length);
      }),
      { numRuns: 3_000, seed: 1 },
    );
    // Both halves of the property were tried.
    expect(whole).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });
});
