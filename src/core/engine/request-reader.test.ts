import { beforeEach, describe, expect, it } from 'vitest';
import { get, post, Stage, type StageOptions } from '../../../test/engine-stage/engine-stage.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import type { Socket } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import type { Refusal } from '../http/refusal.ts';
import { Body } from '../http/request-facts.ts';
import type { Engine } from './engine.ts';
import type { Exchange } from './exchange.ts';
import { type RequestEvents, RequestReader } from './request-reader.ts';

/** Writes down what it hears. Its exchanges are over when `answer` is called, or at once. */
class Listener implements RequestEvents, Socket {
  readonly reader: RequestReader;
  readonly engine: Engine;
  said: string[] = [];
  body = '';
  answersAtOnce = false;
  paused = false;
  private exchange: Exchange | null = null;

  constructor(options: StageOptions = {}) {
    this.engine = new Stage(options).engine;
    this.reader = new RequestReader(this.engine, this, this);
  }

  feed(text: string): this {
    this.reader.onData(latin1(text));
    return this;
  }

  answer(): void {
    this.engine.giveExchange(this.exchange!);
    this.exchange = null;
    this.reader.beginHead();
  }

  onHeadBegun(): void {
    this.said.push('begun');
  }

  onHead(exchange: Exchange, start: number, end: number): void {
    expect(exchange.parse(start, end)).toBe(null);
    this.said.push(`${exchange.head.method} ${exchange.head.target}`);
    this.exchange = exchange;
    const { body, contentLength } = exchange.facts;
    this.reader.beginBody(body, contentLength);
    if (body === Body.none && this.answersAtOnce) this.answer();
  }

  onHeadRefused(exchange: Exchange, refusal: Refusal, at: number): void {
    this.said.push(`${refusal.rule} at ${at}`);
    this.engine.giveExchange(exchange);
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.body += toLatin1(bytes, start, end);
    return true;
  }

  onBodyRefused(refusal: Refusal, at: number): void {
    this.said.push(`${refusal.rule} at ${at}`);
    this.reader.stop();
  }

  onBodyEnd(trailers: Head | null): void {
    this.said.push(trailers === null ? 'whole' : `whole, ${trailers.fieldCount} trailers`);
    if (this.answersAtOnce) this.answer();
  }

  /** How often what has come was handed over. */
  flushes = 0;

  flushRequest(): void {
    this.flushes++;
  }

  onInputEnd(): void {
    this.said.push('end');
  }

  pauses = 0;
  resumes = 0;

  pause(): void {
    this.pauses++;
    this.paused = true;
  }

  resume(): void {
    this.resumes++;
    this.paused = false;
  }

  write(): boolean {
    return true;
  }

  unsentBytes(): number {
    return 0;
  }

  end(): void {}
  close(): void {}
  reset(): void {}
}

let client: Listener;

beforeEach(() => {
  client = new Listener();
});

const CHUNKED = 'POST /chunks HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';
const LONG = 'x'.repeat(70_000);

describe('requests', () => {
  it('are a head, the parts of its body, its end', () => {
    client.feed(post('hello').slice(0, -2));
    expect(client.said).toEqual(['POST /']);
    expect(client.reader.isWhole).toBe(false);
    client.feed('lo');
    expect(client.said).toEqual(['POST /', 'whole']);
    expect(client.body).toBe('hello');
    expect(client.reader.isWhole).toBe(true);
  });

  it('are handed over as they came: a head and a body in one go as one', () => {
    client.feed(post('hello'));
    expect(client.flushes).toBe(1);
    client.answer();
    client.feed(post('hello').slice(0, -5));
    expect(client.flushes).toBe(2);
    client.feed('hello');
    expect(client.flushes).toBe(3);
  });

  it('have their chunks handed on as they came, and their trailers at the end', () => {
    client.feed(`${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`);
    expect(client.said).toEqual(['POST /chunks', 'whole, 1 trailers']);
    expect(client.body).toBe('5\r\nhello\r\n0\r\n');
  });

  it('are read one at a time: the next waits until the exchange is over', () => {
    client.feed(get('/one') + get('/two'));
    expect(client.said).toEqual(['GET /one']);
    expect(client.reader.pendingBytes).toBe(get('/two').length);
    client.answer();
    expect(client.said).toEqual(['GET /one', 'GET /two']);
    expect(client.reader.pendingBytes).toBe(0);
  });

  it('are the same wherever the bytes are cut', () => {
    client.answersAtOnce = true;
    const text = `${get('/one')}${post('hello')}${CHUNKED}2\r\nab\r\n0\r\n\r\n\r\n${get('/four')}`;
    client.feed(text);
    const { said, body } = client;
    expect(said.filter((word) => word !== 'whole')).toEqual([
      'GET /one',
      'POST /',
      'POST /chunks',
      'GET /four',
    ]);
    for (let cut = 1; cut < text.length; cut++) {
      const again = new Listener();
      again.answersAtOnce = true;
      again.feed(text.slice(0, cut)).feed(text.slice(cut));
      const heard = again.said.filter((word) => word !== 'begun');
      expect([heard, again.body]).toEqual([said, body]);
      expect(again.engine.open().exchanges).toBe(0);
    }
  });
});

