import { describe, expect, it } from 'vitest';
import { limits, request } from '../../../test/fuzz/heads.ts';
import { toLatin1 } from '../base/bytes.ts';
import { ForwardedFields, isSecure, strangerLines, writeStranger } from './forwarded.ts';
import { RequestFacts } from './request-facts.ts';
import { TrustedPeers } from './trusted-peers.ts';

const SIZE = 2 * limits.headBytes + 4096;

function made(bytes: Uint8Array, end: number): string[] {
  const text = toLatin1(bytes, 0, end);
  expect(text.endsWith('\r\n')).toBe(true);
  return text.slice(0, -2).split('\r\n');
}

function stranger(lines: readonly string[], scheme = 'http'): string[] {
  const head = request(...lines);
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBe(null);
  const out = new Uint8Array(SIZE);
  return made(out, writeStranger(strangerLines('203.0.113.7', scheme), head, facts, out, 0));
}

/** From 10.0.0.1, which is trusted as all of 10.0.0.0/8 is. */
function proxy(...given: readonly string[]) {
  const fields = new ForwardedFields(new TrustedPeers(['10.0.0.0/8']), SIZE);
  const head = request('GET / HTTP/1.1', 'Host: shop', ...given);
  const facts = new RequestFacts();
  expect(facts.decide(head)).toBe(null);
  fields.fromProxy('10.0.0.1', 'http', head, facts, 'id-1');
  return {
    lines: made(fields.bytes, fields.end),
    client: fields.client,
    requestId: fields.requestId,
  };
}

const lie = ['X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Request-Id: lie'];

describe('a stranger', () => {
  it('is told by its own address, whatever it says of itself', () => {
    expect(stranger(['GET / HTTP/1.1', 'Host: Shop:80', ...lie])).toEqual([
      'X-Forwarded-For: 203.0.113.7',
      'X-Real-IP: 203.0.113.7',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: Shop:80',
    ]);
  });

  it('is told by the host it was routed by', () => {
    const lines = stranger(['GET https://b/ HTTP/1.1', 'Host: a'], 'https');
    expect(lines).toContain('X-Forwarded-Host: b');
    expect(lines).toContain('X-Forwarded-Proto: https');
  });

  it('has lines of its own, however many there are', () => {
    const numbers = Array.from({ length: 256 }, (_, n) => n);
    const all = numbers.map((n) => strangerLines(`203.0.113.${n}`, 'http'));
    expect(all.map((lines) => toLatin1(lines))).toEqual(
      numbers.map(
        (n) =>
          `X-Forwarded-For: 203.0.113.${n}\r\nX-Real-IP: 203.0.113.${n}\r\n` +
          'X-Forwarded-Proto: http\r\nX-Forwarded-Host: ',
      ),
    );
  });

  it('without a host gets no empty X-Forwarded-Host', () => {
    expect(stranger(['GET / HTTP/1.0'])).toEqual([
      'X-Forwarded-For: 203.0.113.7',
      'X-Real-IP: 203.0.113.7',
      'X-Forwarded-Proto: http',
    ]);
  });
});

describe('a trusted proxy', () => {
  it('that says nothing is the client itself', () => {
    const { lines, client } = proxy();
    expect(lines).toEqual([
      'X-Forwarded-For: 10.0.0.1',
      'X-Real-IP: 10.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Request-Id: id-1',
      'X-Forwarded-Host: shop',
    ]);
    expect(client).toBe('10.0.0.1');
  });

  it('is believed: the chain is appended to, the rest is passed on', () => {
    const { lines, client, requestId } = proxy(
      'X-Forwarded-For: 198.51.100.9',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: www.shop',
      'X-Forwarded-Port: 443',
      'Forwarded: for=198.51.100.9',
      'Forwarded: for=10.9.9.9',
      'X-Request-Id: trace/1+2=3',
    );
    expect(lines).toEqual([
      'X-Forwarded-For: 198.51.100.9, 10.0.0.1',
      'X-Real-IP: 198.51.100.9',
      'X-Forwarded-Proto: https',
      'X-Request-Id: trace/1+2=3',
      'X-Forwarded-Port: 443',
      'Forwarded: for=198.51.100.9, for=10.9.9.9',
      'X-Forwarded-Host: www.shop',
    ]);
    expect([client, requestId]).toEqual(['198.51.100.9', 'trace/1+2=3']);
  });

  it.each([
    ['6.6.6.6, 198.51.100.9, 10.2.2.2', '198.51.100.9'],
    ['198.51.100.9,10.2.2.2 ,\t10.3.3.3', '198.51.100.9'],
    ['10.5.5.5, 10.2.2.2', '10.5.5.5'],
    ['2001:db8::7, 10.2.2.2', '2001:db8::7'],
    [' , 198.51.100.9, ,', '198.51.100.9'],
    ['198.51.100.9, unknown, 10.2.2.2', '10.2.2.2'],
    ['198.51.100.9, 10.2.2.2, <script>', '10.0.0.1'],
    ['', '10.0.0.1'],
  ])('with the chain %j speaks for %s', (chain, client) => {
    const found = proxy(`X-Forwarded-For: ${chain}`);
    expect(found.client).toBe(client);
    expect(found.lines).toContain(`X-Real-IP: ${client}`);
  });

  it('may give the chain in several lines', () => {
    const { lines, client } = proxy('X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: 10.2.2.2');
    expect(lines[0]).toBe('X-Forwarded-For: 1.1.1.1, 10.2.2.2, 10.0.0.1');
    expect(client).toBe('1.1.1.1');
  });

  it.each(['', 'a b', 'a"b', 'x'.repeat(129), 'caf\xe9', '<a>'])(
    'does not give the request an id like %j',
    (id) => {
      expect(proxy(`X-Request-Id: ${id}`).requestId).toBe('id-1');
    },
  );

  it('that nominates a forwarding field has taken it away', () => {
    const { lines } = proxy('X-Forwarded-For: 6.6.6.6', 'Connection: X-Forwarded-For');
    expect(lines[0]).toBe('X-Forwarded-For: 10.0.0.1');
  });

  it('cannot make more than fits, with the longest head there is', () => {
    const long = 'x'.repeat(limits.headBytes - 200);
    const { lines, client } = proxy(`X-Forwarded-For: ${long}`);
    expect(lines[0]).toBe(`X-Forwarded-For: ${long}, 10.0.0.1`);
    expect(client).toBe('10.0.0.1');
  });
});

describe('a client came by https', () => {
  it.each([
    ['https', true],
    ['HTTPS', true],
    ['https, http', true],
    ['https,http', true],
    ['http, https', false],
    ['http', false],
    ['httpsx', false],
    ['', false],
  ])('when a trusted proxy says %j: %s', (told, secure) => {
    const head = request('GET / HTTP/1.1', 'Host: shop', `X-Forwarded-Proto: ${told}`);
    expect(isSecure(head, true, 'http')).toBe(secure);
    expect(isSecure(head, false, 'http')).toBe(false);
  });

  it('when its own connection says so, and nobody knows better', () => {
    const head = request('GET / HTTP/1.1', 'Host: shop');
    expect(isSecure(head, false, 'https')).toBe(true);
    expect(isSecure(head, true, 'https')).toBe(true);
    expect(isSecure(head, true, 'http')).toBe(false);
  });
});
