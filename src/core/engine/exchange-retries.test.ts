/** The retry rules of docs/decisions/retries.md. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';

/** Requests it has read, in order; one that is not whole yet counts. */
const headsOf = (backend: RawBackend): number =>
  backend.connections.reduce(
    (sum, { received }) => sum + received.split('\r\nHost:').length - 1,
    0,
  );

/** Resets each connection when it has read a request head. */
function resetting(backend: RawBackend): RawBackend {
  backend.onHead = (_head, connection) => void connection.socket.reset();
  return backend;
}

/** So many backends; those named in `fates` listen. */
function stageOf(
  fates: readonly ('refuses' | 'resets' | 'answers' | 'waits')[],
  options: StageOptions = {},
): { stage: Stage; backends: (RawBackend | null)[] } {
  const stage = new Stage({ backends: fates.length, ...options });
  const backends = fates.map((fate, index) => {
    if (fate === 'refuses') return null;
    const backend = stage.backend(index + 1);
    if (fate === 'resets') return resetting(backend);
    return fate === 'answers' ? backend.answering() : backend;
  });
  return { stage, backends };
}

const put = (body: string): string => post(body).replace('POST', 'PUT');

/** Spends the retries that the pool's floor pays for; every backend resets. */
function spendBudget(stage: Stage): void {
  for (let exchange = 0; exchange < 4; exchange++) stage.ask(get());
  expect(stage.records.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 1]);
  stage.records.length = 0;
}

