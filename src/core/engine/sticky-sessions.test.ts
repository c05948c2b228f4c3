import { describe, expect, it } from 'vitest';
import { backendConfig, poolConfig } from '../../../test/fixtures/control-world.ts';
import { request } from '../../../test/fuzz/heads.ts';
import { latin1 } from '../base/bytes.ts';
import { createRng } from '../base/rng.ts';
import type { StickySessionsConfig } from '../config.ts';
import { Head } from '../http/head.ts';
import { RequestFacts } from '../http/request-facts.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { Backend } from '../table/backend.ts';
import { createSessionMemory } from '../table/session-table.ts';
import { StickySessions } from './sticky-sessions.ts';

const HEADER: StickySessionsConfig = {
  kind: 'sessions',
  key: { kind: 'header', name: 'x-session' },
  learn: false,
  idleMs: 60_000,
  sessions: 100,
  drain: false,
};
const LEARNED: StickySessionsConfig = {
  ...HEADER,
  key: { kind: 'cookie', name: 'JSESSIONID' },
  learn: true,
};

const made = (slot: number, generation = 0): Backend => {
  const config = poolConfig([backendConfig(slot)]);
  return new Backend(slot, generation, config.backends[0], config);
};
const [first, second] = [made(1), made(2)];

const memoryOf = (): ArrayBuffer =>
  createSessionMemory(100, createRng(1), (bytes) => new ArrayBuffer(bytes)) as ArrayBuffer;

const make = (config: StickySessionsConfig, memory = memoryOf(), backends = [first, second]) =>
  new StickySessions(config, memory, backends, () => 1_767_268_800_000);

const facts = new RequestFacts();

function response(...fields: string[]): Head {
  const head = new Head(10);
  const parser = new HeadParser({ headBytes: 4096, requestLineBytes: 4096 });
  const bytes = latin1(`HTTP/1.1 200 OK\r\n${fields.map((each) => `${each}\r\n`).join('')}\r\n`);
  parser.begin('response', head, 0);
  expect(parser.parse(bytes, bytes.length)).toBe(bytes.length);
  return head;
}

/** A request with these fields is answered so, by this backend. */
function answered(
  sticky: StickySessions,
  fields: readonly string[],
  by: Backend,
  answer: readonly string[] = [],
): void {
  const asked = request('GET / HTTP/1.1', ...fields);
  sticky.answered(asked, facts, response(...answer), sticky.homeOf(asked, facts), by);
}

const homeOf = (sticky: StickySessions, ...fields: readonly string[]): Backend | null =>
  sticky.homeOf(request('GET / HTTP/1.1', ...fields), facts);

describe('by a header', () => {
  it('requests with the same value belong to whoever answered the first', () => {
    const sticky = make(HEADER);
    expect(homeOf(sticky, 'X-Session: a')).toBe(null);
    answered(sticky, ['X-Session: a'], first);
    answered(sticky, ['X-Session: b'], second);
    expect(homeOf(sticky, 'x-session: a')).toBe(first);
    expect(homeOf(sticky, 'x-session: b')).toBe(second);
    expect(homeOf(sticky, 'X-Session: A')).toBe(null);
  });

  it('requests without it belong nowhere', () => {
    const sticky = make(HEADER);
    answered(sticky, ['X-Session:'], first);
    answered(sticky, [], first);
    expect([homeOf(sticky), homeOf(sticky, 'X-Session:')]).toEqual([null, null]);
  });

  it('what answers say makes no difference', () => {
    const sticky = make(HEADER);
    answered(sticky, ['X-Session: a'], first, ['X-Session: b']);
    expect(homeOf(sticky, 'X-Session: b')).toBe(null);
    expect(homeOf(sticky, 'X-Session: a')).toBe(first);
  });

  it('the first answer counts when two exchanges of a session were under way', () => {
    const sticky = make(HEADER);
    const asked = request('GET / HTTP/1.1', 'X-Session: a');
    sticky.answered(asked, facts, response(), null, second);
    sticky.answered(asked, facts, response(), null, first);
    expect(homeOf(sticky, 'X-Session: a')).toBe(second);
    // Both had been sent when its home was another one.
    sticky.answered(asked, facts, response(), second, first);
    sticky.answered(asked, facts, response(), second, second);
    expect(homeOf(sticky, 'X-Session: a')).toBe(first);
  });
});

