import { describe, expect, it } from 'vitest';
import { request } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { type Refusal, refusals } from './refusal.ts';
import { Body, digits, RequestFacts } from './request-facts.ts';

/** What these lines mean; the facts must have been understood. */
function understood(...lines: readonly string[]) {
  const head = request(...lines);
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBe(null);
  const text = (start: number, end: number): string => toLatin1(head.bytes, start, end);
  return {
    facts,
    head,
    host: facts.hostText(head),
    path: text(facts.pathStart, facts.pathEnd),
  };
}

function refused(...lines: readonly string[]): Refusal | null {
  const facts = new RequestFacts();
  const refusal = facts.decide(request(...lines));
  if (refusal !== null) expect(facts.keepAlive).toBe(false);
  return refusal;
}

const get = (...fields: readonly string[]) => understood('GET / HTTP/1.1', 'Host: a', ...fields);
const post = (...fields: readonly string[]) => understood('POST / HTTP/1.1', 'Host: a', ...fields);

describe('digits', () => {
  const read = (text: string): number => digits(latin1(`<${text}>`), 1, 1 + text.length);

  it.each([
    ['0', 0],
    ['5', 5],
    ['0000000000000000000000000000005', 5],
    ['999999999999999', 999_999_999_999_999],
    ['1000000000000000', -2],
    ['9007199254740993', -2],
    ['9223372036854775808', -2],
    ['18446744073709551621', -2],
    ['9'.repeat(400), -2],
    [`${'9'.repeat(400)}x`, -1],
    ['', -1],
    ['+5', -1],
    ['-5', -1],
    ['0x5', -1],
    ['5e0', -1],
    ['5.0', -1],
    ['5 5', -1],
    ['5,5', -1],
    ['\xb2', -1],
    ['5_0', -1],
  ])('of %j are %i', (text, value) => {
    expect(read(text)).toBe(value);
  });
});

describe('the body of a request', () => {
  it('is none without Content-Length and Transfer-Encoding, whatever the method', () => {
    for (const method of ['GET', 'POST', 'FROB']) {
      const { facts } = understood(`${method} / HTTP/1.1`, 'Host: a');
      expect([facts.body, facts.contentLength]).toEqual([Body.none, 0]);
    }
    expect(understood('POST / HTTP/1.0').facts.body).toBe(Body.none);
  });

  it('has the length that Content-Length says', () => {
    expect(post('Content-Length: 5').facts).toMatchObject({ body: Body.length, contentLength: 5 });
    expect(get('Content-Length: 0').facts).toMatchObject({ body: Body.none, contentLength: 0 });
    expect(get('content-length:\t007 ').facts).toMatchObject({ contentLength: 7 });
  });

  it('is chunked if Transfer-Encoding says exactly that, in any case', () => {
    expect(post('Transfer-Encoding: chunked').facts.body).toBe(Body.chunked);
    expect(post('transfer-encoding:\tChunked\t').facts.body).toBe(Body.chunked);
  });

  it('is not decided by names that only look alike', () => {
    const { facts } = post('Transfer_Encoding: chunked', 'Content-Length: 5', 'Content_Length: 9');
    expect(facts).toMatchObject({ body: Body.length, contentLength: 5 });
  });

  const framing = (...fields: readonly string[]) =>
    refused('POST / HTTP/1.1', 'Host: a', ...fields);

  it.each([
    ['+5'],
    ['-5'],
    ['0x5'],
    ['5, 5'],
    ['5,'],
    [',5'],
    ['"5"'],
    ['5;x'],
    [''],
    ['\xb2'],
    ['abc'],
  ])('is refused with Content-Length: %j', (value) => {
    expect(framing(`Content-Length: ${value}`)).toBe(refusals.contentLength);
  });

  it('is refused when it is too long to be counted', () => {
    expect(framing('Content-Length: 9007199254740993')).toBe(refusals.contentLengthHuge);
  });

  it('is refused with two lengths, also if they agree', () => {
    const twice = refusals.contentLengthTwice;
    expect(framing('Content-Length: 5', 'Content-Length: 6')).toBe(twice);
    expect(framing('Content-Length: 5', 'content-length: 5')).toBe(twice);
  });

  it('is refused with a length and an encoding, in either order', () => {
    const both = refusals.lengthAndEncoding;
    expect(framing('Content-Length: 5', 'Transfer-Encoding: chunked')).toBe(both);
    expect(framing('Transfer-Encoding: chunked', 'Content-Length: 5')).toBe(both);
    expect(framing('Transfer-Encoding: chunked\x85', 'Content-Length: 5')).toBe(both);
  });

  it.each([
    'gzip',
    'chunked, gzip',
    'gzip, chunked',
    'chunked, chunked',
    'identity',
    'xchunked',
    '"chunked"',
    "'chunked'",
    'chunked;q=1',
    'chunked,',
    ',chunked',
    '\xa0chunked',
    'chunked\x85',
    'chun ked',
    '',
  ])('is refused with Transfer-Encoding: %j', (value) => {
    expect(framing(`Transfer-Encoding: ${value}`)).toBe(refusals.transferEncoding);
  });

  it('is refused with two encodings, and in HTTP/1.0 with any', () => {
    const lines = ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'];
    expect(framing(...lines)).toBe(refusals.transferEncodingTwice);
    const old = refused('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked');
    expect(old).toBe(refusals.transferEncodingOld);
  });

  it('is refused when Connection nominates what frames it', () => {
    for (const name of ['Content-Length', 'transfer-encoding']) {
      const value = name === 'Content-Length' ? '5' : 'chunked';
      const refusal = framing(`${name}: ${value}`, `Connection: ${name}`);
      expect(refusal).toBe(refusals.hostNominated);
    }
  });
});

