import { describe, expect, it } from 'vitest';
import { fieldLines, limits, response } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { Field } from './fields.ts';
import { Head } from './head.ts';

const request = 'PUT /a?b HTTP/1.0\r\nHost: a\r\nX-One: 1\r\nX-Two:  two \r\n\r\n';

/** Parses `text` where it stands in `bytes`. */
function parseAt(kind: 'request' | 'response', bytes: Uint8Array, start: number): [Head, number] {
  const head = new Head(limits.headerFields);
  const parser = new HeadParser(limits);
  parser.begin(kind, head, start);
  const stop = parser.parse(bytes, bytes.length);
  expect(stop).toBeGreaterThan(0);
  return [head, stop];
}

describe('a head', () => {
  it('says what it holds', () => {
    const [head] = parseAt('request', latin1(request), 0);
    expect([head.method, head.target, head.minorVersion]).toEqual(['PUT', '/a?b', 0]);
    expect(fieldLines(head)).toEqual(['Host: a', 'X-One: 1', 'X-Two: two']);
  });

  it('finds the first field with an id', () => {
    const head = response('HTTP/1.1 200 OK', 'Date: 1', 'Upgrade: x', 'Date: 2');
    expect(head.find(Field.date)).toBe(0);
    expect(head.value(Field.date)).toBe('1');
    expect(head.find(Field.upgrade)).toBe(1);
    expect(head.find(Field.host)).toBe(-1);
    expect(head.value(Field.host)).toBe(null);
  });

  it('takes as many fields as it was made for, and no more', () => {
    const head = new Head(2);
    expect(head.add(Field.other, 0, 1, 2, 3)).toBe(true);
    expect(head.add(Field.host, 4, 5, 6, 7)).toBe(true);
    expect(head.add(Field.other, 8, 9, 10, 11)).toBe(false);
    expect(head.fieldCount).toBe(2);
    expect(head.id(1)).toBe(Field.host);
    head.setId(1, Field.dropped);
    expect(head.id(1)).toBe(Field.dropped);
  });

  it('forgets everything when it is cleared', () => {
    const [head] = parseAt('response', latin1('HTTP/1.0 404 Not\r\nX: 1\r\n\r\n'), 0);
    const bytes = new Uint8Array(1);
    head.clear(bytes);
    expect(head.bytes).toBe(bytes);
    const { status, minorVersion, fieldCount, reasonStart, reasonEnd, method } = head;
    expect({ status, minorVersion, fieldCount, reasonStart, reasonEnd, method }).toEqual({
      status: 0,
      minorVersion: 1,
      fieldCount: 0,
      reasonStart: 0,
      reasonEnd: 0,
      method: '',
    });
  });
});

describe('memory of its own', () => {
  it('outlives the memory it was parsed from, wherever it stood there', () => {
    for (const before of ['', 'x'.repeat(1), 'POST / HTTP/1.1\r\n\r\n'.repeat(90)]) {
      const bytes = latin1(before + request);
      const [head, stop] = parseAt('request', bytes, before.length);
      head.own(before.length, stop);
      bytes.fill(0);
      expect([head.method, head.target]).toEqual(['PUT', '/a?b']);
      expect(fieldLines(head)).toEqual(['Host: a', 'X-One: 1', 'X-Two: two']);
    }
  });

  it('carries a reason along as well', () => {
    const bytes = latin1('padding: HTTP/1.1 404 Not There\r\nX: 1\r\n\r\n');
    const [head, stop] = parseAt('response', bytes, 9);
    head.own(9, stop);
    bytes.fill(0);
    expect(toLatin1(head.bytes, head.reasonStart, head.reasonEnd)).toBe('Not There');
    expect(fieldLines(head)).toEqual(['X: 1']);
  });

  it('is used again for the next message, unless that is longer', () => {
    const head = new Head(10);
    head.clear(latin1('short'));
    head.own(0, 5);
    const first = head.bytes;
    head.clear(latin1('second'));
    head.own(2, 6);
    expect(head.bytes).toBe(first);
    expect(toLatin1(head.bytes, 0, 4)).toBe('cond');
    head.clear(new Uint8Array(5000).fill(65));
    head.own(0, 5000);
    expect(toLatin1(head.bytes, 4990, 5000)).toBe('A'.repeat(10));
  });
});
