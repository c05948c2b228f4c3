import { beforeEach, describe, expect, it } from 'vitest';
import { fieldLines, limits } from '../../../test/fuzz/heads.ts';
import { ByteQueue } from '../base/byte-queue.ts';
import { latin1 } from '../base/bytes.ts';
import { Head } from '../http/head.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import { HeadCollector } from './head-collector.ts';

const HEAD = 'GET /path HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n';

let pending: ByteQueue;
let head: Head;
let collector: HeadCollector;

beforeEach(() => {
  pending = new ByteQueue();
  head = new Head(limits.headerFields);
  collector = new HeadCollector();
});

const append = (text: string): void => pending.append(latin1(text), 0, text.length);

/** Feeds `text` byte by byte; what each call said. */
function feed(text: string): number[] {
  return [...text].map((byte) => {
    append(byte);
    return collector.parse(pending);
  });
}

function expectHead(): void {
  expect(`${head.method} ${head.target}`).toBe('GET /path');
  expect(fieldLines(head)).toEqual(['Host: a.test', 'Accept: */*']);
}

describe('a head in parts', () => {
  it('asks for more until its last byte, whose end it returns', () => {
    append(HEAD[0]);
    collector.begin(pending, head, limits);
    const said = feed(HEAD.slice(1));
    expect(said.pop()).toBe(HEAD.length);
    expect(new Set(said)).toEqual(new Set([NEED_MORE]));
    expectHead();
  });

  it('leaves what follows it in the queue', () => {
    append(HEAD.slice(0, 10));
    collector.begin(pending, head, limits);
    append(`${HEAD.slice(10)}GET /next`);
    expect(collector.parse(pending)).toBe(HEAD.length);
    expect(pending.length).toBe(HEAD.length + 9);
    expectHead();
  });

  it('may begin behind bytes that were used, and grow over the end of the array', () => {
    append(`${'x'.repeat(1000)}${HEAD.slice(0, 10)}`);
    pending.drop(1000);
    collector.begin(pending, head, limits);
    expect(feed(HEAD.slice(10)).pop()).toBe(HEAD.length);
    expectHead();
  });

  it('finds its fields again when the queue has moved to a larger array', () => {
    const long = 'GET /path HTTP/1.1\r\nHost: a.test\r\n';
    append(long);
    collector.begin(pending, head, limits);
    expect(collector.parse(pending)).toBe(NEED_MORE);
    const field = `X-Long: ${'y'.repeat(5000)}`;
    append(`${field}\r\n\r\n`);
    expect(collector.parse(pending)).toBe(long.length + field.length + 4);
    expect(fieldLines(head)).toEqual(['Host: a.test', field]);
  });

  it('can be collected anew after another one', () => {
    append(HEAD.slice(0, 30));
    collector.begin(pending, head, limits);
    collector.parse(pending);
    pending.clear();
    append(HEAD.slice(0, 5));
    collector.begin(pending, head, limits);
    expect(feed(HEAD.slice(5)).pop()).toBe(HEAD.length);
    expectHead();
  });
});

describe('a head of a response', () => {
  it('is collected by a collector for responses', () => {
    const text = 'HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n';
    collector = new HeadCollector('response');
    append(text.slice(0, 3));
    collector.begin(pending, head, limits);
    expect(feed(text.slice(3)).pop()).toBe(text.length);
    expect(head.status).toBe(204);
    expect(fieldLines(head)).toEqual(['Server: a']);
  });
});

describe('a head in parts that breaks a rule', () => {
  it('is refused at the byte, counted from its first one', () => {
    append('xxx');
    append('GET / HTTP/1.1\r\nHo');
    pending.drop(3);
    collector.begin(pending, head, limits);
    expect(collector.parse(pending)).toBe(NEED_MORE);
    append('st : a\r\n');
    expect(collector.parse(pending)).toBe(REFUSED);
    expect(collector.refusal.rule).toBe('FL01');
    expect(collector.refusedAt).toBe('GET / HTTP/1.1\r\nHost'.length);
  });

  it('is refused as soon as it is longer than allowed', () => {
    append('GET / HTTP/1.1\r\nHost: a\r\nX: ');
    collector.begin(pending, head, { ...limits, headBytes: 100 });
    const said = feed('y'.repeat(200));
    expect(said.indexOf(REFUSED)).toBe(100 - 'GET / HTTP/1.1\r\nHost: a\r\nX: '.length - 1);
    expect(collector.refusal.rule).toBe('FL16');
  });
});