describe('the host of a request', () => {
  it('is that of the Host field', () => {
    expect(get().host).toBe('a');
    expect(understood('GET / HTTP/1.1', 'host:  Example.com:80 ').host).toBe('Example.com:80');
  });

  it('is that of an absolute URL, whatever Host says', () => {
    const { host, path } = understood('GET http://b:81/x?y HTTP/1.1', 'Host: a');
    expect([host, path]).toEqual(['b:81', '/x?y']);
  });

  it('may be missing in HTTP/1.0 alone', () => {
    expect(understood('GET / HTTP/1.0').host).toBe('');
    expect(refused('GET / HTTP/1.1')).toBe(refusals.hostMissing);
    expect(refused('GET http://b/ HTTP/1.1')).toBe(refusals.hostMissing);
  });

  it('is refused when it is there twice, empty, nominated by Connection or no host', () => {
    for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
      const get = (...fields: string[]) => refused(`GET / ${version}`, ...fields);
      expect(get('Host: a', 'Host: a')).toBe(refusals.hostTwice);
      expect(get('Host: a', 'host: b')).toBe(refusals.hostTwice);
      expect(get('Host: ')).toBe(refusals.hostEmpty);
      expect(get('Host: a', 'Connection: host')).toBe(refusals.hostNominated);
      for (const host of ['a b', 'a/x', 'u@a', 'a:99999', 'a,b', 'a%']) {
        expect(get(`Host: ${host}`)).toBe(refusals.hostInvalid);
      }
    }
  });
});

