import { describe, expect, it } from 'vitest';
import { toLatin1, utf8 } from '../core/base/bytes.ts';
import { BodyText, messageBytes } from './message.ts';

const message = (...about: Parameters<typeof messageBytes>): string =>
  toLatin1(messageBytes(...about));

describe('a message', () => {
  it('has its headers, and the length of its body in bytes', () => {
    expect(message('GET / HTTP/1.1', { Host: 'a', 'X-Empty': '' }, 'ä')).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Empty: \r\nContent-Length: 2\r\n\r\n\xc3\xa4',
    );
  });

  it('has a line for each value of a list', () => {
    expect(message('HTTP/1.1 200 X', { 'Set-Cookie': ['a=1', 'b=2'] }, null)).toBe(
      'HTTP/1.1 200 X\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
    );
  });

  it('says nothing of a body where there is none, and announces one to HEAD', () => {
    expect(message('GET / HTTP/1.1', {}, null)).toBe('GET / HTTP/1.1\r\n\r\n');
    expect(message('HTTP/1.1 200 X', {}, 'abc', true)).toBe(
      'HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n',
    );
  });

  it.each([
    [{ 'content-length': '3' }, 'the header content-length is made of the body: leave it out'],
    [{ 'Transfer-Encoding': 'chunked' }, 'leave it out'],
    [{ 'a b': 'c' }, 'no header can be "a b": "c"'],
    [{ a: 'b\r\nc: d' }, 'no header can be "a": "b\\r\\nc: d"'],
    [{ a: undefined as unknown as string }, 'no header can be "a": nothing'],
    [new Headers({ a: 'b' }) as never, "headers are a plain object: { 'X-User': 'ann' }"],
  ])('is not made with headers that are none: %o', (headers, complaint) => {
    expect(() => messageBytes('GET / HTTP/1.1', headers, null)).toThrow(complaint);
  });
});

describe('a body that comes in parts', () => {
  it('is whole, also where a letter was cut in two', () => {
    const body = new BodyText();
    const bytes = utf8('xäy');
    body.add(bytes, 0, 2);
    body.add(bytes, 2, 4);
    bytes.fill(0);
    expect([body.take(), body.take()]).toEqual(['xäy', '']);
  });
});