describe('learned', () => {
  it('a session belongs to the backend that has made it', () => {
    const sticky = make(LEARNED);
    answered(sticky, [], first, ['Set-Cookie: a=1', 'Set-Cookie: JSESSIONID=x7 ; Path=/']);
    expect(homeOf(sticky, 'Cookie: a=1; JSESSIONID=x7')).toBe(first);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=x8')).toBe(null);
    expect(homeOf(sticky, 'Cookie: jsessionid=x7')).toBe(null);
  });

  it('a new one in place of an old one leaves that alone', () => {
    const sticky = make(LEARNED);
    answered(sticky, [], first, ['Set-Cookie: JSESSIONID=old']);
    answered(sticky, ['Cookie: JSESSIONID=old'], second, ['Set-Cookie: JSESSIONID=new']);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=new')).toBe(second);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=old')).toBe(first);
  });

  it('of several the last one is what a browser keeps, and an empty one is none', () => {
    const sticky = make(LEARNED);
    const cookies = ['Set-Cookie: JSESSIONID=1', 'Set-Cookie: JSESSIONID=2'];
    answered(sticky, [], first, [...cookies, 'Set-Cookie: JSESSIONID=; Max-Age=0']);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=1')).toBe(null);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=2')).toBe(first);
  });

  it('one that nobody knows belongs to who has answered it without making another', () => {
    const sticky = make(LEARNED);
    answered(sticky, ['Cookie: JSESSIONID=x'], second);
    expect(homeOf(sticky, 'Cookie: JSESSIONID=x')).toBe(second);
  });

  it('from a header: what answers say, requests say again', () => {
    const sticky = make({ ...HEADER, learn: true });
    answered(sticky, [], first, ['X-Session: s']);
    expect(homeOf(sticky, 'X-Session: s')).toBe(first);
  });
});

describe('a session whose backend has gone', () => {
  it('moves to who answers it now', () => {
    const sticky = make(HEADER);
    answered(sticky, ['X-Session: a'], first);
    answered(sticky, ['X-Session: a'], second);
    expect(homeOf(sticky, 'X-Session: a')).toBe(second);
  });

  it('moves also when a reload takes that backend away before the answer comes', () => {
    const memory = memoryOf();
    const before = make(HEADER, memory);
    answered(before, ['X-Session: a'], first);
    const after = make(HEADER, memory, [second]);
    const asked = request('GET / HTTP/1.1', 'X-Session: a');
    after.answered(asked, facts, response(), before.homeOf(asked, facts), second);
    expect(homeOf(after, 'X-Session: a')).toBe(second);
  });

  it('does not believe whoever has its slot now', () => {
    const memory = memoryOf();
    answered(make(HEADER, memory), ['X-Session: a'], first);
    const heir = made(1, 1);
    expect(homeOf(make(HEADER, memory, [heir, second]), 'X-Session: a')).toBe(null);
    expect(homeOf(make(HEADER, memory, [second]), 'X-Session: a')).toBe(null);
    const sticky = make(HEADER, memory, [heir, second]);
    answered(sticky, ['X-Session: a'], heir);
    expect(homeOf(sticky, 'X-Session: a')).toBe(heir);
  });

  it('stays where it is over a reload, in another order', () => {
    const memory = memoryOf();
    answered(make(HEADER, memory), ['X-Session: a'], first);
    expect(homeOf(make(HEADER, memory, [second, first]), 'X-Session: a')).toBe(first);
  });
});

describe('where a backend makes the session', () => {
  const inHeader: StickySessionsConfig = { ...HEADER, learn: true };

  it('its own field says so, wherever it stands among others', () => {
    const sticky = make(inHeader);
    answered(sticky, ['Host: a'], second, ['X-One: 1', 'X-Session: abc', 'Content-Length: 2']);
    const next = request('GET / HTTP/1.1', 'Host: a', 'X-Session: abc');
    expect(sticky.homeOf(next, facts)).toBe(second);
    const other = request('GET / HTTP/1.1', 'Host: a', 'X-Session: 2');
    expect(sticky.homeOf(other, facts)).toBe(null);
  });

  it('and names it in the first field of all', () => {
    const sticky = make(inHeader);
    answered(sticky, ['Host: a'], second, ['X-Session: abc', 'Content-Length: 2']);
    const next = request('GET / HTTP/1.1', 'Host: a', 'X-Session: abc');
    expect(sticky.homeOf(next, facts)).toBe(second);
  });

  it('blanks before the attributes of a cookie are none of its value', () => {
    const sticky = make(LEARNED);
    answered(sticky, ['Host: a'], second, ['Set-Cookie: JSESSIONID=abc \t ; Path=/']);
    const next = request('GET / HTTP/1.1', 'Host: a', 'Cookie: JSESSIONID=abc');
    expect(sticky.homeOf(next, facts)).toBe(second);
  });
});