describe('the target of a request', () => {
  it.each(['/', '/a//b/../%2e%2e/c?x=1&y=%2F', '//x', '/?', '/*', '/http://b'])(
    'is forwarded as it came: %s',
    (target) => {
      const { path, facts } = understood(`GET ${target} HTTP/1.1`, 'Host: a');
      expect([path, facts.pathEmpty]).toEqual([target, false]);
    },
  );

  it('loses scheme and host of an absolute URL', () => {
    for (const [target, host, path, empty] of [
      ['http://b/x', 'b', '/x', false],
      ['HTTPS://b/', 'b', '/', false],
      ['http://b', 'b', '', true],
      ['http://b?q', 'b', '?q', true],
      ['http://[::1]:80/x', '[::1]:80', '/x', false],
    ] as const) {
      const of = understood(`GET ${target} HTTP/1.1`, 'Host: a');
      expect([of.host, of.path, of.facts.pathEmpty]).toEqual([host, path, empty]);
    }
  });

  it('may be * for OPTIONS alone', () => {
    expect(understood('OPTIONS * HTTP/1.1', 'Host: a').path).toBe('*');
    for (const line of ['GET * HTTP/1.1', 'OPTIONS *x HTTP/1.1', 'options * HTTP/1.1']) {
      expect(refused(line, 'Host: a')).toBe(refusals.targetForm);
    }
  });

  it.each([
    ['foo', refusals.targetForm],
    ['example.com:80', refusals.targetForm],
    ['ftp://b/', refusals.targetForm],
    ['http:/b', refusals.targetForm],
    ['http:', refusals.targetForm],
    ['?x', refusals.targetForm],
    ['http://', refusals.targetAuthority],
    ['http:///x', refusals.targetAuthority],
    ['http://?x', refusals.targetAuthority],
    ['http://:80/', refusals.targetAuthority],
    ['http://b:99999/', refusals.targetAuthority],
    ['http://b:x/', refusals.targetAuthority],
    ['http://a,b/', refusals.targetAuthority],
    ['http://b\\c/', refusals.targetAuthority],
    ['http://[::1/', refusals.targetAuthority],
    ['http://%/', refusals.targetAuthority],
    ['http://u:p@b/', refusals.targetUserinfo],
    ['http://@b/', refusals.targetUserinfo],
    ['http://b@c', refusals.targetUserinfo],
  ])('is refused when it is %s', (target, refusal) => {
    expect(refused(`GET ${target} HTTP/1.1`, 'Host: a')).toBe(refusal);
  });
});

