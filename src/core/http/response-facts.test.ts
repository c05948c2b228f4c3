import { describe, expect, it } from 'vitest';
import { response } from '../../../test/fuzz/heads.ts';
import { Field } from './fields.ts';
import { type Refusal, refusals } from './refusal.ts';
import { Body } from './request-facts.ts';
import { ResponseFacts } from './response-facts.ts';

function of(status: number, fields: readonly string[] = [], toHead = false, version = '1.1') {
  const facts = new ResponseFacts();
  const head = response(`HTTP/${version} ${status} x`, ...fields);
  expect(facts.decide(head, toHead)).toBe(null);
  return facts;
}

function refused(...lines: readonly string[]): Refusal | null {
  return new ResponseFacts().decide(response(...lines), false);
}

describe('the body of a response', () => {
  it('has the length that Content-Length says', () => {
    const { body, contentLength, hasLength, keepAlive } = of(200, ['Content-Length: 5']);
    expect({ body, contentLength, hasLength, keepAlive }).toEqual({
      body: Body.length,
      contentLength: 5,
      hasLength: true,
      keepAlive: true,
    });
    expect(of(200, ['Content-Length: 0'])).toMatchObject({ body: Body.none, hasLength: true });
  });

  it('is chunked if Transfer-Encoding says so', () => {
    const facts = of(200, ['Transfer-Encoding: CHUNKED']);
    expect(facts).toMatchObject({ body: Body.chunked, hasLength: false, keepAlive: true });
  });

  it('else ends with the connection, which then cannot be kept', () => {
    expect(of(200)).toMatchObject({ body: Body.untilClose, keepAlive: false });
    const kept = of(200, ['Connection: keep-alive'], false, '1.0');
    expect(kept).toMatchObject({ body: Body.untilClose, keepAlive: false });
  });

  it('is none for HEAD and 304, and the length may be passed on', () => {
    for (const facts of [of(200, ['Content-Length: 5'], true), of(304, ['Content-Length: 5'])]) {
      expect(facts).toMatchObject({ body: Body.none, hasLength: true, contentLength: 5 });
      expect(facts.keepAlive).toBe(true);
    }
    const chunked = of(200, ['Transfer-Encoding: chunked'], true);
    expect(chunked).toMatchObject({ body: Body.none, keepAlive: true });
    expect(of(304)).toMatchObject({ body: Body.none, keepAlive: true });
  });

  it('is none for 204 and interim answers, whose length is not passed on', () => {
    for (const status of [100, 101, 103, 204]) {
      const facts = of(status, ['Content-Length: 5']);
      expect(facts).toMatchObject({ body: Body.none, hasLength: false, keepAlive: true });
      expect(facts.interim).toBe(status < 200);
    }
  });

  it.each([
    [['Content-Length: 5', 'Content-Length: 5'], refusals.contentLengthTwice],
    [['Content-Length: 5', 'Content-Length: 6'], refusals.contentLengthTwice],
    [['Content-Length: foo'], refusals.contentLength],
    [['Content-Length: '], refusals.contentLength],
    [['Content-Length: 9007199254740993'], refusals.contentLengthHuge],
    [['Transfer-Encoding: chunked', 'Content-Length: 3'], refusals.lengthAndEncoding],
    [['Content-Length: 3', 'Transfer-Encoding: chunked'], refusals.lengthAndEncoding],
    [['Transfer-Encoding: foo'], refusals.transferEncoding],
    [['Transfer-Encoding: gzip'], refusals.transferEncoding],
    [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], refusals.transferEncodingTwice],
    [['Connection: content-length', 'Content-Length: 3'], refusals.hostNominated],
    [[`Connection: ${'x,'.repeat(101)}`], refusals.connectionLong],
  ])('is refused with %j', (fields, refusal) => {
    expect(refused('HTTP/1.1 200 OK', ...fields)).toBe(refusal);
  });

  it('is refused when an HTTP/1.0 backend says chunked', () => {
    const refusal = refused('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked');
    expect(refusal).toBe(refusals.transferEncodingOld);
  });
});

describe('the connection after a response', () => {
  it.each([
    ['1.1', 'X: 1', true],
    ['1.1', 'Connection: Close', false],
    ['1.1', 'Connection: keep-alive, close', false],
    ['1.0', 'X: 1', false],
    ['1.0', 'Connection: Keep-Alive', true],
    ['1.0', 'Connection: keep-alive, close', false],
  ])('HTTP/%s with %s: may be used again is %s', (version, field, expected) => {
    expect(of(200, ['Content-Length: 2', field], false, version).keepAlive).toBe(expected);
  });

  it.each([
    ['timeout=5', 5000],
    ['max=100, Timeout=7', 7000],
    ['timeout=0', 0],
    ['timeout=', -1],
    ['timeout=x', -1],
    ['max=5', -1],
    ['timeou', -1],
    ['', -1],
  ])('is promised for a while by Keep-Alive: %s', (value, expected) => {
    expect(of(204, [`Keep-Alive: ${value}`, 'X: timeout=9']).keepAliveTimeoutMs).toBe(expected);
  });
});

describe('what else a response says', () => {
  it('its date, unless it nominates that itself', () => {
    expect(of(200).hasDate).toBe(false);
    expect(of(200, ['Date: x']).hasDate).toBe(true);
    expect(of(200, ['Date: x', 'Connection: date']).hasDate).toBe(false);
  });

  it('the protocol it switches to: the first that it names', () => {
    const facts = of(101, ['X: 1', 'Connection: upgrade', 'Upgrade: a', 'Upgrade: b']);
    expect([facts.upgradeField, facts.connectionUpgrade]).toEqual([2, true]);
    const head = response('HTTP/1.1 101 x', 'X: 1', 'Upgrade: a', 'Upgrade: b');
    expect(head.find(Field.upgrade)).toBe(1);
    expect(of(101, ['Upgrade: a']).connectionUpgrade).toBe(false);
    expect(of(101, ['Connection: upgrade']).upgradeField).toBe(-1);
  });

  it('nothing of the response before', () => {
    const facts = new ResponseFacts();
    const rich = ['Content-Length: 5', 'Date: x', 'Keep-Alive: timeout=5', 'Upgrade: x'];
    facts.decide(response('HTTP/1.0 200 x', ...rich, 'Connection: upgrade'), true);
    facts.decide(response('HTTP/1.1 304 x'), false);
    expect(facts).toEqual(of(304));
  });
});
