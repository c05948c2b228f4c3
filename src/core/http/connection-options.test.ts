import { describe, expect, it } from 'vitest';
import { request } from '../../../test/fuzz/heads.ts';
import { connectionOptions } from './connection-options.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { refusals } from './refusal.ts';

const head = (...lines: readonly string[]): Head => request('GET / HTTP/1.1', 'Host: a', ...lines);

/** Names of the fields that must not be forwarded. */
function dropped(of: Head): string[] {
  const names: string[] = [];
  for (let field = 0; field < of.fieldCount; field++) {
    if (of.id(field) !== Field.dropped) continue;
    const letters = of.bytes.slice(of.nameStart(field), of.nameEnd(field));
    names.push(String.fromCharCode(...letters));
  }
  return names;
}

const none = { close: false, keepAlive: false, upgrade: false, refusal: null };

describe('the options of a connection', () => {
  it('are none where there is no Connection field', () => {
    expect(connectionOptions(head('X: close'))).toEqual(none);
  });

  it.each([
    ['close', { close: true }],
    ['Close', { close: true }],
    ['keep-alive', { keepAlive: true }],
    ['Keep-Alive, Upgrade', { keepAlive: true, upgrade: true }],
    ['upgrade', { upgrade: true }],
    [',, close ,\t,', { close: true }],
    ['x,close', { close: true }],
    ['close x', {}],
    ['closed', {}],
    ['clos', {}],
    ['"close"', {}],
    [',', {}],
    ['', {}],
  ])('are read from %j', (value, expected) => {
    expect(connectionOptions(head(`Connection: ${value}`))).toEqual({ ...none, ...expected });
  });

  it('are gathered from several lines', () => {
    const options = connectionOptions(head('Connection: close', 'X: 1', 'connection: upgrade'));
    expect(options).toEqual({ ...none, close: true, upgrade: true });
  });

  it('do not stay from one message to the next', () => {
    connectionOptions(head('Connection: close, upgrade, keep-alive'));
    expect(connectionOptions(head('Connection: x'))).toEqual(none);
  });
});

describe('nominated fields', () => {
  it('are marked as dropped, every line of them, whatever the case', () => {
    const of = head('Connection: X-Foo', 'x-foo: 1', 'X-Bar: 2', 'X-FOO: 3', 'X-Foo2: 4');
    expect(connectionOptions(of)).toEqual(none);
    expect(dropped(of)).toEqual(['x-foo', 'X-FOO']);
  });

  it('are found in several lines and between empty elements', () => {
    const of = head('Connection: x-foo', 'Connection: ,, x-bar ,', 'X-Foo: 1', 'X-Bar: 2', 'X: 3');
    connectionOptions(of);
    expect(dropped(of)).toEqual(['X-Foo', 'X-Bar']);
  });

  it('may be such as we set ourselves: the client cannot take ours away', () => {
    const of = head('Connection: X-Forwarded-For, Cookie', 'X-Forwarded-For: 6.6.6.6', 'Cookie: 1');
    connectionOptions(of);
    expect(dropped(of)).toEqual(['X-Forwarded-For', 'Cookie']);
  });

  it('never are Connection and TE themselves, which go no further anyway', () => {
    const of = head('Connection: connection, te', 'TE: trailers');
    expect(connectionOptions(of)).toEqual(none);
    expect(dropped(of)).toEqual([]);
  });

  it('need not be there', () => {
    expect(connectionOptions(head('Connection: x-not-there'))).toEqual(none);
  });

  it.each(['host', 'Host', 'Content-Length', 'transfer-encoding'])(
    'make the message unusable when they hold it together: %s',
    (name) => {
      const of = head(`Connection: close, ${name}`, 'Content-Length: 0', 'Transfer-Encoding: x');
      expect(connectionOptions(of).refusal).toBe(refusals.hostNominated);
    },
  );

  it('are at most a hundred, so that a long list cannot cost a long time', () => {
    const list = (length: number): string => Array.from({ length }, (_, i) => `x-${i}`).join();
    const most = head(`Connection: ${list(99)}, a`, 'Connection: close, ,', 'A: 1');
    expect(connectionOptions(most)).toEqual({ ...none, close: true });
    expect(dropped(most)).toEqual(['A']);
    const more = head(`Connection: ${list(50)}`, `Connection: ${list(51)}`);
    expect(connectionOptions(more).refusal).toBe(refusals.connectionLong);
    expect(connectionOptions(head('Connection: close')).refusal).toBe(null);
  });
});