describe('the method of a request', () => {
  it('is safe to repeat if RFC 9110 calls it idempotent', () => {
    const methods = 'GET HEAD PUT DELETE OPTIONS POST PATCH get Put FROB PUTS'.split(' ');
    const idempotent = methods.filter(
      (method) => understood(`${method} / HTTP/1.1`, 'Host: a').facts.idempotent,
    );
    expect(idempotent).toEqual(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
  });

  it('is known where the answer depends on it', () => {
    expect(get().facts).toMatchObject({ isGet: true, isHead: false });
    const head = understood('HEAD / HTTP/1.1', 'Host: a').facts;
    expect(head).toMatchObject({ isGet: false, isHead: true });
    expect(understood('head / HTTP/1.1', 'Host: a').facts.isHead).toBe(false);
  });

  it('must not be TRACE or CONNECT; their case counts', () => {
    expect(refused('TRACE / HTTP/1.1', 'Host: a')).toBe(refusals.notAllowed);
    expect(refused('CONNECT b:443 HTTP/1.1', 'Host: b:443')).toBe(refusals.notAllowed);
    expect(understood('trace / HTTP/1.1', 'Host: a').path).toBe('/');
  });
});

describe('a refused request', () => {
  it('ends the connection: what follows its head could be its body', () => {
    for (const line of ['TRACE / HTTP/1.1', 'CONNECT b:443 HTTP/1.1']) {
      const facts = new RequestFacts();
      expect(facts.decide(request(line, 'Host: a', 'Content-Length: 44'))).not.toBe(null);
      expect(facts.keepAlive).toBe(false);
    }
  });
});

describe('the connection after a request', () => {
  it.each([
    ['HTTP/1.1', 'X: 1', true],
    ['HTTP/1.1', 'Connection: close', false],
    ['HTTP/1.1', 'Connection: keep-alive, CLOSE', false],
    ['HTTP/1.0', 'X: 1', false],
    ['HTTP/1.0', 'Connection: keep-alive', true],
    ['HTTP/1.0', 'Connection: close, keep-alive', false],
  ])('%s with %s: may go on is %s', (version, field, expected) => {
    const { facts } = understood(`GET / ${version}`, 'Host: a', field);
    expect(facts.keepAlive).toBe(expected);
    expect(facts.old).toBe(version === 'HTTP/1.0');
  });
});

describe('an upgrade', () => {
  const asks = (...fields: readonly string[]): boolean => get(...fields).facts.upgrade;

  it('is asked for by both fields', () => {
    expect(asks('Connection: Upgrade', 'Upgrade: websocket')).toBe(true);
    expect(asks('Connection: keep-alive, upgrade', 'Upgrade: websocket')).toBe(true);
    expect(asks('Upgrade: websocket')).toBe(false);
    expect(asks('Connection: Upgrade')).toBe(false);
  });

  it('is ignored in HTTP/1.0 and with a body', () => {
    const fields = ['Connection: Upgrade', 'Upgrade: websocket'];
    expect(understood('GET / HTTP/1.0', ...fields).facts.upgrade).toBe(false);
    expect(asks(...fields, 'Content-Length: 1')).toBe(false);
    expect(asks(...fields, 'Transfer-Encoding: chunked')).toBe(false);
  });

  it('is never one to cleartext HTTP/2, however it is offered', () => {
    for (const offer of ['h2c', 'H2C', 'websocket, h2c', 'h2c, websocket']) {
      expect(asks('Connection: Upgrade, HTTP2-Settings', `Upgrade: ${offer}`)).toBe(false);
    }
    expect(asks('Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: websocket')).toBe(false);
    expect(asks('Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: h2c')).toBe(true);
  });
});

describe('what else a request asks for', () => {
  it('an interim answer before the body, in HTTP/1.1 alone', () => {
    expect(post('Expect: 100-Continue').facts.expectContinue).toBe(true);
    const old = understood('POST / HTTP/1.0', 'Expect: 100-continue');
    expect(old.facts.expectContinue).toBe(false);
    const other = refused('POST / HTTP/1.1', 'Host: a', 'Expect: foo');
    expect(other).toBe(refusals.expectation);
  });

  it('trailers', () => {
    expect(get('TE: Trailers').facts.teTrailers).toBe(true);
    expect(get('TE: gzip').facts.teTrailers).toBe(false);
    expect(get('TE: gzip', 'TE: trailers').facts.teTrailers).toBe(true);
  });

  it('a last hop, which counts for OPTIONS alone', () => {
    const options = 'OPTIONS / HTTP/1.1';
    expect(understood(options, 'Host: a', 'Max-Forwards: 3').facts.maxForwards).toBe(3);
    expect(get('Max-Forwards: 3').facts.maxForwards).toBe(-1);
    expect(get('Max-Forwards: x').facts.maxForwards).toBe(-1);
    expect(refused(options, 'Host: a', 'Max-Forwards: x')).toBe(refusals.maxForwards);
  });
});

describe('facts', () => {
  it('keep nothing of the request before', () => {
    const facts = new RequestFacts();
    const rich = request(
      'OPTIONS http://b HTTP/1.0',
      'Host: b',
      'Content-Length: 5',
      'Expect: 100-continue',
      'TE: trailers',
      'Max-Forwards: 1',
      'Connection: Upgrade, keep-alive',
      'Upgrade: x',
    );
    expect(facts.decide(rich)).toBe(null);
    expect(facts.decide(request('GET / HTTP/1.1', 'Host: a'))).toBe(null);
    const plain = new RequestFacts();
    plain.decide(request('GET / HTTP/1.1', 'Host: a'));
    expect(facts).toEqual(plain);
    facts.decide(rich);
    const unparsed = request('GET / HTTP/1.1', 'Host: a');
    facts.clear(unparsed);
    expect(facts).toMatchObject({ body: Body.none, hostEnd: 0, maxForwards: -1, upgrade: false });
  });
});
