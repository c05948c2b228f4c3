/** backend-connection.ts and bodies that need not be looked at: unseen or shown, all is alike. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Ratio } from '../../../sim/network.ts';
import {
  get,
  ok,
  type Raw,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { Exchange } from './exchange.ts';

/** Text of which no part can get lost or change its place unseen. */
const numbered = (length: number): string =>
  Array.from({ length: length / 10 }, (_, i) => `${i}`.padStart(10, '.')).join('');

const BODY = numbered(100_000);
const headOf = (length: number): string => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
const HEAD = headOf(BODY.length);
/** So little on the way that a peer which does not read is felt soon. */
const SMALL = 10_000;

const ALWAYS: Ratio = [1, 1];
const NEVER: Ratio = [0, 1];

function staged(relayChance: Ratio, options: StageOptions = {}) {
  const stage = new Stage({ ...options, network: { relayChance, ...options.network } });
  return { stage, backend: stage.backend() };
}

/** A client has the head of an answer, and the first 100 bytes of its body. */
function begun(relayChance: Ratio, options: StageOptions = {}) {
  const { stage, backend } = staged(relayChance, options);
  const client = stage.ask(get());
  backend.last.send(HEAD + BODY.slice(0, 100));
  stage.pass(1);
  expect(client.received.endsWith(BODY.slice(0, 100))).toBe(true);
  return { stage, backend, client };
}

/** Sends the body from one offset to another, in pieces. */
function pour(stage: Stage, to: Raw, from: number, end: number, piece = 5000): void {
  for (let at = from; at < end; at += piece) {
    to.send(BODY.slice(at, Math.min(at + piece, end)));
    stage.pass(1);
  }
}

const bodyOf = ({ received }: Raw): string => received.slice(received.indexOf('\r\n\r\n') + 4);

