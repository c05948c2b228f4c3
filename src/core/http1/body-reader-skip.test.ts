/** body-reader.ts and bytes that pass elsewhere: which may, and what becomes of the body. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { Body } from '../http/request-facts.ts';
import { BodyReader } from './body-reader.ts';

function begun(body: Body, length: number): BodyReader {
  const reader = new BodyReader(limits);
  reader.begin(body, length, false);
  return reader;
}

/** Returns what of `text` is of the body. */
function read(reader: BodyReader, text: string): string {
  let out = '';
  const onBody = (bytes: Uint8Array, start: number, end: number): boolean => {
    out += toLatin1(bytes, start, end);
    return true;
  };
  reader.read(latin1(text), 0, text.length, { onBody });
  return out;
}

describe('bytes of a body that may pass elsewhere', () => {
  it('are all that are left of a body with a length', () => {
    const reader = begun(Body.length, 10);
    expect(reader.plainBytes).toBe(10);
    read(reader, 'abc');
    expect(reader.plainBytes).toBe(7);
    reader.skip(3);
    expect(reader.plainBytes).toBe(4);
    expect(begun(Body.length, 999_999_999_999_999).plainBytes).toBe(999_999_999_999_999);
  });

  it('are none of a body in which any byte may mean something', () => {
    const chunks = begun(Body.chunked, 0);
    const untilClose = begun(Body.untilClose, 0);
    expect([chunks.plainBytes, untilClose.plainBytes]).toEqual([0, 0]);
    expect([read(chunks, '5\r\nhe'), read(untilClose, 'hello')]).toEqual(['he', 'hello']);
    expect([chunks.plainBytes, untilClose.plainBytes]).toEqual([0, 0]);
  });

  it('are none of the body that an answer to HEAD only tells the length of', () => {
    expect(begun(Body.none, 10).plainBytes).toBe(0);
  });
});

describe('a body of which bytes have passed elsewhere', () => {
  it('has them counted as content', () => {
    const reader = begun(Body.length, 10);
    reader.skip(4);
    expect([reader.payloadBytes, reader.done]).toEqual([4, false]);
    expect(read(reader, 'ef')).toBe('ef');
    expect([reader.payloadBytes, reader.done]).toEqual([6, false]);
  });

  it.each([
    ['here', (reader: BodyReader) => read(reader, 'ijGET /'), 'ij'],
    ['there', (reader: BodyReader) => reader.skip(2), undefined],
  ])('ends with its last byte, when it comes %s', (_, end, out) => {
    const reader = begun(Body.length, 10);
    reader.skip(3);
    read(reader, 'defg');
    reader.skip(1);
    expect([reader.plainBytes, reader.done]).toEqual([2, false]);
    expect(end(reader)).toBe(out);
    expect([reader.payloadBytes, reader.plainBytes, reader.done]).toEqual([10, 0, true]);
    expect(read(reader, 'GET /')).toBe('');
  });

  it('leaves nothing behind for the next', () => {
    const reader = begun(Body.length, 10);
    reader.skip(9);
    reader.begin(Body.length, 3, false);
    expect([reader.payloadBytes, reader.plainBytes, reader.done]).toEqual([0, 3, false]);
    expect([read(reader, 'abcGET /'), reader.done]).toEqual(['abc', true]);
  });
});
