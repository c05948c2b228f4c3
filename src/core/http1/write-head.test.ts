import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldLines, parseHead, request, response } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1, writeLatin1, writeLineEnd } from '../base/bytes.ts';
import { Field, forbiddenInTrailer } from '../http/fields.ts';
import type { Head } from '../http/head.ts';
import { RequestFacts } from '../http/request-facts.ts';
import { ResponseFacts } from '../http/response-facts.ts';
import {
  type Forward,
  Persist,
  writeChunkedEnd,
  writeInterimHead,
  writeRequestHead,
  writeResponseHead,
} from './write-head.ts';

const plain: Forward = { basePath: '', host: null, fallbackHost: 'backend:9001' };

/** What `write` leaves behind. It must begin and end where it says, and not touch the rest. */
function written(write: (out: Uint8Array, at: number) => number): string {
  const out = new Uint8Array(16_384).fill(0x7e);
  const end = write(out, 5);
  expect(toLatin1(out, 0, 5)).toBe('~~~~~');
  expect(toLatin1(out, end, end + 5)).toBe('~~~~~');
  return toLatin1(out, 5, end);
}

/** The lines of a head, without the empty one at its end. */
function linesOf(text: string): string[] {
  expect(text.endsWith('\r\n\r\n')).toBe(true);
  return text.slice(0, -4).split('\r\n');
}

function forwardHead(head: Head, forward: Partial<Forward>, peerFields: string): string[] {
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBe(null);
  const text = written((out, at) => {
    const to = writeRequestHead(out, at, head, facts, { ...plain, ...forward });
    return writeLineEnd(out, writeLatin1(peerFields, out, to));
  });
  expect(parseHead('request', text).stop).toBe(text.length);
  return linesOf(text);
}

/** The lines that a backend gets for a request of these lines. */
const forwarded = (lines: readonly string[], forward: Partial<Forward> = {}): string[] =>
  forwardHead(request(...lines), forward, '');

/** The fields that a backend gets, Host aside. */
const fieldsFor = (fields: readonly string[], method = 'GET'): string[] => {
  const [line, host, ...rest] = forwarded([`${method} / HTTP/1.1`, 'Host: a', ...fields]);
  expect([line, host]).toEqual([`${method} / HTTP/1.1`, 'Host: a']);
  return rest;
};

describe('a request', () => {
  it('goes on with its Host first, its fields as they came, and ours last', () => {
    const head = request('GET /a?b HTTP/1.1', 'B: 2', 'hOST: A.example', 'a: 1', 'b: 3');
    expect(forwardHead(head, {}, 'X-Real-IP: 192.0.2.1\r\nX-Request-Id: 1\r\n')).toEqual([
      'GET /a?b HTTP/1.1',
      'Host: A.example',
      'B: 2',
      'a: 1',
      'b: 3',
      'X-Real-IP: 192.0.2.1',
      'X-Request-Id: 1',
    ]);
  });

  it('is of HTTP/1.1, whatever it was', () => {
    expect(forwarded(['GET / HTTP/1.0', 'Host: a'])).toEqual(['GET / HTTP/1.1', 'Host: a']);
  });

  it.each([
    ['Connection: close'],
    ['Connection: keep-alive'],
    ['Keep-Alive: timeout=5'],
    ['Proxy-Connection: keep-alive'],
    ['TE: gzip'],
    ['Trailer: X'],
    ['Upgrade: websocket'],
    ['Proxy-Authorization: Basic eA=='],
    ['HTTP2-Settings: AAMAAABkAAQAAP__'],
    // What a client says about itself or before us is said anew, or not at all.
    ['Forwarded: for=192.0.2.1'],
    ['X-Forwarded-For: 192.0.2.1'],
    ['X-Forwarded-Proto: https'],
    ['X-Forwarded-Host: b'],
    ['X-Forwarded-Port: 443'],
    ['X-Real-IP: 192.0.2.1'],
    ['X-Request-Id: 1'],
  ])('keeps back %s', (field) => {
    const lower = field.toLowerCase();
    for (const each of [field, lower]) {
      expect(fieldsFor(['A: 1', each, 'B: 2', each])).toEqual(['A: 1', 'B: 2']);
    }
  });

  it.each([
    ['Accept: */*'],
    ['Date: x'],
    ['Max-Forwards: 5'],
    ['Proxy-Authenticate: Basic'],
    ['X-Forwarded-Server: x'],
    ['Content_Length: 5'],
    ['Via: 1.1 x'],
  ])('lets %s pass', (field) => {
    expect(fieldsFor([field])).toEqual([field]);
  });

  it('keeps back what Connection nominates', () => {
    const fields = ['X-A: 1', 'X-B: 2', 'Connection: x-a, close', 'X-A: 3', 'X-C: 4'];
    expect(fieldsFor(fields)).toEqual(['X-B: 2', 'X-C: 4']);
  });
});

