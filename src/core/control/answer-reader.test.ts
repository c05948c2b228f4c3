import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import { AnswerReader } from './answer-reader.ts';

const whole = (text: string) => new AnswerReader(false).push(latin1(text));

/** What is known after the last byte, or as soon as anything is. */
function bytewise(text: string) {
  const reader = new AnswerReader(false);
  for (const character of text) {
    const result = reader.push(latin1(character));
    if (result !== null) return result;
  }
  return null;
}

describe('the answer to a probe', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\n', 200, null],
    ['HTTP/1.0 204 \r\n', 204, null],
    ['HTTP/1.1 503\r\nA: b\r\n\r\n', 503, null],
    ['HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n', 200, null],
    ['HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 X\r\n', 500, null],
    ['HTTP/1.1 101 Switching\r\n', 101, null],
    ['HTTP/1.1 302 Found\r\nlocation:\t/login \r\n\r\n', 302, '/login'],
    ['HTTP/1.1 301 Moved\r\n\r\n', 301, null],
    ['HTTP/1.1 302 Found\r\nX: 1\r\nLocation: /a\x1b[31mb\r\n\r\n', 302, '/a?[31mb'],
  ])('is %j -> %d', (text, status, location) => {
    expect(whole(text)).toMatchObject({ status, location });
    expect(bytewise(text)).toMatchObject({ status, location });
  });

  it.each([
    ['HTTP/1.1 302 Found\r\nLocation: /login\r\n'],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2'],
    ['HTTP/1.1 200 OK'],
    [''],
  ])('is not known yet after %j', (text) => {
    expect(whole(text)).toBeNull();
    expect(bytewise(text)).toBeNull();
  });

  it.each([
    ['SSH-2.0-OpenSSH_9.2\r\n'],
    ['HTTP/2 200\r\n'],
    ['HTTP/1.1 200 OK\n'],
    ['HTTP/1.1  200 OK\r\n'],
    ['HTTP/1.1 20 OK\r\n'],
    ['HTTP/1.1 2000 OK\r\n'],
    ['HTTP/1.1 099 OK\r\n'],
    ['http/1.1 200 OK\r\n'],
    ['\r\nHTTP/1.1 200 OK\r\n'],
    ['X'],
  ])('is not %j', (text) => {
    expect(whole(text)).toBe('malformed');
    expect(bytewise(text)).toBe('malformed');
  });

  it('has a head of 16 KiB at most', () => {
    const long = 'a'.repeat(17 * 1024);
    expect(whole(`HTTP/1.1 200 ${long}`)).toBe('too_large');
    expect(whole(`HTTP/1.1 302 Found\r\nA: ${long}`)).toBe('too_large');
    expect(whole(`HTTP/1.1 103 Early\r\nA: ${long}`)).toBe('too_large');
  });

  it('counts interim heads with it, however many there are', () => {
    const interim = 'HTTP/1.1 103 Early\r\n\r\n';
    expect(whole(interim.repeat(1000))).toBe('too_large');
    expect(bytewise(interim.repeat(1000))).toBe('too_large');
  });

  it('may be wanted with its whole head, and what has come behind that', () => {
    const reader = new AnswerReader(true);
    expect(reader.push(latin1('HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n'))).toBeNull();
    expect(reader.push(latin1('\r\nbo'))).toEqual({
      status: 200,
      location: null,
      head: 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n',
      rest: 'bo',
    });
  });

  it('shows no more of a redirect than fits a log line', () => {
    const answer = whole(`HTTP/1.1 302 Found\r\nLocation: /${'x'.repeat(500)}\r\n\r\n`);
    expect(answer).toMatchObject({ location: `/${'x'.repeat(119)}...` });
  });
});