describe.each<[string, Ratio]>([
  ['shown', NEVER],
  ['unseen', ALWAYS],
  ['now shown, now unseen', [1, 2]],
])('a body that is passed on %s', (_, chance) => {
  it.each(['whole', 'random'] as const)('arrives as it is and is counted, cut: %s', (delivery) => {
    const { stage, backend } = staged(chance, { network: { delivery } });
    backend.answering(HEAD + BODY);
    const client = stage.ask(get(), 10_000);
    expect(client.statuses).toEqual([200]);
    expect(bodyOf(client)).toBe(BODY);
    expect(stage.record).toMatchObject({ status: 200, failure: null, responseBodyBytes: 100_000 });
    expect(stage.leftovers()).toBe('');
  });

  it('leaves its connection to the next request', () => {
    const { stage, backend, client } = begun(chance);
    for (let count = 1; count <= 3; count++) {
      pour(stage, backend.last, 100, BODY.length);
      expect(bodyOf(client)).toBe(BODY);
      expect(stage.records).toHaveLength(count);
      client.take();
      client.send(get());
      stage.pass(2);
      backend.last.send(HEAD + BODY.slice(0, 100));
      stage.pass(1);
    }
    expect(stage.records.map((each) => each.responseBodyBytes)).toEqual(Array(3).fill(100_000));
    expect([backend.connections.length, stage.events]).toEqual([1, []]);
    expect(stage.leftovers()).toBe('');
  });

  it('comes before the answer to a request that came with its own', () => {
    const { stage, backend } = staged(chance);
    backend.onHead = (head, connection) => {
      connection.send(head.includes('/first') ? HEAD : ok('the second'));
    };
    const client = stage.ask(get('/first') + get('/second'));
    pour(stage, backend.last, 0, BODY.length);
    expect(client.statuses).toEqual([200, 200]);
    expect(bodyOf(client).startsWith(`${BODY}HTTP/1.1 200 OK\r\n`)).toBe(true);
    expect(client.received.endsWith('\r\n\r\nthe second')).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('with bytes after it is whole, and its backend is distrusted', () => {
    const { stage, backend, client } = begun(chance);
    backend.last.send(`${BODY.slice(100)}extra`);
    stage.pass(1);
    expect(bodyOf(client)).toBe(BODY);
    expect(stage.record).toMatchObject({ failure: null, responseBodyBytes: 100_000 });
    expect(stage.events).toEqual(['backend_distrusted']);
    expect(backend.last.ended).toBe(true);
    backend.answering();
    client.take();
    for (let count = 0; count < 2; count++) {
      client.send(get());
      stage.pass(2);
    }
    expect(client.statuses).toEqual([200, 200]);
    expect(backend.connections).toHaveLength(3);
    expect(stage.leftovers()).toBe('');
  });

  it('of an answer that says close ends its connection', () => {
    const { stage, backend } = staged(chance);
    const client = stage.ask(get());
    backend.last.send(HEAD.replace('\r\n', '\r\nConnection: close\r\n'));
    pour(stage, backend.last, 0, BODY.length);
    expect([bodyOf(client), backend.last.ended, client.ended]).toEqual([BODY, true, false]);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('may be whole before its request: then the connection is reset', () => {
    const { stage, backend } = staged(chance);
    const client = stage.ask('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n01234');
    backend.last.send(HEAD);
    pour(stage, backend.last, 0, BODY.length);
    expect(bodyOf(client)).toBe(BODY);
    expect(stage.record).toMatchObject({ failure: null, responseBodyBytes: 100_000 });
    expect([backend.last.wasReset, client.ended, client.wasReset]).toEqual([true, true, false]);
    expect(stage.leftovers()).toBe('');
  });

  describe('in the middle', () => {
    it.each([
      ['ends', (backend: Raw) => backend.socket.end(), 'closed'],
      ['breaks', (backend: Raw) => backend.socket.reset(), 'reset'],
    ])('%s with the connection, and the client sees that it is not whole', (_, leave, kind) => {
      const { stage, backend, client } = begun(chance);
      pour(stage, backend.last, 100, 50_000);
      leave(backend.last);
      stage.pass(1);
      expect(bodyOf(client)).toBe(BODY.slice(0, 50_000));
      expect(client.wasReset).toBe(true);
      expect(stage.record).toMatchObject({ status: 200, responseBodyBytes: 50_000 });
      expect(stage.record.failure).toMatchObject({ kind, side: 'backend', retry: 'never' });
      expect(stage.leftovers()).toBe('');
    });

    it('may come slowly, but not fall silent for the idle timeout', () => {
      const { stage, backend, client } = begun(chance, { timeouts: { idleMs: 2000 } });
      for (let at = 100; at < 1100; at += 100) {
        stage.pass(1900);
        pour(stage, backend.last, at, at + 100);
      }
      stage.pass(1900);
      expect(client.closed).toBe(undefined);
      stage.pass(200);
      expect([client.wasReset, backend.last.wasReset]).toEqual([true, true]);
      expect(stage.record).toMatchObject({ status: 200, responseBodyBytes: 1100 });
      expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'backend' });
      expect(stage.record.failure!.cause).toBe('sent nothing for 2 s (timeouts.idle)');
      expect(stage.leftovers()).toBe('');
    });

    it('is given up when the client goes away', () => {
      const { stage, backend, client } = begun(chance);
      pour(stage, backend.last, 100, 50_000);
      client.socket.reset();
      stage.pass(1);
      expect(backend.last.wasReset).toBe(true);
      expect(stage.record).toMatchObject({ status: 200, responseBodyBytes: 50_000 });
      expect(stage.record.failure).toMatchObject({ kind: 'reset', side: 'client' });
      expect(stage.leftovers()).toBe('');
    });
  });

  describe('to a client that does not read', () => {
    const network = { sendBufferBytes: SMALL };

    it('waits in the backend, whose clock stands still until the client reads', () => {
      const timeouts = { idleMs: 2000 };
      const { stage, backend, client } = begun(chance, { timeouts, network });
      client.socket.pause();
      pour(stage, backend.last, 100, 90_000, 1000);
      // A wire full on each side, and what was on its way when we stopped reading.
      expect(backend.last.socket.unsentBytes()).toBeGreaterThan(60_000);
      stage.pass(4000);
      expect(stage.records).toEqual([]);
      client.socket.resume();
      stage.pass(100);
      expect(bodyOf(client)).toBe(BODY.slice(0, 90_000));
      stage.pass(1800);
      expect(stage.records).toEqual([]);
      stage.pass(200);
      expect(stage.record).toMatchObject({ responseBodyBytes: 90_000 });
      expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'backend' });
      expect(stage.leftovers()).toBe('');
    });

    it('arrives whole, however often the client stops', () => {
      const { stage, backend, client } = begun(chance, { network });
      backend.last.send(BODY.slice(100));
      for (let count = 0; count < 10; count++) {
        client.socket.pause();
        stage.pass(1000);
        client.socket.resume();
        stage.pass(0.3);
      }
      stage.pass(100);
      expect(bodyOf(client)).toBe(BODY);
      expect(stage.record).toMatchObject({ failure: null, responseBodyBytes: 100_000 });
      expect(stage.leftovers()).toBe('');
    });

    it('ends with the time a client may be silent', () => {
      const { stage, backend, client } = begun(chance, { network });
      client.socket.pause();
      pour(stage, backend.last, 100, BODY.length);
      stage.pass(59_000);
      expect(stage.records).toEqual([]);
      stage.pass(1500);
      expect(backend.last.wasReset).toBe(true);
      expect(stage.record).toMatchObject({ status: 200 });
      expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
      client.socket.resume();
      stage.pass(2);
      expect(client.wasReset).toBe(true);
      expect(stage.leftovers()).toBe('');
    });

    it.each([
      ['less than the minimum rate', 0.05, 'too_slow'],
      ['a little more than that', 2, undefined],
    ])('but sips: %s', (_, readMs, kind) => {
      const { stage, backend, client } = begun(chance, { network });
      client.socket.pause();
      backend.last.send(BODY.slice(100));
      stage.pass(100);
      stage.network.options.sendBufferBytes = 100;
      for (let second = 0; second < 15 && stage.records.length === 0; second++) {
        client.socket.resume();
        stage.pass(readMs);
        client.socket.pause();
        stage.pass(1000 - readMs);
      }
      expect(stage.records[0]?.failure?.kind).toBe(kind);
      expect(stage.leftovers()).toBe('');
    });

    it('counts for its pace while the request becomes whole', () => {
      const { stage, backend } = staged(chance, { network });
      const client = stage.ask(
        'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n01234',
      );
      client.socket.pause();
      backend.last.send(HEAD + BODY.slice(0, 100));
      stage.pass(1);
      pour(stage, backend.last, 100, 16_100, 8000);
      expect(client.count).toBe(0);
      client.send('56789');
      stage.pass(30_000);
      expect(stage.records).toEqual([]);
      client.socket.resume();
      pour(stage, backend.last, 16_100, BODY.length);
      expect(bodyOf(client)).toBe(BODY);
      expect(stage.record.failure).toBe(null);
      expect(stage.leftovers()).toBe('');
    });

    it('does not hold up the next exchange when its last part has left the backend', () => {
      const { stage, backend, client: slow } = begun(chance);
      slow.socket.pause();
      pour(stage, backend.last, 100, 90_000, 10_000);
      backend.last.send(BODY.slice(90_000));
      stage.network.options.sendBufferBytes = 4096;
      stage.pass(1);
      expect(backend.last.socket.unsentBytes()).toBe(0);
      stage.network.options.sendBufferBytes = 256 * 1024;
      expect(stage.record.failure).toBe(null);
      backend.answering();
      const next = stage.ask(get());
      expect([next.statuses, backend.connections.length]).toEqual([[200], 1]);
      expect(bodyOf(slow)).toHaveLength(100);
      slow.socket.resume();
      stage.pass(2);
      expect(bodyOf(slow)).toBe(BODY);
      expect(stage.leftovers()).toBe('');
    });
  });
});

