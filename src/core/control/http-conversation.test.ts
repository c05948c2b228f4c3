import { describe, expect, it } from 'vitest';
import { backend, healthCheck } from '../../../test/fixtures/control-world.ts';
import { latin1 } from '../base/bytes.ts';
import { HttpConversation } from './http-conversation.ts';

const talk = (expectedBody: string | null): HttpConversation =>
  new HttpConversation(backend(), healthCheck({ expectedBody }));

const heard = (expectedBody: string, ...parts: string[]) => {
  const conversation = talk(expectedBody);
  return parts.map((part) => conversation.heard(latin1(part)));
};

const passed = (what: string) => ({ kind: 'passed', what });
const failed = (why: string) => ({ kind: 'failed', how: 'other', why });

const HEAD = 'HTTP/1.1 200 OK\r\n';

describe('a probe by http that expects a text in the body', () => {
  it('passes as soon as that has come, however the answer is framed', () => {
    const yes = passed('GET /health answered 200 with "ready" in its body');
    expect(heard('ready', `${HEAD}Content-Length: 1000\r\n\r\nI am rea`, 'dy')).toEqual([
      null,
      yes,
    ]);
    const chunked = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
    expect(heard('ready', chunked, '2\r\nre\r\n', '3\r\nady')).toEqual([null, null, yes]);
    expect(heard('ready', HEAD, '\r\n', 'ready')).toEqual([null, null, yes]);
  });

  it('says what came instead, shortened and harmless', () => {
    expect(heard('ready', `${HEAD}Content-Length: 8\r\n\r\n\x1b[2Jwait`)).toEqual([
      failed('GET /health answered 200 without "ready", but with ".[2Jwait"'),
    ]);
    expect(heard('ready', `${HEAD}Content-Length: 100\r\n\r\n${'z'.repeat(100)}`)).toEqual([
      failed(`GET /health answered 200 without "ready", but with "${'z'.repeat(60)}..."`),
    ]);
    expect(heard('ready', `${HEAD}Content-Length: 0\r\n\r\n`)).toEqual([
      failed('GET /health answered 200 without "ready", but with an empty body'),
    ]);
  });

  it('says how far it has looked', () => {
    const [evidence] = heard('ready', `${HEAD}\r\n${'z'.repeat(65 * 1024)}`);
    expect(evidence).toMatchObject({
      why: expect.stringContaining(
        'without "ready" in the first 64 KiB of its body, but with "zzz',
      ),
    });
  });

  it('reads no body when the status is not expected', () => {
    expect(heard('ready', 'HTTP/1.1 503 No\r\n\r\n')).toEqual([failed('GET /health answered 503')]);
  });

  it('says what is wrong with a body that cannot be read', () => {
    expect(heard('ready', `${HEAD}Transfer-Encoding: gzip\r\n\r\n`)).toEqual([
      failed(
        'GET /health answered 200 with a body that cannot be read: ' +
          'a Transfer-Encoding other than chunked',
      ),
    ]);
  });

  it('judges by what has come when the connection closes', () => {
    const conversation = talk('ready');
    expect(conversation.heard(latin1(`${HEAD}\r\nnot rea`))).toBeNull();
    expect(conversation.ended()).toEqual(
      failed('GET /health answered 200 without "ready", but with "not rea"'),
    );
    const cut = talk('ready');
    expect(cut.heard(latin1(`${HEAD}Content-Length: 10\r\n\r\nnot rea`))).toBeNull();
    expect(cut.ended()).toMatchObject({ why: expect.stringContaining('closed before its end') });
    expect(talk('ready').ended()).toEqual(
      failed('the connection was closed before an answer to GET /health'),
    );
  });
});

it('without one the status alone decides, before the head has ended', () => {
  expect(talk(null).heard(latin1(HEAD))).toEqual(passed('GET /health answered 200'));
});