describe('the target', () => {
  it.each([
    ['GET /a/%2e?b=/c', '', 'GET /a/%2e?b=/c'],
    ['GET /a', '/base', 'GET /base/a'],
    ['GET /', '/base', 'GET /base/'],
    ['GET http://b/x?y', '', 'GET /x?y'],
    ['GET http://b/x?y', '/base', 'GET /base/x?y'],
    ['GET http://b', '', 'GET /'],
    ['GET http://b', '/base', 'GET /base/'],
    ['GET http://b?x', '', 'GET /?x'],
    ['GET http://b?x', '/base', 'GET /base/?x'],
    ['OPTIONS *', '', 'OPTIONS *'],
    ['OPTIONS *', '/base', 'OPTIONS *'],
    ['OPTIONS /a', '/base', 'OPTIONS /base/a'],
    // RFC 9112 section 3.2.4.
    ['OPTIONS http://b', '', 'OPTIONS *'],
    ['OPTIONS http://b:80', '/base', 'OPTIONS *'],
    ['OPTIONS http://b/', '', 'OPTIONS /'],
    ['OPTIONS http://b?x', '', 'OPTIONS /?x'],
    ['OPTION http://b', '', 'OPTION /'],
  ])('of %s below %j becomes %s', (line, basePath, expected) => {
    const [first] = forwarded([`${line} HTTP/1.1`, 'Host: a'], { basePath });
    expect(first).toBe(`${expected} HTTP/1.1`);
  });
});

describe('the Host', () => {
  const hostOf = (lines: readonly string[], forward: Partial<Forward> = {}): string => {
    const hosts = forwarded(lines, forward).filter((line) => /^host:/i.test(line));
    expect(hosts).toHaveLength(1);
    return hosts[0]!;
  };

  it('is what the client said', () => {
    expect(hostOf(['GET / HTTP/1.1', 'host:  A:80 '])).toBe('Host: A:80');
  });

  it('is that of an absolute URL before that of the field', () => {
    expect(hostOf(['GET http://b:81/ HTTP/1.1', 'Host: a'])).toBe('Host: b:81');
  });

  it('is the one that the pool sets', () => {
    expect(hostOf(['GET http://b/ HTTP/1.1', 'Host: a'], { host: 'own' })).toBe('Host: own');
    expect(hostOf(['GET / HTTP/1.0'], { host: 'own' })).toBe('Host: own');
  });

  it('is the one to fall back to for an HTTP/1.0 client without', () => {
    expect(hostOf(['GET / HTTP/1.0'])).toBe('Host: backend:9001');
    expect(hostOf(['GET http://b/ HTTP/1.0'])).toBe('Host: b');
  });
});

describe('the framing of a request', () => {
  it.each([
    [['Content-Length: 5'], ['Content-Length: 5']],
    [['content-length:\t0005'], ['Content-Length: 5']],
    [['Content-Length: 999999999999999'], ['Content-Length: 999999999999999']],
    [['Content-Length: 0'], ['Content-Length: 0']],
    [['transfer-encoding: CHUNKED'], ['Transfer-Encoding: chunked']],
    [[], []],
  ])('%j is written anew as %j', (fields, expected) => {
    expect(fieldsFor(fields, 'POST')).toEqual(expected);
  });

  it('comes behind the fields', () => {
    expect(fieldsFor(['Content-Length: 5', 'A: 1'], 'POST')).toEqual(['A: 1', 'Content-Length: 5']);
  });
});

describe('what else a request asks for', () => {
  it('is a 100, which HTTP/1.0 cannot ask for', () => {
    const fields = ['Content-Length: 5', 'expect: 100-Continue'];
    expect(fieldsFor(fields, 'PUT')).toEqual(['Content-Length: 5', 'Expect: 100-continue']);
    expect(forwarded(['PUT / HTTP/1.0', 'Host: a', ...fields])).not.toContainEqual(
      expect.stringMatching(/^expect/i),
    );
  });

  it('is counted down for OPTIONS, and left to others', () => {
    expect(fieldsFor(['Max-Forwards: 10', 'A: 1'], 'OPTIONS')).toEqual(['A: 1', 'Max-Forwards: 9']);
    expect(fieldsFor(['Max-Forwards: 0'], 'OPTIONS')).toEqual(['Max-Forwards: 0']);
    expect(fieldsFor(['Max-Forwards: 10', 'A: 1'])).toEqual(['Max-Forwards: 10', 'A: 1']);
  });

  it('is an upgrade, to the first protocol that it names', () => {
    const fields = ['Upgrade:WebSocket', 'Connection: Upgrade', 'A: 1', 'Upgrade: other'];
    expect(fieldsFor(fields)).toEqual(['A: 1', 'Connection: Upgrade', 'Upgrade: WebSocket']);
  });

  it('is trailers', () => {
    expect(fieldsFor(['TE: trailers', 'A: 1'])).toEqual(['A: 1', 'TE: trailers', 'Connection: TE']);
  });
});