describe('an attempt that reached no application', () => {
  it.each([
    ['GET', get()],
    ['POST', post('hello')],
  ])('goes on to the next backend, whatever the method: %s', (_method, request) => {
    const { stage, backends } = stageOf(['refuses', 'refuses', 'answers']);
    expect(stage.ask(request).statuses).toEqual([200]);
    expect(backends[2]!.last.received.endsWith(request.split('\r\n\r\n')[1])).toBe(true);
    expect(stage.record).toMatchObject({ attempts: 3, backend: 'server-3', failure: null });
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'suspected server-1: refused',
      'connectFailed server-2 10.0.0.2: refused',
      'suspected server-2: refused',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  it('spares the next exchange the same way round', () => {
    const { stage } = stageOf(['refuses', 'answers']);
    stage.ask(get());
    stage.ask(get());
    expect(stage.records.map(({ attempts }) => attempts)).toEqual([2, 1]);
  });

  it('costs nothing of the budget', () => {
    const { stage, backends } = stageOf(['resets', 'resets']);
    spendBudget(stage);
    stage.network.kill('10.0.0.1');
    backends[1]!.answering();
    for (let exchange = 0; exchange < 2; exchange++) {
      expect(stage.ask(get()).statuses).toEqual([200]);
    }
    expect(stage.records.map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
  });

  it('that took longer than the connect timeout counts as one too', () => {
    const { stage } = stageOf(['refuses', 'answers'], { timeouts: { connectMs: 1000 } });
    stage.network.blackHole('10.0.0.1');
    expect(stage.ask(post('x'), 1100).statuses).toEqual([200]);
    expect(stage.record).toMatchObject({ attempts: 2, failure: null });
    expect(stage.evidence).toContain('suspected server-1: connect_timeout');
    expect(stage.leftovers()).toBe('');
  });

  it('goes on for five seconds', () => {
    const { stage } = stageOf(['refuses', 'refuses', 'refuses', 'answers'], {
      timeouts: { connectMs: 2000 },
    });
    for (const last of [1, 2, 3]) stage.network.blackHole(`10.0.0.${last}`);
    const client = stage.ask(get(), 5900);
    expect(client.received).toBe('');
    stage.pass(300);
    expect(client.statuses).toEqual([504]);
    expect(stage.record).toMatchObject({ attempts: 3, failure: { kind: 'connect_timeout' } });
    expect(stage.leftovers()).toBe('');
  });

  it('of each backend ends in a 503 that says when to come again', () => {
    const { stage } = stageOf(['refuses', 'refuses']);
    const client = stage.ask(get());
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('\r\nRetry-After: 1\r\n');
    expect(stage.record).toMatchObject({
      attempts: 2,
      failure: { kind: 'no_backend', side: 'us', phase: 'pick' },
    });
    expect(stage.leftovers()).toBe('');
  });

  it('carries on with a body that has come in the meantime', () => {
    const { stage, backends } = stageOf(['refuses', 'answers'], { timeouts: { connectMs: 1000 } });
    stage.network.blackHole('10.0.0.1');
    const whole = post('0123456789');
    const client = stage.ask(whole.slice(0, -5), 500);
    client.send(whole.slice(-5));
    stage.pass(600);
    expect(client.statuses).toEqual([200]);
    expect(backends[1]!.last.received.endsWith('\r\n\r\n0123456789')).toBe(true);
  });
});

describe('an attempt whose request was under way', () => {
  it('is repeated on another backend if the request is idempotent', () => {
    const { stage, backends } = stageOf(['resets', 'answers']);
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(headsOf(backends[0]!)).toBe(1);
    expect(stage.record).toMatchObject({ attempts: 2, backend: 'server-2', failure: null });
    expect(stage.leftovers()).toBe('');
  });

  it('is repeated when the backend only closed', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    backends[0]!.onHead = (_head, connection) => void connection.socket.end();
    expect(stage.ask(get()).statuses).toEqual([200]);
  });

  it('happens once if it is not idempotent', () => {
    const { stage, backends } = stageOf(['resets', 'answers']);
    expect(stage.ask(post('hello')).statuses).toEqual([502]);
    expect(headsOf(backends[1]!)).toBe(0);
    expect(stage.record).toMatchObject({
      attempts: 1,
      failure: { kind: 'reset', side: 'backend', phase: 'relay' },
    });
    expect(stage.leftovers()).toBe('');
  });

  it('happens once for a POST, also after a backend that refused', () => {
    const { stage, backends } = stageOf(['refuses', 'resets', 'answers']);
    expect(stage.ask(post('hello')).statuses).toEqual([502]);
    expect(headsOf(backends[2]!)).toBe(0);
    expect(stage.record.attempts).toBe(2);
  });

  it('that killed two backends is not tried on a third', () => {
    const { stage, backends } = stageOf(['resets', 'resets', 'answers']);
    expect(stage.ask(get()).statuses).toEqual([502]);
    expect(backends.map((backend) => headsOf(backend!))).toEqual([1, 1, 0]);
    expect(stage.record.attempts).toBe(2);
    expect(stage.leftovers()).toBe('');
  });

  it('passes over those that refuse on its second way', () => {
    const { stage } = stageOf(['resets', 'refuses', 'answers']);
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(stage.record.attempts).toBe(3);
  });

  it('is not repeated after a response timeout', () => {
    const { stage, backends } = stageOf(['waits', 'answers'], {
      timeouts: { responseHeadMs: 1000 },
    });
    expect(stage.ask(get(), 1100).statuses).toEqual([504]);
    expect(headsOf(backends[1]!)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('is not repeated after an answer that breaks a rule', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    backends[0]!.answering('HELLO\r\n\r\n');
    expect(stage.ask(get()).statuses).toEqual([502]);
    expect(headsOf(backends[1]!)).toBe(0);
  });

  it('goes to the same backend on a fresh connection with no other left', () => {
    const { stage, backends } = stageOf(['answers']);
    const [backend] = backends as RawBackend[];
    for (const client of [stage.client(), stage.client()]) client.send(get());
    stage.pass(2);
    expect(backend.connections).toHaveLength(2);
    backend.onHead = (_head, connection) => {
      if (backend.connections.indexOf(connection) < 2) connection.socket.reset();
      else connection.send(ok());
    };
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(backend.connections).toHaveLength(3);
    expect(stage.records[2]).toMatchObject({ attempts: 2, backend: 'server-1', failure: null });
    expect(stage.leftovers()).toBe('');
  });

  it('on a kept connection that closes that instant: a GET is repeated, a POST a 502', () => {
    const statuses = [get(), post('')].map((request) => {
      const { stage, backends } = stageOf(['answers']);
      stage.ask(get());
      const [backend] = backends as RawBackend[];
      const client = stage.client().send(request);
      backend.last.socket.close();
      stage.pass(2);
      expect(backend.connections.length).toBe(request === get() ? 2 : 1);
      return client.statuses;
    });
    expect(statuses).toEqual([[200], [502]]);
  });
});

describe('the budget', () => {
  it('pays for three, and for one in five exchanges', () => {
    const { stage } = stageOf(['resets']);
    for (let exchange = 0; exchange < 10; exchange++) stage.ask(get());
    expect(stage.records.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 1, 2, 1, 1, 1, 1, 2]);
    expect(stage.leftovers()).toBe('');
  });

  it('pays again ten seconds later', () => {
    const { stage } = stageOf(['resets']);
    spendBudget(stage);
    stage.pass(11_000);
    stage.ask(get());
    expect(stage.record.attempts).toBe(2);
  });

  it('is not touched by what may not be repeated', () => {
    const { stage } = stageOf(['resets']);
    for (let exchange = 0; exchange < 4; exchange++) stage.ask(post('x'));
    stage.records.length = 0;
    stage.ask(get());
    expect(stage.record.attempts).toBe(2);
  });
});

describe('the replay buffer', () => {
  const KIB = 1024;

  it.each([
    ['a short one', 10],
    ['one that fills it', 64 * KIB],
  ])('repeats a body: %s', (_size, bytes) => {
    const { stage, backends } = stageOf(['resets', 'answers']);
    const request = put('x'.repeat(bytes));
    expect(stage.ask(request, 10).statuses).toEqual([200]);
    expect(backends[1]!.last.received.endsWith(`\r\n\r\n${'x'.repeat(bytes)}`)).toBe(true);
    expect(stage.record).toMatchObject({ attempts: 2, requestBodyBytes: bytes });
    expect(stage.leftovers()).toBe('');
  });

  it('repeats what was sent so far, and goes on with the rest', () => {
    const { stage, backends } = stageOf(['resets', 'waits']);
    const request = put('0123456789');
    const client = stage.ask(request.slice(0, -5));
    client.send(request.slice(-5));
    stage.pass(2);
    backends[1]!.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(backends[1]!.last.received.endsWith('\r\n\r\n0123456789')).toBe(true);
  });

  it('keeps also what comes after the connection is there', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    const request = put('0123456789');
    const client = stage.ask(request.slice(0, -10));
    for (const part of ['012', '3456', '789']) {
      client.send(part);
      stage.pass(1);
    }
    backends[0]!.last.socket.reset();
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(backends[1]!.last.received.endsWith('\r\n\r\n0123456789')).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('has no room for a longer one: that is a 502', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    const client = stage.ask(put('x'.repeat(64 * KIB + 1)), 10);
    backends[0]!.last.socket.reset();
    stage.pass(2);
    expect(client.statuses).toEqual([502]);
    expect(headsOf(backends[1]!)).toBe(0);
    expect(stage.record.attempts).toBe(1);
    expect(stage.leftovers()).toBe('');
  });

  it('holds the client back while there is no connection', () => {
    const { stage } = stageOf(['refuses']);
    stage.network.blackHole('10.0.0.1');
    const size = 2 * 1024 * KIB;
    const client = stage.ask(post('x'.repeat(size)), 1000);
    const inKernel = 256 * KIB;
    const inOurHands = size - client.socket.unsentBytes() - inKernel;
    expect(inOurHands).toBeLessThanOrEqual(256 * KIB);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a probe that takes the backend down', () => {
  it('has an idempotent exchange that waits there repeated elsewhere', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    const client = stage.ask(get());
    stage.takeDown(1);
    expect(client.statuses).toEqual([200]);
    expect(backends[0]!.last.wasReset).toBe(true);
    expect(stage.record).toMatchObject({ attempts: 2, backend: 'server-2', failure: null });
    expect(stage.leftovers()).toBe('');
  });

  it('leaves alone what must not be repeated', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    const client = stage.ask(post('hello'));
    stage.takeDown(1);
    expect(client.received).toBe('');
    backends[0]!.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });

  it('leaves alone what has begun to answer', () => {
    const { stage, backends } = stageOf(['waits', 'answers']);
    const client = stage.ask(get());
    const whole = ok('0123456789');
    backends[0]!.last.send(whole.slice(0, -5));
    stage.pass(1);
    stage.takeDown(1);
    backends[0]!.last.send(whole.slice(-5));
    stage.pass(1);
    expect(client.received.endsWith('0123456789')).toBe(true);
    expect(stage.record.attempts).toBe(1);
  });

  it('moves what is still connecting, whatever the method', () => {
    const { stage } = stageOf(['refuses', 'answers']);
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(post('hello'), 500);
    stage.takeDown(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.record).toMatchObject({ attempts: 2, failure: null });
    expect(stage.leftovers()).toBe('');
  });

  it('pays for the retries of those that are in flight on it', () => {
    const { stage } = stageOf(['waits', 'answers']);
    const clients = Array.from({ length: 10 }, () => stage.client());
    for (const client of clients) client.send(get());
    stage.pass(2);
    stage.takeDown(1);
    expect(clients.map(({ statuses }) => statuses)).toEqual(Array(10).fill([200]));
    expect(stage.records.filter(({ attempts }) => attempts === 2)).toHaveLength(5);
    expect(stage.leftovers()).toBe('');
  });

  it('closes its idle connections', () => {
    const { stage, backends } = stageOf(['answers']);
    stage.ask(get());
    stage.takeDown(1);
    expect(backends[0]!.last.ended).toBe(true);
  });
});

describe('a request of which bytes of an answer have come', () => {
  it.each([
    ['a part of a head', 'HTTP/1.1 20'],
    ['an interim answer', 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'],
  ])('is not tried again: %s', (_what, part) => {
    for (const end of ['end', 'reset'] as const) {
      const stage = new Stage({ backends: 2 });
      const backend = stage.backend(1);
      stage.backend(2).answering();
      const client = stage.ask(get());
      backend.last.send(part);
      stage.pass(1);
      backend.last.socket[end]();
      stage.pass(2);
      expect(stage.record.attempts).toBe(1);
      expect(client.statuses.at(-1)).toBe(502);
      expect(stage.leftovers()).toBe('');
    }
  });

  it('is not taken away when a probe takes the backend down', () => {
    const stage = new Stage({ backends: 2 });
    const backend = stage.backend(1);
    stage.backend(2).answering();
    const client = stage.ask(get());
    backend.last.send('HTTP/1.1 20');
    stage.pass(1);
    stage.engine.backendDown(stage.backends[0]);
    backend.last.send('0 OK\r\nContent-Length: 2\r\n\r\nok');
    stage.pass(2);
    expect(stage.record.attempts).toBe(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the one retry', () => {
  it('does not go over a kept connection, which may be as dead as the first', () => {
    const { stage, backends } = stageOf(['answers', 'answers']);
    stage.ask(get());
    stage.ask(get());
    // What was kept is dead, and nobody has noticed: a thaw after a long freeze is like that.
    for (const backend of backends) {
      const [kept] = backend!.connections;
      backend!.onHead = (_head, connection) =>
        connection === kept ? void connection.socket.reset() : void connection.send(ok());
    }
    const client = stage.ask(get(), 5);
    expect(client.statuses).toEqual([200]);
    expect(stage.records.at(-1)?.attempts).toBe(2);
    expect(stage.leftovers()).toBe('');
  });

  it('ends in 503 when it finds nobody, because they all died at once', () => {
    const { stage, backends } = stageOf(['answers', 'answers', 'answers']);
    const kill = (): void => {
      for (const { config } of stage.backends) stage.network.kill(config.host);
    };
    backends[0]!.onHead = kill;
    const client = stage.ask(get(), 5);
    expect(client.statuses).toEqual([503]);
    expect(stage.leftovers()).toBe('');
  });
});
