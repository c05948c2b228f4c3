import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type Raw,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { failure } from '../base/failure.ts';

const TEN_MINUTES_MS = 600_000;
/** Deadlines are kept to a tick of the wheel, and messages need their time. */
const SLACK_MS = 60;

function answering(
  answer = ok(),
  options: StageOptions = {},
): { stage: Stage; backend: RawBackend } {
  const stage = new Stage(options);
  return { stage, backend: stage.backend().answering(answer) };
}

/** How many of a backend's connections the balancer has closed. */
const closedBy = ({ connections }: RawBackend): number =>
  connections.filter(({ ended, closed }) => ended || closed !== undefined).length;

const distrusted = ({ events }: Stage): number =>
  events.filter((event) => event === 'backend_distrusted').length;

/** How many new connections two requests, one after the other, need. */
function connectionsForTwo(stage: Stage, backend: RawBackend): number {
  const before = backend.connections.length;
  for (let request = 0; request < 2; request++) {
    expect(stage.ask(get()).received.endsWith('\r\n\r\nok')).toBe(true);
  }
  return backend.connections.length - before;
}

describe('a connection that has answered', () => {
  it('carries the next exchange when a whole turn has passed in silence', () => {
    const { stage, backend } = answering(ok(), { manualTurns: true });
    stage.ask(get());
    // The turn in which the answer came, and not yet a whole one.
    stage.turn();
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
    stage.turn();
    stage.turn();
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
    expect(stage.leftovers()).toBe('');
  });

  it.each([
    ['HTTP/1.1', null, 1],
    ['HTTP/1.1', 'close', 2],
    ['HTTP/1.0', null, 2],
    ['HTTP/1.0', 'keep-alive', 1],
  ])('in %s with Connection: %s takes two over %i', (version, option, connections) => {
    const fields = option === null ? '' : `Connection: ${option}\r\n`;
    const answer = ok('ok', fields).replace('HTTP/1.1', version);
    const { stage, backend } = answering(answer);
    expect(connectionsForTwo(stage, backend)).toBe(connections);
    expect(distrusted(stage)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('before the request was whole is reset, not kept', () => {
    const { stage, backend } = answering();
    const client = stage.ask(post('0123456789').slice(0, -5));
    expect(client.statuses).toEqual([200]);
    expect(client.received).toContain('Connection: close\r\n');
    expect(backend.last.wasReset).toBe(true);
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
    expect(stage.leftovers()).toBe('');
  });

  it('and then ended its side is not kept', () => {
    const stage = new Stage();
    const backend = stage.backend();
    backend.onHead = (_head, connection) => void connection.send(ok()).socket.end();
    expect(connectionsForTwo(stage, backend)).toBe(2);
    expect(stage.leftovers()).toBe('');
  });

  it('with a body until its end is not kept', () => {
    const stage = new Stage();
    const backend = stage.backend();
    backend.onHead = (_head, connection) =>
      void connection.send('HTTP/1.1 200 OK\r\n\r\nok').socket.end();
    stage.ask(get());
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
    expect(closedBy(backend)).toBe(2);
  });
});

describe('bytes that belong to no response', () => {
  /** Each way leaves an exchange behind that was answered, and the extra bytes sent. */
  const ways: [string, (stage: Stage, backend: RawBackend) => void][] = [
    [
      'together with the answer',
      (stage, backend) => {
        backend.answering(`${ok()}HTTP/1.1 408`);
        stage.ask(get());
      },
    ],
    [
      'in the turn after it',
      (stage, backend) => {
        backend.answering();
        const client = stage.client().send(get());
        // No turn passes: the connection has answered and does not count as clean yet.
        while (client.received === '') stage.pass(0.1);
        backend.last.send('x');
        stage.pass(0.1);
      },
    ],
    [
      'to an idle connection',
      (stage, backend) => {
        backend.answering();
        stage.ask(get(), 1000);
        backend.last.send('HTTP/1.1 408 Request Timeout\r\n\r\n');
        stage.pass(1);
      },
    ],
  ];

  it.each(ways)('%s turn reuse off for ten minutes, loudly and once', (_way, send) => {
    const stage = new Stage({ manualTurns: true });
    const settle = (): void => {
      for (let turn = 0; turn < 3; turn++) stage.turn();
    };
    const backend = stage.backend();
    send(stage, backend);
    if (distrusted(stage) === 0) settle();
    expect(stage.records.map(({ status }) => status)).toEqual([200]);
    stage.pass(1);
    expect(backend.last.ended).toBe(true);
    expect(distrusted(stage)).toBe(1);

    backend.answering();
    const connectionsUsed = (): number => {
      const before = backend.connections.length;
      for (let request = 0; request < 2; request++) {
        expect(stage.ask(get()).statuses).toEqual([200]);
        settle();
      }
      return backend.connections.length - before;
    };
    expect(connectionsUsed()).toBe(2);
    stage.pass(TEN_MINUTES_MS - 1000);
    expect(connectionsUsed()).toBe(2);
    stage.pass(1000);
    expect(connectionsUsed()).toBe(1);
    expect(distrusted(stage)).toBe(1);
    expect(stage.leftovers()).toBe('');
  });

  it('close the other idle connections of the backend too', () => {
    const { stage, backend } = answering();
    const clients = [stage.client(), stage.client()];
    for (const client of clients) client.send(get());
    stage.pass(2);
    expect(backend.connections).toHaveLength(2);
    backend.connections[0].send('x');
    stage.pass(1);
    expect(closedBy(backend)).toBe(2);
  });

  it('count again when trust has come back', () => {
    const { stage } = answering(`${ok()}x`);
    stage.ask(get());
    stage.pass(TEN_MINUTES_MS);
    stage.ask(get());
    expect(distrusted(stage)).toBe(2);
  });
});

describe('an answer that begins before its request was written', () => {
  it('goes to the client, and turns reuse off', () => {
    const { stage, backend } = answering(ok(), { network: { sendBufferBytes: 16 } });
    backend.onConnection = (connection) => connection.socket.pause();
    const client = stage.ask(get());
    backend.last.send(ok());
    stage.pass(5);
    expect(client.statuses).toEqual([200]);
    expect(distrusted(stage)).toBe(1);
    backend.onConnection = () => {};
    stage.network.options.sendBufferBytes = 256 * 1024;
    expect(connectionsForTwo(stage, backend)).toBe(2);
  });
});

describe('how long a connection is kept idle', () => {
  /** Milliseconds after its answer within which the balancer closes the connection. */
  function idleMs(stage: Stage, connection: Raw): number {
    const from = stage.clock.nowMs();
    while (!connection.ended) {
      stage.pass(10);
      if (stage.clock.nowMs() - from > 120_000) throw new Error('it is kept for ever');
    }
    return stage.clock.nowMs() - from;
  }

  /** The deadline fires at its time or a little later. */
  function expectAround(measuredMs: number, expectedMs: number): void {
    expect(measuredMs).toBeGreaterThanOrEqual(expectedMs - SLACK_MS);
    expect(measuredMs).toBeLessThanOrEqual(expectedMs + 2 * SLACK_MS);
  }

  it.each([
    ['nothing', '', 4000],
    ['two seconds', 'Keep-Alive: timeout=2\r\n', 1000],
    ['a minute', 'Keep-Alive: timeout=60, max=100\r\n', 30_000],
    ['an hour', 'Keep-Alive: timeout=3600\r\n', 60_000],
  ])('is half of what the backend promises, a minute at most: %s', (_promise, fields, kept) => {
    const { stage, backend } = answering(ok('ok', fields));
    stage.ask(get());
    expectAround(idleMs(stage, backend.last), kept);
    expect(distrusted(stage)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('is the time of the configuration without a promise', () => {
    const { stage, backend } = answering(ok(), { timeouts: { backendKeepAliveMs: 500 } });
    stage.ask(get());
    expectAround(idleMs(stage, backend.last), 500);
  });

  it.each([
    ['no promise', '', 3000],
    ['a promise it does not keep', 'Keep-Alive: timeout=60\r\n', 10_000],
  ])('undercuts the time after which the backend was seen to close: %s', (_what, fields, seen) => {
    const { stage, backend } = answering(ok('ok', fields));
    for (let times = 0; times < 2; times++) {
      stage.ask(get());
      stage.pass(seen);
      backend.last.socket.close();
      stage.pass(1);
    }
    stage.ask(get());
    expect(backend.connections).toHaveLength(3);
    expectAround(idleMs(stage, backend.last), 0.8 * seen);
  });

  it('is no shorter because the backend was started anew once', () => {
    const { stage, backend } = answering();
    stage.ask(get());
    stage.pass(5);
    backend.last.socket.close();
    stage.pass(60_000);
    stage.ask(get());
    stage.pass(200);
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
  });

  it('is no time at all once the balancer stops', () => {
    const stage = new Stage();
    const backend = stage.backend();
    stage.ask(get());
    stage.engine.beginStop();
    backend.last.send(ok('ok', 'Keep-Alive: timeout=3600\r\n'));
    stage.pass(10);
    expect(backend.last.ended).toBe(true);
  });
});

describe('which connection an exchange takes', () => {
  it.each([
    ['POST', post(''), 900, 1],
    ['POST', post(''), 1100, 2],
    ['PATCH', post('').replace('POST', 'PATCH'), 1100, 2],
    ['GET', get(), 1100, 1],
    ['PUT', post('').replace('POST', 'PUT'), 1100, 1],
  ])('%s: what must not happen twice wants one idle for less than 1 s', (_name, text, ms, used) => {
    const { stage, backend } = answering();
    stage.ask(get(), ms);
    stage.ask(text);
    expect(backend.connections).toHaveLength(used);
    expect(stage.leftovers()).toBe('');
  });

  it('is the one that was used last', () => {
    const { stage, backend } = answering();
    const clients = [stage.client(), stage.client()];
    for (const client of clients) client.send(get());
    stage.pass(2);
    const [first, second] = backend.connections;
    stage.ask(get());
    stage.ask(get());
    expect(first.received.length).toBeLessThan(second.received.length);
    expect(backend.connections).toHaveLength(2);
  });

  it('is none that has begun to close', () => {
    const { stage, backend } = answering();
    stage.ask(get());
    backend.last.socket.end();
    stage.pass(1);
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(backend.connections).toHaveLength(2);
  });

  it('leaves at most idlePerBackend idle, the freshest', () => {
    const { stage, backend } = answering(ok(), { limits: { idlePerBackend: 2 } });
    const clients = Array.from({ length: 4 }, () => stage.client());
    for (const client of clients) {
      client.send(get());
      stage.pass(0.01);
    }
    stage.pass(2);
    expect(backend.connections.map(({ ended }) => ended)).toEqual([true, true, false, false]);
    expect(stage.leftovers()).toBe('');
  });

  it('is none where none may be kept', () => {
    const { stage, backend } = answering(ok(), { limits: { idlePerBackend: 0 } });
    expect(stage.ask(get(), 10).statuses).toEqual([200]);
    expect(stage.ask(get(), 10).statuses).toEqual([200]);
    expect(backend.connections.map(({ ended }) => ended)).toEqual([true, true]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a backend with several addresses', () => {
  function twoAddresses(): Stage {
    const stage = new Stage();
    stage.backends[0].addresses = ['10.0.0.1', '10.0.1.1'];
    return stage;
  }

  it('is reached at the next when one refuses, and the control thread hears of both', () => {
    const stage = twoAddresses();
    const backend = stage.backend(1, '10.0.1.1').answering();
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(backend.connections).toHaveLength(1);
    expect(stage.record).toMatchObject({ attempts: 1, failure: null });
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'connected server-1 10.0.1.1',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  /** The first does not answer when it is dialled, and then refuses; the list changes meanwhile. */
  function changingTo(now: readonly string[]): { stage: Stage; statuses: readonly number[] } {
    const stage = twoAddresses();
    stage.network.blackHole('10.0.0.1');
    stage.backend(1, '10.0.1.1').answering();
    const client = stage.ask(get());
    stage.backends[0].addresses = now;
    stage.network.heal('10.0.0.1');
    stage.pass(20_000);
    expect(stage.leftovers()).toBe('');
    return { stage, statuses: client.statuses };
  }

  it('is reached at each of them once, though their order changes meanwhile', () => {
    const { stage, statuses } = changingTo(['10.0.1.1', '10.0.0.1']);
    expect(statuses).toEqual([200]);
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'connected server-1 10.0.1.1',
    ]);
  });

  it('is not looked for at one that is gone meanwhile', () => {
    const { stage, statuses } = changingTo(['10.0.0.1', '10.0.2.1']);
    expect(statuses).toEqual([503]);
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'suspected server-1: refused',
    ]);
  });

  it('is suspect only when every one of them has failed', () => {
    const stage = twoAddresses();
    expect(stage.ask(get()).statuses).toEqual([503]);
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'connectFailed server-1 10.0.1.1: refused',
      'suspected server-1: refused',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  /** An address that this machine has no way to: connecting fails for want of our own. */
  function withoutWayTo(stage: Stage, address: string): void {
    const { transport } = stage.engine;
    const { connect } = transport;
    const why = failure('unreachable', 'us', 'connect', 'safe', 'no IPv6 here');
    const nothing = (): void => {};
    transport.connect = (to, handler) => {
      if (to.address !== address) return connect(to, handler);
      stage.clock.nextTurn(() => handler.onClose(why));
      return {
        write: () => true,
        unsentBytes: () => 0,
        pause: nothing,
        resume: nothing,
        end: nothing,
        close: nothing,
        reset: nothing,
      };
    };
  }

  it.each([
    ['first', ['fd00::1', '10.0.0.1']],
    ['last', ['10.0.0.1', 'fd00::1']],
  ])('is suspect though one of them is out of our reach: %s', (_place, addresses) => {
    const stage = new Stage();
    stage.backends[0].addresses = addresses;
    withoutWayTo(stage, 'fd00::1');
    expect(stage.ask(get()).statuses).toEqual([503]);
    expect(stage.evidence).toEqual([
      'connectFailed server-1 10.0.0.1: refused',
      'suspected server-1: refused',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  it('is not suspect when all of them are out of our reach', () => {
    const stage = new Stage();
    stage.backends[0].addresses = ['fd00::1'];
    withoutWayTo(stage, 'fd00::1');
    expect(stage.ask(get()).statuses).toEqual([503]);
    expect(stage.evidence).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });

  it('that has none is our trouble, and no evidence against it', () => {
    const stage = new Stage();
    stage.backends[0].addresses = [];
    expect(stage.ask(get()).statuses).toEqual([503]);
    expect(stage.record.failure?.cause).toBe(
      'no backend could be reached, the last one: no address is known for 10.0.0.1',
    );
    expect(stage.evidence).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });

  it('that has none is passed over for one that has', () => {
    const stage = new Stage({ backends: 2 });
    stage.backends[0].addresses = [];
    stage.backend(2).answering();
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(stage.record).toMatchObject({ attempts: 2, backend: 'server-2' });
  });
});
