import { afterEach, describe, expect, it } from 'vitest';
import { createNodeByteOps } from '../../platform/node/bytes.ts';
import {
  type ByteOps,
  copy,
  copyWhole,
  equals,
  equalsIgnoringCase,
  installByteOps,
  latin1,
  lower,
  pureByteOps,
  toLatin1,
  utf8,
  view,
  writeDecimal,
  writeLatin1,
} from './bytes.ts';
import { createRng } from './rng.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
/** Around the lengths at which implementations change their method. */
const lengths = [0, 1, 7, 8, 15, 16, 23, 24, 25, 31, 32, 33, 63, 64, 65, 255, 256, 4096, 70_000];
const implementations: readonly (readonly [string, ByteOps])[] = [
  ['pure', pureByteOps],
  ['of Node', createNodeByteOps()],
];

function randomBytes(length: number, seed: number): Uint8Array {
  const rng = createRng(seed);
  return Uint8Array.from({ length }, () => rng.below(256));
}

afterEach(() => installByteOps(pureByteOps));

describe.each(implementations)('byte work, %s', (_, ops) => {
  it('copies exactly the range, and touches nothing beside it', () => {
    for (const length of lengths) {
      const source = randomBytes(length + 9, length);
      const target = new Uint8Array(length + 20).fill(0xee);
      ops.copy(source, 4, 4 + length, target, 7);
      expect(target.slice(7, 7 + length)).toEqual(source.slice(4, 4 + length));
      expect([...target.slice(0, 7), ...target.slice(7 + length)]).toEqual(
        new Array(20).fill(0xee),
      );
    }
  });

  it('copies out of and into views of larger memory', () => {
    const memory = randomBytes(300, 1);
    const source = memory.subarray(100, 200);
    const room = new Uint8Array(300);
    ops.copy(source, 10, 90, room.subarray(50, 200), 3);
    expect(room.slice(53, 133)).toEqual(memory.slice(110, 190));
    expect(room.slice(0, 53)).toEqual(new Uint8Array(53));
  });

  it('makes one character of every byte', () => {
    const text = ops.toLatin1(everyByte, 0, 256);
    expect(text.length).toBe(256);
    for (let byte = 0; byte < 256; byte++) expect(text.charCodeAt(byte)).toBe(byte);
  });

  it('reads only the range', () => {
    for (const length of lengths) {
      const bytes = randomBytes(length + 5, length + 1);
      const expected = [...bytes.slice(2, 2 + length)].map((byte) => String.fromCharCode(byte));
      expect(ops.toLatin1(bytes, 2, 2 + length)).toBe(expected.join(''));
    }
  });

  it('writes the low byte of each character, and says where it ended', () => {
    const text = `${toLatin1(everyByte)}\u0141\u2028`;
    const target = new Uint8Array(300);
    expect(ops.writeLatin1(text, target, 20)).toBe(278);
    expect(target.slice(20, 276)).toEqual(everyByte);
    expect([...target.slice(276, 280)]).toEqual([0x41, 0x28, 0, 0]);
  });

  it('writes and reads back texts of every length', () => {
    for (const length of lengths) {
      const text = pureByteOps.toLatin1(randomBytes(length, length + 2), 0, length);
      const target = new Uint8Array(length + 3);
      expect(ops.writeLatin1(text, target, 1)).toBe(length + 1);
      expect(ops.toLatin1(target, 1, length + 1)).toBe(text);
      expect([target[0], target[length + 1], target[length + 2]]).toEqual([0, 0, 0]);
    }
  });

  it('is used by the functions of this room once it is installed', () => {
    const used: string[] = [];
    installByteOps({
      copy: (...args) => {
        used.push('copy');
        ops.copy(...args);
      },
      toLatin1: (...args) => {
        used.push('toLatin1');
        return ops.toLatin1(...args);
      },
      writeLatin1: (...args) => {
        used.push('writeLatin1');
        return ops.writeLatin1(...args);
      },
    });
    const source = randomBytes(100, 5);
    const target = new Uint8Array(100);
    expect(copy(source, 0, 99, target, 0)).toBe(99);
    expect(target.subarray(0, 99)).toEqual(source.subarray(0, 99));
    expect(toLatin1(source, 1, 3)).toBe(String.fromCharCode(source[1], source[2]));
    expect(writeLatin1('abc', target, 4)).toBe(7);
    expect(used).toEqual(['copy', 'toLatin1', 'writeLatin1']);
  });

  it.each([0, 9, 10, 99, 100, 1024, 65_535, 2 ** 31, 2 ** 32 + 1, 999_999_999_999_999])(
    'writes %d in decimal',
    (value) => {
      const target = new Uint8Array(20);
      const end = writeDecimal(value, target, 2);
      expect(toLatin1(target, 2, end)).toBe(String(value));
      expect([...target.subarray(0, 2), ...target.subarray(end)].every((byte) => byte === 0)).toBe(
        true,
      );
    },
  );

  it('copies whole arrays without any help', () => {
    const source = randomBytes(100, 6);
    const target = new Uint8Array(202);
    expect(copy(source, 0, 100, target, 1)).toBe(101);
    expect(copyWhole(source, target, 101)).toBe(201);
    expect([...target]).toEqual([0, ...source, ...source, 0]);
  });

  it('copies short ranges as well', () => {
    installByteOps(ops);
    const target = new Uint8Array(12);
    for (let length = 0; length <= 40; length++) {
      const source = randomBytes(length, length);
      const room = new Uint8Array(length + 1);
      expect(copy(source, 0, length, room, 1)).toBe(length + 1);
      expect(room.slice(1)).toEqual(source);
    }
    expect(copy(everyByte, 250, 250, target, 12)).toBe(12);
  });
});