describe('what may pass unseen', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** How many bytes have passed unseen from now on. */
  function unseen(): () => number {
    const spy = vi.spyOn(Exchange.prototype, 'onResponseRelayed');
    return () => spy.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0);
  }

  it('is all of a body but what came with its head, on a kept connection too', () => {
    const count = unseen();
    const { stage, backend, client } = begun(ALWAYS);
    for (let answers = 1; answers <= 3; answers++) {
      pour(stage, backend.last, 100, BODY.length);
      expect(count()).toBe(answers * 99_900);
      client.send(get());
      stage.pass(2);
      backend.last.send(HEAD + BODY.slice(0, 100));
      stage.pass(1);
    }
  });

  it('is offered once for each answer', () => {
    const offered = vi.spyOn(Exchange.prototype, 'onResponseRest');
    const { stage, backend, client } = begun(NEVER);
    pour(stage, backend.last, 100, BODY.length);
    expect(offered.mock.calls.map(([, bytes]) => bytes)).toEqual([99_900]);
    client.send(get());
    stage.pass(2);
    backend.last.send(HEAD);
    pour(stage, backend.last, 0, BODY.length);
    expect(offered.mock.calls.map(([, bytes]) => bytes)).toEqual([99_900, 100_000]);
  });

  it.each([
    ['of an answer to HEAD', 'HEAD', HEAD, ''],
    ['of an answer that cannot have any', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    [
      'in chunks',
      'GET',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n${BODY}\r\n0\r\n\r\n`,
      `186a0\r\n${BODY}\r\n0\r\n\r\n`,
    ],
  ])('is nothing %s', (_, method, answer, body) => {
    const offered = vi.spyOn(Exchange.prototype, 'onResponseRest');
    const { stage, backend } = staged(ALWAYS, { network: { sendBufferBytes: SMALL } });
    backend.answering(answer);
    const client = stage.ask(get().replace('GET', method), 100);
    expect(bodyOf(client)).toBe(body);
    client.send(get().replace('GET', method));
    stage.pass(100);
    expect(client.statuses).toHaveLength(2);
    expect(client.received.endsWith(`\r\n\r\n${body}`)).toBe(true);
    expect(offered).not.toHaveBeenCalled();
    expect(backend.connections).toHaveLength(1);
    expect(stage.leftovers()).toBe('');
  });

  it('is nothing of a body that ends with the connection', () => {
    const offered = vi.spyOn(Exchange.prototype, 'onResponseRest');
    const { stage, backend } = staged(ALWAYS);
    const client = stage.ask(get());
    backend.last.send('HTTP/1.1 200 OK\r\n\r\n');
    pour(stage, backend.last, 0, BODY.length, 50_000);
    backend.last.socket.end();
    stage.pass(1);
    const half = [BODY.slice(0, 50_000), BODY.slice(50_000)];
    expect(bodyOf(client)).toBe(`c350\r\n${half[0]}\r\nc350\r\n${half[1]}\r\n0\r\n\r\n`);
    expect(offered).not.toHaveBeenCalled();
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });
});
