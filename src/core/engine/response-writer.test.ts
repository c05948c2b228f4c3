import { beforeEach, describe, expect, it } from 'vitest';
import { Stage } from '../../../test/engine-stage/engine-stage.ts';
import { request, response } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import type { Socket } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import { RequestFacts } from '../http/request-facts.ts';
import { ResponseFacts } from '../http/response-facts.ts';
import { Persist } from '../http1/write-head.ts';
import { ResponseWriter } from './response-writer.ts';
import type { Answer } from './sides.ts';

const DATE = 'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n';

/** Writes down what it is given; takes only `room` bytes of it for now. */
class Outlet implements Socket {
  readonly writes: string[] = [];
  room = Number.POSITIVE_INFINITY;
  private length = 0;

  write(bytes: Uint8Array, following = new Uint8Array(0)): boolean {
    this.writes.push(toLatin1(bytes) + toLatin1(following));
    this.length += bytes.length + following.length;
    return this.unsentBytes() === 0;
  }

  unsentBytes(): number {
    return Math.max(0, this.length - this.room);
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  close(): void {}
  reset(): void {}
}

let socket: Outlet;
let writer: ResponseWriter;

beforeEach(() => {
  socket = new Outlet();
  writer = new ResponseWriter(new Stage().engine, socket, { flush: () => void writer.flush() });
});

/** A request with this request line has been understood. */
function asked(line = 'GET / HTTP/1.1'): void {
  const facts = new RequestFacts();
  expect(facts.decide(request(line, 'Host: a'))).toBe(null);
  writer.begin(facts);
}

/** The backend's head with these lines goes out. */
function respond(lines: readonly string[], mayPersist = true, toHead = false): void {
  const head = response('HTTP/1.1 200 OK', ...lines);
  const facts = new ResponseFacts();
  expect(facts.decide(head, toHead)).toBe(null);
  writer.respond(head, facts, mayPersist, null);
}

const body = (text: string): boolean => writer.body(latin1(text), 0, text.length);

/** Everything that has gone out, and what the buffer still holds. */
function out(): string {
  writer.flush();
  return socket.writes.join('');
}

const headOf = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n') + 4);
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

describe('a response whose length is known', () => {
  it('leaves with its body in one write', () => {
    asked();
    respond(['Content-Length: 5']);
    body('hello');
    expect(socket.writes).toEqual([]);
    writer.finish(null);
    expect(socket.writes).toEqual([`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${DATE}\r\nhello`]);
    expect(writer.persist).toBe(Persist.keep);
  });

  it('leaves at once, and in one write, when a part is too large to be held', () => {
    asked();
    respond(['Content-Length: 20005']);
    body('start');
    body('x'.repeat(20_000));
    expect(socket.writes.map((each) => each.length)).toEqual([headOf(out()).length + 20_005]);
    expect(bodyOf(out())).toBe(`start${'x'.repeat(20_000)}`);
  });

  it('says whether the client takes it all now', () => {
    asked();
    respond(['Content-Length: 40000']);
    expect(body('x'.repeat(20_000))).toBe(true);
    socket.room = 0;
    expect(body('x'.repeat(20_000))).toBe(false);
  });

  it('closes the connection where it must not go on', () => {
    asked();
    respond(['Content-Length: 0'], false);
    expect(out()).toContain('\r\nConnection: close\r\n');
    expect(writer.persist).toBe(Persist.close);
  });
});

describe('a response that ends with its connection', () => {
  it('is put into chunks, small parts together', () => {
    asked();
    respond([]);
    body('hello ');
    body('');
    body('world, once more');
    writer.finish(null);
    expect(headOf(out())).toContain('Transfer-Encoding: chunked\r\n');
    expect(bodyOf(out())).toBe('6\r\nhello \r\n10\r\nworld, once more\r\n0\r\n\r\n');
    expect(socket.writes.length).toBe(1);
    expect(writer.takesWire).toBe(false);
  });

  it('is put into chunks, and a large part leaves with its size line in one write', () => {
    asked();
    respond([]);
    const large = 'x'.repeat(20_000);
    body(large);
    writer.finish(null);
    expect(bodyOf(out())).toBe(`4e20\r\n${large}\r\n0\r\n\r\n`);
    expect(socket.writes.filter((each) => each.endsWith(`4e20\r\n${large}`))).toHaveLength(1);
  });

  it('goes to an old client as it is, and closes', () => {
    asked('GET / HTTP/1.0');
    respond([]);
    body('hello');
    writer.finish(null);
    expect(headOf(out())).not.toContain('Transfer-Encoding');
    expect(headOf(out())).toContain('Connection: close\r\n');
    expect(bodyOf(out())).toBe('hello');
  });

  it.each([
    ['fits', 16 * 1024 - 20, 1],
    ['does not fit', 16 * 1024 - 19, 2],
  ])('holds a part that %s into 16 KiB with its framing', (_, size, writes) => {
    asked();
    respond([]);
    body('x'.repeat(size));
    writer.finish(null);
    expect(bodyOf(out())).toBe(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`);
    expect(
      socket.writes.filter((each) => each.includes('xxx') || each.startsWith('HTTP')),
    ).toHaveLength(writes);
  });

  it('keeps more small parts in order than the buffer holds', () => {
    asked();
    respond([]);
    const parts = Array.from({ length: 60 }, (_, i) => String.fromCharCode(65 + i).repeat(4096));
    for (const part of parts) body(part);
    writer.finish(null);
    const chunks = parts.map((part) => `1000\r\n${part}\r\n`).join('');
    expect(bodyOf(out())).toBe(`${chunks}0\r\n\r\n`);
  });
});

describe('a response in chunks', () => {
  it('passes on in wire form what came in wire form', () => {
    asked();
    respond(['Transfer-Encoding: chunked']);
    expect(writer.takesWire).toBe(true);
    body('5\r\nhello\r\n0\r\n\r\n');
    writer.finish(null);
    expect(bodyOf(out())).toBe('5\r\nhello\r\n0\r\n\r\n');
  });

  it('goes without its chunks to an old client', () => {
    asked('GET / HTTP/1.0');
    respond(['Transfer-Encoding: chunked', 'Trailer: X-Sum']);
    expect(writer.takesWire).toBe(false);
    body('hello');
    writer.finish(response('HTTP/1.1 200 OK', 'X-Sum: 1'));
    expect(headOf(out())).not.toMatch(/Transfer-Encoding|Trailer/);
    expect(bodyOf(out())).toBe('hello');
    expect(writer.persist).toBe(Persist.close);
  });

  it('ends with the trailers that may travel', () => {
    asked();
    respond(['Transfer-Encoding: chunked']);
    body('5\r\nhello\r\n0\r\n');
    writer.finish(response('HTTP/1.1 200 OK', 'X-Sum: 1', 'Content-Length: 7', 'Host: b'));
    expect(bodyOf(out())).toBe('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n');
  });
});

describe('a head, parts and trailers that do not fit together', () => {
  it('are sent in pieces', () => {
    asked();
    respond(['Transfer-Encoding: chunked']);
    const part = `3e80\r\n${'d'.repeat(16_000)}\r\n`;
    for (let i = 0; i < 5; i++) body(part);
    const sum = `X-Sum: ${'1'.repeat(15_000)}`;
    writer.finish(response('HTTP/1.1 200 OK', sum));
    expect(bodyOf(out())).toBe(`${part.repeat(5)}${sum}\r\n\r\n`);
  });
});

describe('a head before the final one', () => {
  const interim = (): Head => response('HTTP/1.1 103 Early Hints', 'Link: </a>');

  it('goes out at once, without fields of ours', () => {
    asked();
    writer.interim(interim());
    expect(socket.writes).toEqual(['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n']);
  });

  it('names the protocol when it switches to it', () => {
    asked();
    const lines = ['Connection: Upgrade, X-Hop', 'X-Hop: 1', 'Upgrade: echo'];
    const head = response('HTTP/1.1 101 Switching Protocols', ...lines);
    writer.switchProtocols(head, latin1('lb=1'));
    expect(headOf(out())).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(headOf(out())).toContain('Connection: Upgrade\r\nUpgrade: echo\r\n');
    expect(headOf(out())).toContain('\r\nSet-Cookie: lb=1\r\n');
  });
});

describe('an answer of our own', () => {
  const answer = (text: string, fields = ''): Answer => ({
    status: 503,
    contentType: 'text/plain',
    body: latin1(text),
    fields,
  });

  it('is a whole response in one write', () => {
    asked();
    writer.answer(answer('nobody', 'Retry-After: 1\r\n'), true);
    expect(socket.writes).toEqual([
      'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n' +
        `Retry-After: 1\r\n${DATE}\r\nnobody`,
    ]);
  });

  it('says how the connection goes on, to old clients too', () => {
    asked();
    writer.answer(answer(''), false);
    asked('GET / HTTP/1.0');
    writer.answer(answer(''), true);
    expect(socket.writes[0]).toContain('\r\nConnection: close\r\n');
    expect(socket.writes[1]).toContain('\r\nConnection: keep-alive\r\n');
  });

  it('has no body for HEAD, but its length', () => {
    asked('HEAD / HTTP/1.1');
    writer.answer(answer('nobody'), true);
    expect(headOf(out())).toContain('Content-Length: 6\r\n');
    expect(bodyOf(out())).toBe('');
  });

  it('may be a page larger than what is held together', () => {
    asked();
    const page = 'p'.repeat(50_000);
    writer.answer(answer(page), true);
    expect(bodyOf(out())).toBe(page);
  });
});

describe('what the client has taken', () => {
  it('is counted from the mark, without what still waits', () => {
    asked();
    respond(['Content-Length: 100000']);
    body('x'.repeat(20_000));
    socket.room = socket.writes.join('').length;
    body('x'.repeat(30_000));
    writer.markUnsent();
    expect(writer.takenBytes()).toBe(0);
    socket.room += 1000;
    expect(writer.takenBytes()).toBe(1000);
    body('x'.repeat(20_000));
    socket.room += 500;
    expect(writer.takenBytes()).toBe(1500);
    writer.markUnsent();
    expect(writer.takenBytes()).toBe(0);
  });

  it('counts what goes out together with what was held', () => {
    writer.markUnsent();
    asked();
    respond(['Content-Length: 20000']);
    body('x'.repeat(20_000));
    expect(writer.takenBytes()).toBe(socket.writes.join('').length);
    expect(writer.takenBytes()).toBeGreaterThan(20_000);
  });
});
