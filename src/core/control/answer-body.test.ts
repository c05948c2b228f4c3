import { describe, expect, it } from 'vitest';
import { latin1, toLatin1, utf8 } from '../base/bytes.ts';
import { AnswerBody } from './answer-body.ts';

const LENGTH = (bytes: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\n\r\n';

/** The body's bytes in parts of this many. */
function read(wanted: string, head: string, wire: string, part = wire.length): AnswerBody {
  const body = new AnswerBody(wanted, head);
  for (let at = 0; at < wire.length; at += part) body.push(latin1(wire.slice(at, at + part)));
  return body;
}

const chunks = (...texts: string[]): string =>
  texts.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');

describe('a text in the body of an answer', () => {
  it.each([
    ['of known length', LENGTH(17), '{"status": "UP"}\n'],
    ['in chunks, across their borders', CHUNKED, chunks('{"stat', 'us": "', 'UP"', '}')],
    ['until the connection closes', UNTIL_CLOSE, '{"status": "UP"}'],
  ])('is found %s, however the bytes are cut', (_, head, wire) => {
    for (let part = 1; part <= wire.length; part++) {
      expect(read('"status": "UP"', head, wire, part)).toMatchObject({ found: true, over: true });
    }
  });

  it('is compared byte for byte, in UTF-8', () => {
    const wire = toLatin1(utf8('\u00fcber'));
    expect(read('\u00fcber', UNTIL_CLOSE, wire, 1).found).toBe(true);
    expect(read('\u00fcber', UNTIL_CLOSE, '\u00fcber').found).toBe(false);
    expect(read('UP', UNTIL_CLOSE, 'up').found).toBe(false);
  });

  it('is not found in sizes and extensions of chunks, or behind the end', () => {
    expect(read('abc', CHUNKED, `abc;abc\r\n`)).toMatchObject({ found: false, over: false });
    const body = read('abc', CHUNKED, `${chunks('xy')}0\r\nabc: abc\r\n\r\n`);
    expect(body).toMatchObject({ found: false, over: true, problem: null, start: 'xy' });
    expect(read('abc', LENGTH(2), 'xyabc')).toMatchObject({ found: false, over: true });
  });

  it('is missed only when the whole body has come', () => {
    const body = read('ready', LENGTH(10), 'not rea');
    expect(body).toMatchObject({ found: false, over: false });
    body.push(latin1('dy!'));
    expect(body).toMatchObject({ found: true, over: true });
    expect(read('ready', LENGTH(10), 'not really')).toMatchObject({ found: false, over: true });
  });

  it('is looked for in the first 64 KiB, and no further', () => {
    const before = 'x'.repeat(64 * 1024 - 5);
    expect(read('ready', UNTIL_CLOSE, `${before}ready`, 1000).found).toBe(true);
    const late = read('ready', UNTIL_CLOSE, `${before}xready`, 1000);
    expect(late).toMatchObject({ found: false, over: true, length: 64 * 1024 });
    expect(read('ready', CHUNKED, chunks(`${before}xready`))).toMatchObject({ found: false });
  });

  it('is not in a body that there is not', () => {
    expect(read('x', LENGTH(0), '')).toMatchObject({ found: false, over: true, length: 0 });
    const empty = 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(read('x', empty, 'x')).toMatchObject({ found: false, over: true, length: 0 });
  });
});

describe('a body that cannot be read', () => {
  it('has a length that is none, or two framings', () => {
    const both = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(read('x', both, 'x').problem).toBe('both Content-Length and Transfer-Encoding');
    const none = 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n';
    expect(read('x', none, 'x')).toMatchObject({ found: false, over: true });
  });

  it('has bad chunks, or a head that is none', () => {
    expect(read('x', CHUNKED, 'zz\r\nx').problem).toBe('a chunk size is not a hexadecimal number');
    expect(read('x', 'HTTP/1.1 200 OK\r\nA b\r\n\r\n', 'x').problem).not.toBeNull();
  });

  it('ends before its end', () => {
    for (const head of [LENGTH(10), CHUNKED]) {
      const body = read('ready', head, '1\r\nx\r\n');
      body.end();
      expect(body.problem).toBe('the connection was closed before its end');
    }
    const body = read('ready', UNTIL_CLOSE, 'rea');
    body.end();
    expect(body).toMatchObject({ problem: null, over: true, found: false });
  });
});