describe('a head in parts', () => {
  it('is announced when it begins; blank lines do not begin it', () => {
    client.feed('\r\n');
    expect(client.said).toEqual([]);
    client.feed('G');
    expect(client.said).toEqual(['begun']);
    client.feed('ET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(client.said).toEqual(['begun', 'GET /']);
  });

  it('can be given up: its exchange knows what has come', () => {
    client.feed('GET /path HTTP/1.1\r\nHo');
    const { head } = client.reader.giveUpHead();
    expect([head.method, head.target]).toEqual(['GET', '/path']);
    client.feed('st: a\r\n\r\n');
    expect(client.said).toEqual(['begun']);
    expect([client.reader.pendingBytes, client.reader.isWhole]).toEqual([0, false]);
  });

  it('may be as long as the limit says, and is never what stops the reading', () => {
    const long = get('/long', 'X-Long: xxxxxxxxxxxxxxxxxxxxxxxx\r\n'.repeat(6000));
    const limits = { headBytes: 256 * 1024, headerFields: 10_000 };
    for (const before of ['', get('/one')]) {
      const one = new Listener({ limits });
      one.feed(before + long.slice(0, 70_000));
      expect(one.paused).toBe(before !== '');
      if (before !== '') one.answer();
      for (let at = 70_000; at < long.length; at += 10_000) {
        expect(one.paused).toBe(false);
        one.feed(long.slice(at, at + 10_000));
      }
      expect(one.said.slice(-2)).toEqual(['begun', 'GET /long']);
      expect(one.reader.pendingBytes).toBe(0);
    }
  });

  it('gives its exchange back when everything stops', () => {
    client.feed('GET /path');
    expect(client.engine.open().exchanges).toBe(1);
    client.reader.stop();
    expect(client.engine.open().exchanges).toBe(0);
  });
});

describe('what breaks a rule', () => {
  it('in a head is refused at its byte, whole or in parts, and nothing more is read', () => {
    const bad = 'GET / HTTP/1.1\r\nHost : a\r\n\r\n';
    for (const parts of [[bad], [bad.slice(0, 5), bad.slice(5)]]) {
      const one = new Listener();
      for (const part of parts) one.feed(part);
      one.feed(get('/next'));
      expect(one.said.filter((word) => word !== 'begun')).toEqual(['FL01 at 20']);
      expect([one.reader.pendingBytes, one.reader.isWhole]).toEqual([0, false]);
      expect(one.engine.open().exchanges).toBe(0);
    }
  });

  it('in a body is refused at its byte', () => {
    client.feed(`${CHUNKED}5\r\nhelloX${get('/next')}`);
    expect(client.said).toEqual(['POST /chunks', 'CH24 at 8']);
    expect(client.reader.pendingBytes).toBe(0);
  });

  it('is also a body in chunks that grows over its limit', () => {
    const small = new Listener({ limits: { bodyBytes: 4 } });
    small.feed(`${CHUNKED}5\r\nhello\r\n`);
    expect(small.said).toEqual(['POST /chunks', 'CM06 at 4']);
  });
});

describe('the client', () => {
  it('is read no further when 64 KiB wait, and again when there is room', () => {
    client.feed(get('/one'));
    client.feed(get('/two', `X-Long: ${'x'.repeat(30_000)}\r\n`));
    expect(client.paused).toBe(false);
    client.feed(get('/three', `X-Long: ${'x'.repeat(30_000)}\r\n`).repeat(2));
    expect(client.paused).toBe(true);
    client.answer();
    expect(client.said).toEqual(['GET /one', 'GET /two']);
    expect(client.paused).toBe(false);
  });

  it('is read no further while its body is not wanted; what still comes waits', () => {
    client.feed(post(LONG).slice(0, -LONG.length));
    client.reader.pauseBody();
    expect([client.paused, client.reader.bodyPaused]).toEqual([true, true]);
    client.feed(LONG);
    expect([client.body, client.reader.pendingBytes]).toEqual(['', LONG.length]);
    client.reader.resumeBody();
    expect(client.body).toBe(LONG);
    expect([client.paused, client.reader.pendingBytes]).toEqual([false, 0]);
    expect(client.said).toEqual(['POST /', 'whole']);
  });

  it('is read on to its end when nobody looks any more', () => {
    client.feed(post('hello').slice(0, -2));
    client.reader.pauseBody();
    client.feed(LONG);
    client.reader.stop();
    client.reader.resumeReading();
    client.feed(LONG);
    expect([client.paused, client.reader.pendingBytes, client.body]).toEqual([false, 0, 'hel']);
  });
});

describe('the end of the input', () => {
  it('is told when all that came has been used', () => {
    client.feed(get('/one') + get('/two'));
    client.reader.onEnd();
    expect(client.said).toEqual(['GET /one']);
    expect(client.reader.isExhausted).toBe(false);
    client.answer();
    expect(client.said).toEqual(['GET /one', 'GET /two', 'end']);
    expect([client.reader.ended, client.reader.isExhausted]).toEqual([true, true]);
  });

  it('is told at once in the middle of a head', () => {
    client.feed('GET / HT');
    client.reader.onEnd();
    expect(client.said).toEqual(['begun', 'end']);
  });
});

describe('a tunnel', () => {
  it('gets what waited, and then everything as it comes', () => {
    client.feed(`${get('/')}early`);
    expect(client.body).toBe('');
    client.reader.openTunnel();
    client.feed(', late\r\n\r\nGET ');
    expect(client.body).toBe('early, late\r\n\r\nGET ');
    client.reader.onEnd();
    expect(client.said).toEqual(['GET /', 'end']);
  });

  it('goes on being read, however much was sent early', () => {
    client.feed(get('/') + LONG);
    expect(client.paused).toBe(true);
    client.reader.openTunnel();
    expect([client.paused, client.body.length]).toEqual([false, LONG.length]);
  });

  it('stays unread where what was sent early is already too much', () => {
    client.feed(get('/') + LONG);
    client.onBody = () => {
      client.reader.pauseBody();
      return true;
    };
    client.reader.openTunnel();
    expect([client.paused, client.reader.bodyPaused]).toEqual([true, true]);
    client.reader.resumeBody();
    expect(client.paused).toBe(false);
  });

  it('holds the client back without keeping bytes', () => {
    client.feed(get('/'));
    client.reader.openTunnel();
    client.reader.pauseBody();
    client.feed('one more read');
    expect([client.paused, client.body]).toEqual([true, 'one more read']);
    client.reader.resumeBody();
    expect(client.paused).toBe(false);
  });
});

describe('the socket', () => {
  it('is told once to stop reading, and once to go on', () => {
    client.feed(post(LONG).slice(0, -LONG.length));
    client.reader.resumeBody();
    expect([client.pauses, client.resumes]).toEqual([0, 0]);
    client.reader.pauseBody();
    client.feed(LONG.slice(0, 100));
    client.reader.pauseBody();
    client.reader.resumeBody();
    client.reader.resumeBody();
    expect([client.pauses, client.resumes]).toEqual([1, 1]);
  });

  it('is not read when what came in one go leaves 64 KiB behind a request, and not before', () => {
    client.feed(get('/one') + LONG.slice(0, 64 * 1024 - 1));
    expect(client.paused).toBe(false);
    client = new Listener();
    client.feed(get('/one') + LONG.slice(0, 64 * 1024));
    expect(client.paused).toBe(true);
  });

  it('stays unread when a body that is wanted again is at once too much', () => {
    client.feed(post(LONG).slice(0, -LONG.length));
    client.reader.pauseBody();
    client.feed(LONG.slice(0, 100));
    client.onBody = () => {
      client.reader.pauseBody();
      return true;
    };
    client.reader.resumeBody();
    expect([client.paused, client.reader.bodyPaused]).toEqual([true, true]);
  });

  it('stays unread when the next request`s body is not wanted at once', () => {
    client.feed(get('/one') + post(LONG).slice(0, -1));
    client.onBody = () => {
      client.reader.pauseBody();
      return true;
    };
    client.answer();
    expect(client.said).toEqual(['GET /one', 'POST /']);
    expect([client.paused, client.reader.bodyPaused]).toEqual([true, true]);
  });

  it('stays unread when too much waits behind a body that is wanted again', () => {
    client.feed(post('hello').slice(0, -5));
    client.reader.pauseBody();
    client.feed(`hello${LONG}`);
    client.reader.resumeBody();
    expect([client.body, client.paused]).toEqual(['hello', true]);
  });
});
