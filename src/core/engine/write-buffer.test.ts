import { beforeEach, describe, expect, it } from 'vitest';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { COALESCE_BYTES, WriteBuffer } from './write-buffer.ts';

/** Takes what it held when it is asked to, and remembers it. */
class Owner {
  readonly flushed: string[] = [];
  private readonly buffer: WriteBuffer;

  constructor(buffer: WriteBuffer) {
    this.buffer = buffer;
  }

  flush(): void {
    this.flushed.push(toLatin1(this.buffer.take()));
  }
}

let buffer: WriteBuffer;
let first: Owner;
let second: Owner;

beforeEach(() => {
  buffer = new WriteBuffer(2 * COALESCE_BYTES);
  first = new Owner(buffer);
  second = new Owner(buffer);
});

const append = (text: string): boolean => buffer.append(latin1(text), 0, text.length);

describe('a write buffer', () => {
  it('collects what its owner appends, and hands it over in one piece', () => {
    buffer.claim(first);
    append('head, ');
    append('body');
    expect(toLatin1(buffer.take())).toBe('head, body');
  });

  it('hands over what is as long as something before it just as well', () => {
    for (const text of ['one', 'two', 'a'.repeat(3 + 256), 'six']) {
      buffer.claim(first);
      append(text);
      expect(toLatin1(buffer.take())).toBe(text);
    }
  });

  it('belongs to whoever claimed it last, until the bytes are taken', () => {
    buffer.claim(first);
    expect(buffer.isHeldBy(first)).toBe(true);
    expect(buffer.isHeldBy(second)).toBe(false);
    buffer.take();
    expect(buffer.isHeldBy(first)).toBe(false);
  });

  it('keeps nothing of an owner who has closed, and all of the others', () => {
    buffer.claim(first);
    append('one');
    buffer.drop(first);
    buffer.claim(second);
    append('two');
    buffer.drop(first);
    expect(first.flushed).toEqual([]);
    expect(toLatin1(buffer.take())).toBe('two');
  });

  it('lets the owner before send first', () => {
    buffer.claim(first);
    append('one');
    buffer.claim(second);
    append('two');
    expect(first.flushed).toEqual(['one']);
    expect(toLatin1(buffer.take())).toBe('two');
    expect(second.flushed).toEqual([]);
  });

  it('lets an owner that claims it again send first as well', () => {
    buffer.claim(first);
    append('one');
    buffer.claim(first);
    append('two');
    expect(first.flushed).toEqual(['one']);
    expect(toLatin1(buffer.take())).toBe('two');
  });

  it('asks nobody to send what has been taken', () => {
    buffer.claim(first);
    append('one');
    buffer.take();
    buffer.claim(second);
    expect(first.flushed).toEqual([]);
  });

  it('appends the range it is given, and nothing around it', () => {
    buffer.claim(first);
    buffer.append(latin1('(inner)'), 1, 6);
    expect(toLatin1(buffer.take())).toBe('inner');
  });

  it('keeps a copy: the source may change afterwards', () => {
    const source = latin1('before');
    buffer.claim(first);
    buffer.append(source, 0, source.length);
    source.fill(0);
    expect(toLatin1(buffer.take())).toBe('before');
  });
});

describe('what is not worth the copy', () => {
  it('is a part above 16 KiB; nothing of it is taken', () => {
    buffer.claim(first);
    expect(append('x'.repeat(COALESCE_BYTES + 1))).toBe(false);
    expect(buffer.length).toBe(0);
    expect(append('x'.repeat(COALESCE_BYTES))).toBe(true);
    expect(buffer.length).toBe(COALESCE_BYTES);
  });

  it('is what does not fit any more; what is there stands', () => {
    buffer.claim(first);
    append('a'.repeat(COALESCE_BYTES));
    append('b'.repeat(COALESCE_BYTES - 1));
    expect(append('cc')).toBe(false);
    expect(append('c')).toBe(true);
    expect(append('d')).toBe(false);
    expect(toLatin1(buffer.take()).replace(/(.)\1*/g, '$1')).toBe('abc');
  });
});
