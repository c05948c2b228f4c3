import { describe, expect, it } from 'vitest';
import { latin1 } from '../core/base/bytes.ts';
import { failure } from '../core/base/failure.ts';
import { Call, type ClientAnswer } from './fake-client.ts';

type Heard = Omit<ClientAnswer, 'tookMs'>;

function called(isHead = false) {
  const heard: Heard[] = [];
  const call = new Call(isHead, (answer) => void heard.push(answer));
  return { call, heard };
}

describe('a call', () => {
  it('ends with the final answer, not with an interim one', () => {
    const { call, heard } = called();
    call.onData(latin1('HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\n'));
    expect(heard).toEqual([]);
    call.onData(latin1('Content-Length: 2\r\n\r\nok'));
    call.onClose(null);
    expect(heard).toEqual([
      {
        status: 200,
        headers: { a: '1', 'content-length': '2' },
        setCookies: [],
        body: 'ok',
        broken: null,
      },
    ]);
  });

  it('says what came of an answer that was broken off, and how', () => {
    const { call, heard } = called();
    call.onData(latin1('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'));
    call.onClose(failure('reset', 'backend', 'relay', 'never', 'x:80 reset the connection'));
    expect(heard[0]).toMatchObject({
      status: 200,
      body: 'ok',
      broken: 'x:80 reset the connection',
    });
  });

  it('says that nothing came', () => {
    const { call, heard } = called();
    call.onData(latin1('HTTP/1.1 100 Continue\r\n\r\n'));
    call.onEnd();
    expect(heard).toEqual([
      { status: 0, headers: {}, setCookies: [], body: '', broken: 'it was closed' },
    ]);
  });

  it('has every cookie that it was told to keep', () => {
    const { call, heard } = called();
    call.onData(latin1('HTTP/1.1 204 X\r\nSet-Cookie: a=1\r\nset-cookie: b=2; Secure\r\n\r\n'));
    expect(heard[0].setCookies).toEqual(['a=1', 'b=2; Secure']);
  });

  it('takes an answer that ends with its connection for whole', () => {
    const { call, heard } = called();
    call.onData(latin1('HTTP/1.1 200 OK\r\n\r\nall'));
    call.onEnd();
    expect(heard[0]).toMatchObject({ body: 'all', broken: null });
  });

  it('knows that HEAD has no body', () => {
    const { call, heard } = called(true);
    call.onData(latin1('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'));
    expect(heard[0]).toMatchObject({ status: 200, body: '', broken: null });
  });

  it('is no way to hide an answer that nobody can read', () => {
    const { call } = called();
    expect(() => call.onData(latin1('HTTP/1.1 200 OK\nA: 1\n\n'))).toThrow(
      'cannot read its answer',
    );
  });
});