describe('fields on the way', () => {
  it.each([
    ['A: 1', 'A: 1'],
    ['A:1', 'A: 1'],
    ['A:  1', 'A: 1'],
    ['A:\t1', 'A: 1'],
    ['A: 1 \t', 'A: 1'],
    ['A: 1\t 2', 'A: 1\t 2'],
    ['A:', 'A: '],
    ['A: ', 'A: '],
    ['A: \t', 'A: '],
    ['A: \x80\xff', 'A: \x80\xff'],
  ])('%j is sent as %j', (field, expected) => {
    expect(fieldsFor([field])).toEqual([expected]);
    expect(fieldsFor(['B: 1', field, 'C: 2'])).toEqual(['B: 1', expected, 'C: 2']);
  });

  it('are all there, in order, whatever stands between them', () => {
    const field = fc.record({
      name: fc.constantFrom('A', 'X-Long-Name', 'TE', 'x-real-ip', 'Keep-Alive', 'B', 'Date'),
      before: fc.constantFrom('', ' ', ' ', ' ', '\t', '  '),
      value: fc.constantFrom('', '1', 'a b', 'v'.repeat(40)),
      after: fc.constantFrom('', '', '', ' ', '\t '),
    });
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        const lines = fields.map(
          ({ name, before, value, after }) => `${name}:${before}${value}${after}`,
        );
        const expected = fields
          .filter(({ name }) => !['TE', 'x-real-ip', 'Keep-Alive'].includes(name))
          .map(({ name, value }) => `${name}: ${value}`);
        expect(fieldsFor(lines)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

interface Answering {
  readonly chunked?: boolean;
  readonly persist?: Persist;
  readonly toHead?: boolean;
  readonly cookie?: Uint8Array;
}

/** The lines that a client gets for a response of these lines. */
function answered(lines: readonly string[], options: Answering = {}): string[] {
  const { chunked = false, persist = Persist.keep, toHead = false, cookie = null } = options;
  const head = response(...lines);
  const facts = new ResponseFacts();
  expect(facts.decide(head, toHead)).toBe(null);
  const date = facts.hasDate ? null : latin1('Date: ours\r\n');
  const text = written((out, at) =>
    writeResponseHead(out, at, head, facts, chunked, persist, date, cookie),
  );
  expect(parseHead('response', text).stop).toBe(text.length);
  return linesOf(text);
}

const ok = ['HTTP/1.1 200 OK', 'Date: theirs'];

describe('a response', () => {
  it('has status and reason as they came, and the version that we speak', () => {
    expect(answered(['HTTP/1.0 404 Not  \xe9', 'Date: x'])[0]).toBe('HTTP/1.1 404 Not  \xe9');
    expect(answered(['HTTP/1.1 599', 'Date: x'])[0]).toBe('HTTP/1.1 599 ');
    expect(answered(['HTTP/1.1 200 ', 'Date: x'])[0]).toBe('HTTP/1.1 200 ');
  });

  it.each([
    ['Connection: close'],
    ['Keep-Alive: timeout=5'],
    ['Proxy-Connection: keep-alive'],
    ['TE: trailers'],
    ['Upgrade: h2c'],
    ['Proxy-Authenticate: Basic'],
    ['HTTP2-Settings: x'],
    ['Trailer: X'],
  ])('keeps back %s', (field) => {
    expect(answered([...ok, field, 'A: 1', field])).toEqual([...ok, 'A: 1']);
  });

  it('lets the rest pass, also what only a request may not bring', () => {
    const fields = ['Server: x', 'Set-Cookie: a', 'Set-Cookie: b', 'X-Request-Id: 1', 'Host: x'];
    expect(answered([...ok, ...fields])).toEqual([...ok, ...fields]);
  });

  it('keeps back what Connection nominates, and a Date of its own is then ours', () => {
    expect(answered([...ok, 'A: 1', 'Connection: a, date', 'B: 2'])).toEqual([
      'HTTP/1.1 200 OK',
      'B: 2',
      'Date: ours',
    ]);
  });

  it('gets a Date if it has none', () => {
    expect(answered(['HTTP/1.1 200 OK', 'A: 1'])).toEqual([
      'HTTP/1.1 200 OK',
      'A: 1',
      'Date: ours',
    ]);
  });

  it('has a length, chunks, or neither', () => {
    const length = [...ok, 'content-length: 05'];
    expect(answered(length)).toEqual([...ok, 'Content-Length: 5']);
    expect(answered(length, { toHead: true })).toEqual([...ok, 'Content-Length: 5']);
    const chunks = [...ok, 'Transfer-Encoding: Chunked', 'Trailer: X'];
    expect(answered(chunks, { chunked: true })).toEqual([
      ...ok,
      'Trailer: X',
      'Transfer-Encoding: chunked',
    ]);
    // To a client of HTTP/1.0.
    expect(answered(chunks)).toEqual(ok);
    expect(answered(ok, { chunked: true })).toEqual([...ok, 'Transfer-Encoding: chunked']);
  });

  it('has no length where none may stand', () => {
    const noContent = ['HTTP/1.1 204 No Content', 'Date: x'];
    expect(answered([...noContent, 'Content-Length: 0'])).toEqual(noContent);
  });

  it('says how the connection goes on only where that is not the custom', () => {
    expect(answered(ok, { persist: Persist.keep })).toEqual(ok);
    expect(answered(ok, { persist: Persist.keepOld })).toEqual([...ok, 'Connection: keep-alive']);
    expect(answered(ok, { persist: Persist.close })).toEqual([...ok, 'Connection: close']);
  });

  it('has a cookie of ours beside those that came, and is private then', () => {
    const theirs = [...ok, 'Set-Cookie: a=1', 'Cache-Control: max-age=60'];
    expect(answered(theirs, { cookie: latin1('lb=1; Path=/') })).toEqual([
      ...theirs,
      'Set-Cookie: lb=1; Path=/',
      'Cache-Control: private',
    ]);
  });
});

describe('an interim response', () => {
  const interim = (lines: readonly string[], upgrade: boolean): string[] => {
    const head = response(...lines);
    return linesOf(written((out, at) => writeInterimHead(out, at, head, upgrade, null)));
  };

  it('has its fields, and nothing of ours', () => {
    expect(interim(['HTTP/1.1 103 Early Hints', 'Link: a', 'Connection: close'], false)).toEqual([
      'HTTP/1.1 103 Early Hints',
      'Link: a',
    ]);
    expect(interim(['HTTP/1.1 100', 'Content-Length: 5'], false)).toEqual(['HTTP/1.1 100 ']);
  });

  it('opens a tunnel by the protocol that it names first', () => {
    const lines = ['HTTP/1.1 101 x', 'Upgrade:  a', 'connection: UPGRADE', 'A: 1', 'Upgrade: b'];
    expect(interim(lines, true)).toEqual([
      'HTTP/1.1 101 x',
      'A: 1',
      'Connection: Upgrade',
      'Upgrade: a',
    ]);
  });
});

describe('the end of a chunked message', () => {
  const end = (trailers: Head | null, lastChunkSent: boolean): string =>
    written((out, at) =>
      writeChunkedEnd(out, at, trailers, lastChunkSent, (id) => !forbiddenInTrailer(id)),
    );
  const section = (text: string): Head => parseHead('trailers', `${text}\r\n`).head;

  it('is the last chunk, unless it has been sent, and an empty line', () => {
    expect(end(null, false)).toBe('0\r\n\r\n');
    expect(end(null, true)).toBe('\r\n');
    expect(end(section(''), false)).toBe('0\r\n\r\n');
  });

  it('has the trailers between them, in canonical form', () => {
    expect(end(section('A:1\r\nB: 2\r\nC: 3\r\n'), false)).toBe(
      '0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n',
    );
    expect(end(section('A: 1\r\n'), true)).toBe('A: 1\r\n\r\n');
  });

  it('leaves out the trailers that may not travel', () => {
    const trailers = section('A: 1\r\nContent-Length: 5\r\nHost: a\r\nDate: x\r\nTE: b\r\n');
    expect(end(trailers, true)).toBe('A: 1\r\nDate: x\r\n\r\n');
    expect(fieldLines(trailers)).toHaveLength(5);
    expect(trailers.id(1)).toBe(Field.dropped);
    expect(end(section('Content-Length: 5\r\nA: 1\r\n'), true)).toBe('A: 1\r\n\r\n');
  });

  it('is the end for whoever reads it', () => {
    const text = end(section('A: 1\r\n'), true);
    expect(parseHead('trailers', text).stop).toBe(text.length);
  });
});
