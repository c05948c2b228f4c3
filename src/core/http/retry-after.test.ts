import { describe, expect, it } from 'vitest';
import { limits } from '../../../test/fuzz/heads.ts';
import { latin1 } from '../base/bytes.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { Head } from './head.ts';
import { retryAfterMs, UNTIL_A_DATE } from './retry-after.ts';

function asked(fields: string): number {
  const bytes = latin1(`HTTP/1.1 503 Busy\r\n${fields}\r\n`);
  const head = new Head(10);
  const parser = new HeadParser(limits);
  parser.begin('response', head, 0);
  expect(parser.parse(bytes, bytes.length)).toBe(bytes.length);
  return retryAfterMs(head);
}

describe('Retry-After', () => {
  it('is a number of seconds', () => {
    expect(asked('Retry-After: 0\r\n')).toBe(0);
    expect(asked('retry-after: 120\r\n')).toBe(120_000);
  });

  it('that is not there asks for nothing', () => {
    expect(asked('Content-Length: 5\r\n')).toBe(0);
  });

  it.each(['Fri, 31 Dec 1999 23:59:59 GMT', 'soon', '-1', '1.5', ''])(
    'may be a date: %s',
    (text) => {
      expect(asked(`Retry-After: ${text}\r\n`)).toBe(UNTIL_A_DATE);
    },
  );
});