describe('text as bytes', () => {
  it('gives latin1 memory of its own', () => {
    expect([...latin1('a\u00ff\r\n')]).toEqual([97, 255, 13, 10]);
    expect(latin1('')).toEqual(new Uint8Array(0));
  });

  it.each([
    '',
    'plain',
    'caf\u00e9 \u00df',
    '\u20ac \u2028 \ufffd',
    '\u{1f600}\u{10ffff}',
    'lone \ud800 and \udc00 surrogates',
    '\u007f\u0080\u07ff\u0800\uffff\u{10000}',
  ])('gives the same UTF-8 as the runtime: %j', (text) => {
    expect([...utf8(text)]).toEqual([...new TextEncoder().encode(text)]);
  });
});

describe('comparisons', () => {
  it('lower only ASCII capitals', () => {
    for (let byte = 0; byte < 256; byte++) {
      const expected = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      expect(lower(byte)).toBe(expected);
    }
  });

  it('ignore case, and nothing else', () => {
    const bytes = latin1('xChunKedx');
    expect(equalsIgnoringCase(bytes, 1, 8, 'chunked')).toBe(true);
    expect(equalsIgnoringCase(bytes, 1, 7, 'chunked')).toBe(false);
    expect(equalsIgnoringCase(bytes, 0, 8, 'chunked')).toBe(false);
    expect(equalsIgnoringCase(latin1('[]'), 0, 2, '{}')).toBe(false);
    expect(equalsIgnoringCase(latin1('\u00e9'), 0, 1, '\u00c9')).toBe(false);
    expect(equalsIgnoringCase(bytes, 3, 3, '')).toBe(true);
  });

  it('do not take bytes beyond the memory for anything', () => {
    expect(equalsIgnoringCase(latin1('timeou'), 0, 8, 'timeout=')).toBe(false);
    expect(equals(latin1('GE'), 0, 3, 'GET')).toBe(false);
  });

  it('are exact where case counts', () => {
    expect(equals(latin1('GET /'), 0, 3, 'GET')).toBe(true);
    expect(equals(latin1('get /'), 0, 3, 'GET')).toBe(false);
    expect(equals(latin1('GET /'), 0, 4, 'GET')).toBe(false);
  });
});

describe('a view', () => {
  it('is the array itself when it is the whole of it', () => {
    expect(view(everyByte, 0, 256)).toBe(everyByte);
    const part = view(everyByte, 10, 20);
    expect(part).toEqual(everyByte.slice(10, 20));
    expect(part.buffer).toBe(everyByte.buffer);
  });
});
