import { beforeEach, describe, expect, it } from 'vitest';
import { get, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { fieldLines } from '../../../test/fuzz/heads.ts';
import { latin1 } from '../base/bytes.ts';
import { Body } from '../http/request-facts.ts';
import { NEED_MORE, REFUSED } from '../http1/head-parser.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { ResponseHeadReader } from './response-head-reader.ts';

const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const switching = (protocol: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

let engine: Engine;
let heads: ResponseHeadReader;

beforeEach(() => {
  engine = new Stage().engine;
  heads = new ResponseHeadReader(engine);
});

/** An exchange that has understood this request. */
function asking(text = get()): Exchange {
  const exchange = engine.takeExchange();
  engine.requestParser.begin('request', exchange.head, 0);
  const stop = engine.requestParser.parse(latin1(text), text.length);
  expect(exchange.parse(0, stop)).toBe(null);
  return exchange;
}

/** The status codes of the heads in these parts, up to the final one, and what is behind it. */
function readAll(parts: readonly string[], exchange: Exchange): string {
  const statuses: number[] = [];
  for (const [index, part] of parts.entries()) {
    for (let at = 0; ; ) {
      at = heads.read(latin1(part), at, exchange);
      if (at === NEED_MORE) break;
      if (at === REFUSED) return `${heads.refusal.rule} at ${heads.refusedAt}`;
      statuses.push(heads.head.status);
      if (engine.responseFacts.interim) continue;
      return `${statuses.join(' ')}, ${part.slice(at)}${parts.slice(index + 1).join('')}`;
    }
  }
  return `${statuses.join(' ')}, more`;
}

describe('the heads of responses', () => {
  it('are read one after another, up to the final one', () => {
    expect(readAll([`${HINTS}${HINTS}${OK}ok`], asking())).toBe('103 103 200, ok');
    expect(fieldLines(heads.head)).toEqual(['Content-Length: 2']);
    expect(engine.responseFacts.contentLength).toBe(2);
    expect([heads.goesOn, heads.pendingBytes]).toEqual([false, 0]);
  });

  it('are the same wherever they are cut', () => {
    const exchange = asking();
    const text = `${HINTS}${HINTS}${OK}ok`;
    for (let cut = 1; cut < text.length; cut++) {
      const parts = [text.slice(0, cut), text.slice(cut)];
      expect(readAll(parts, exchange)).toBe('103 103 200, ok');
      expect(fieldLines(heads.head)).toEqual(['Content-Length: 2']);
    }
    expect(readAll([...text], exchange)).toBe('103 103 200, ok');
  });

  it('mean what they mean by the request: nothing follows the answer to a HEAD', () => {
    readAll([OK], asking(get().replace('GET', 'HEAD')));
    expect(engine.responseFacts.body).toBe(Body.none);
  });
});

describe('a head in parts', () => {
  it('is kept while it waits for more, without the interim ones before it', () => {
    const exchange = asking();
    expect(readAll([`${HINTS}HTTP/1.1 2`], exchange)).toBe('103, more');
    expect([heads.goesOn, heads.pendingBytes]).toEqual([true, 'HTTP/1.1 2'.length]);
    expect(readAll(['00 OK\r\n\r\nok'], exchange)).toBe('200, ok');
    expect([heads.goesOn, heads.pendingBytes]).toEqual([false, 0]);
  });

  it('is awaited also when interim ones ended with the bytes', () => {
    expect(readAll([HINTS], asking())).toBe('103, more');
    expect([heads.goesOn, heads.pendingBytes]).toEqual([true, 0]);
  });
});

describe('a head that breaks a rule', () => {
  it.each([
    ['of the grammar', 'HTTP/1.1 200 OK\r\nServer : a\r\n\r\n', 'FL01 at 23'],
    ['of the framing', 'HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n', 'CL06 at 0'],
  ])('%s is refused, whole, in parts and behind an interim one', (_which, text, refused) => {
    const exchange = asking();
    for (const parts of [[text], [text.slice(0, 20), text.slice(20)], [HINTS + text]]) {
      expect(readAll(parts, exchange)).toBe(refused);
    }
  });
});

describe('a switch of protocols', () => {
  it('is refused when nobody asked for it', () => {
    expect(readAll([switching('websocket')], asking())).toBe('UP24 at 0');
  });

  it('is refused when another protocol was asked for', () => {
    expect(readAll([switching('h2c')], asking(get('/', UPGRADE)))).toBe('UP25 at 0');
  });

  it('is read like any head when it was asked for', () => {
    const text = `${switching('WebSocket')}hello`;
    const stop = heads.read(latin1(text), 0, asking(get('/', UPGRADE)));
    expect([heads.head.status, text.slice(stop)]).toEqual([101, 'hello']);
  });
});
