import { beforeEach, describe, expect, it } from 'vitest';
import {
  answer,
  backend,
  ControlWorld,
  healthCheck,
  PORT,
} from '../../../test/fixtures/control-world.ts';
import { latin1 } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { SocketHandler, Target, Transport } from '../base/transport.ts';
import type { PolicyName } from '../config.ts';
import type { Backend } from '../table/backend.ts';
import { type Outcome, Probe } from './probe.ts';

let world: ControlWorld;
beforeEach(() => {
  world = new ControlWorld();
});

interface Seen {
  readonly probe: Probe;
  readonly outcomes: Outcome[];
  readonly connected: string[];
  readonly failed: string[];
  readonly loads: number[][];
}

function probe(of: Backend, transport = world.transport, clock: Clock = world.clock): Seen {
  const outcomes: Outcome[] = [];
  const connected: string[] = [];
  const failed: string[] = [];
  const loads: number[][] = [];
  const made = new Probe(transport, clock, of, of.pool.healthCheck, {
    connected: (address) => void connected.push(address),
    connectFailed: (address, { kind }: Failure) => void failed.push(`${address} ${kind}`),
    reported: ({ inFlight, latencyUs }) => void loads.push([inFlight, latencyUs]),
    done: (outcome) => void outcomes.push(outcome),
  });
  return { probe: made, outcomes, connected, failed, loads };
}

/** What a probe of a server that behaves so says, after ten seconds. */
function outcomeOf(behave: (request: string) => string | null, check = healthCheck()): Outcome {
  world.serve('10.0.0.1', behave);
  const { outcomes } = probe(backend({}, { healthCheck: check }));
  world.pass(10_000);
  expect(outcomes).toHaveLength(1);
  return outcomes[0];
}

const other = (why: string): Outcome => ({ kind: 'failed', how: 'other', why });

describe('a probe', () => {
  it('asks for the path on a fresh connection, and passes on 2xx', () => {
    const server = world.serve('10.0.0.1');
    const seen = probe(backend());
    world.pass(100);
    expect(server.requests).toEqual([
      `GET /health HTTP/1.1\r\nHost: 10.0.0.1:${PORT}\r\nUser-Agent: evenkeel\r\n` +
        'Accept: */*\r\nConnection: close\r\n\r\n',
    ]);
    expect(seen.outcomes).toEqual([{ kind: 'passed', what: 'GET /health answered 200' }]);
    expect(seen.connected).toEqual(['10.0.0.1']);
  });

  it('sends the host and method of the health check', () => {
    const server = world.serve('10.0.0.1');
    const check = healthCheck({ method: 'POST', host: 'app.test', path: '/up?x' });
    probe(backend({}, { healthCheck: check }));
    world.pass(100);
    expect(server.requests[0]).toContain('POST /up?x HTTP/1.1\r\nHost: app.test\r\n');
    expect(server.requests[0]).toContain('Content-Length: 0\r\n');
  });

  it('sends the headers of the health check, also instead of its own', () => {
    const server = world.serve('10.0.0.1');
    const headers = [
      ['X-Probe', 'yes'],
      ['user-agent', 'mine'],
    ] as const;
    probe(backend({}, { healthCheck: healthCheck({ headers }) }));
    world.pass(100);
    expect(server.requests).toEqual([
      `GET /health HTTP/1.1\r\nHost: 10.0.0.1:${PORT}\r\nAccept: */*\r\n` +
        'X-Probe: yes\r\nuser-agent: mine\r\nConnection: close\r\n\r\n',
    ]);
  });

  it('hears of the load of a backend whose pool goes by that, in a good answer', () => {
    const field = 'Backend-Load: in_flight=2, latency_ms=1.5\r\n';
    const server = world.serve('10.0.0.1', () => answer(200, field));
    const loadsWith = (policy: PolicyName): number[][] => {
      const seen = probe(backend({}, { policy }));
      world.pass(100);
      expect(seen.outcomes).toHaveLength(1);
      return seen.loads;
    };
    expect(loadsWith('prequal')).toEqual([[2, 1500]]);
    expect(loadsWith('round_robin')).toEqual([]);
    server.behave = () => answer(503, field);
    expect(loadsWith('prequal')).toEqual([]);
    server.behave = () => answer(200, 'Backend-Load: busy\r\n');
    expect(loadsWith('prequal')).toEqual([]);
  });

  it('leaves nothing behind', () => {
    world.serve('10.0.0.1');
    probe(backend());
    world.pass(100);
    expect(world.network.stats.openSockets).toBe(0);
    expect(world.clock.pending()).toBe(0);
  });

  it('closes a connection that the backend keeps open after its answer', () => {
    world.network.transport('10.0.0.1').listen(
      { host: '10.0.0.1', port: PORT },
      (socket) => ({
        onOpen: () => {},
        onData: () => {
          socket.write(new Uint8Array(Array.from(answer(200), (c) => c.charCodeAt(0))));
        },
        onDrain: () => {},
        onEnd: () => socket.close(),
        onClose: () => {},
      }),
      () => {},
    );
    const { outcomes } = probe(backend());
    world.pass(100);
    expect(outcomes).toMatchObject([{ kind: 'passed' }]);
    expect(world.network.stats.openSockets).toBe(2);
    world.pass(2000);
    expect(world.network.stats.openSockets).toBe(0);
    expect(outcomes).toHaveLength(1);
  });

  it('does not read an answer without end', () => {
    let sent = 0;
    world.network.transport('10.0.0.1').listen(
      { host: '10.0.0.1', port: PORT },
      (socket) => {
        const flood = (): void => {
          sent += 8192;
          if (sent < 8192 * 1000 && socket.write(new Uint8Array(8192))) world.clock.nextTurn(flood);
        };
        return {
          onOpen: () => {},
          onData: () => {
            socket.write(Uint8Array.from('HTTP/1.1 200 OK\r\n', (c) => c.charCodeAt(0)));
            flood();
          },
          onDrain: flood,
          onEnd: () => socket.close(),
          onClose: () => {
            sent = Number.POSITIVE_INFINITY;
          },
        };
      },
      () => {},
    );
    const { outcomes } = probe(backend());
    world.pass(1000);
    expect(outcomes).toMatchObject([{ kind: 'passed' }]);
    expect(world.network.stats.openSockets).toBe(0);
    expect(world.clock.pending()).toBe(0);
  });

  it('by TCP connects, and no more', () => {
    const server = world.serve('10.0.0.1', () => null);
    for (const check of [healthCheck({ kind: 'tcp' }), null]) {
      const { outcomes } = probe(backend({}, { healthCheck: check }));
      world.pass(100);
      expect(outcomes).toEqual([{ kind: 'passed', what: 'it accepts connections' }]);
    }
    expect(server.requests).toEqual(['', '']);
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('goes over TLS to an https backend', () => {
    const targets: Target[] = [];
    const transport: Transport = {
      listen: world.transport.listen,
      connect: (to, handler) => {
        targets.push(to);
        return world.transport.connect(to, handler);
      },
    };
    const tls = { verify: true, caPem: null, serverName: null };
    probe(backend({ tls: true, host: 'app.test' }, { tls }), transport);
    probe(
      backend({ tls: true }, { tls: { verify: false, caPem: 'PEM', serverName: 'x' } }),
      transport,
    );
    expect(targets.map((target) => target.tls)).toEqual([
      { serverName: 'app.test', verify: true, caPem: null },
      { serverName: 'x', verify: false, caPem: 'PEM' },
    ]);
  });
});

describe('a probe says what came instead:', () => {
  it('another status', () => {
    expect(outcomeOf(() => answer(500))).toEqual(other('GET /health answered 500'));
  });

  it('a redirect, and where to', () => {
    expect(outcomeOf(() => answer(302, 'Location: /login\r\n'))).toEqual(
      other('GET /health answered 302 to /login; set expected_status'),
    );
  });

  it('a log-in page', () => {
    expect(outcomeOf(() => answer(401))).toEqual(
      other('GET /health answered 401; set expected_status'),
    );
  });

  it('not when that status is expected', () => {
    const check = healthCheck({
      expectedStatus: [
        [200, 200],
        [300, 302],
      ],
    });
    expect(outcomeOf(() => answer(302), check).kind).toBe('passed');
  });

  it('nothing in time', () => {
    expect(outcomeOf(() => null)).toEqual({
      kind: 'failed',
      how: 'timeout',
      why: 'GET /health took longer than 2 s',
    });
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('a body without the expected text, and passes with it', () => {
    const check = healthCheck({ expectedBody: 'ready' });
    const page = (text: string) => `HTTP/1.0 200 OK\r\n\r\n${text}`;
    expect(outcomeOf(() => page('starting'), check)).toEqual(
      other('GET /health answered 200 without "ready", but with "starting"'),
    );
    world = new ControlWorld();
    expect(outcomeOf(() => page('I am ready'), check)).toMatchObject({ kind: 'passed' });
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('a body that takes longer than the timeout allows', () => {
    world.network.transport('10.0.0.1').listen(
      { host: '10.0.0.1', port: PORT },
      (socket) => {
        const drip = (): void => {
          socket.write(latin1('.'));
          world.clock.wakeAt(world.clock.nowMs() + 100, drip);
        };
        return {
          onOpen: () => {},
          onData: () => {
            socket.write(latin1('HTTP/1.1 200 OK\r\n\r\n'));
            drip();
          },
          onDrain: () => {},
          onEnd: () => {},
          onClose: () => {},
        };
      },
      () => {},
    );
    const check = healthCheck({ expectedBody: 'ready' });
    const { outcomes } = probe(backend({}, { healthCheck: check }));
    world.pass(1900);
    expect(outcomes).toEqual([]);
    world.pass(200);
    const why = 'GET /health took longer than 2 s';
    expect(outcomes).toEqual([{ kind: 'failed', how: 'timeout', why }]);
  });

  it('an end without an answer', () => {
    expect(outcomeOf(() => '')).toEqual(
      other('the connection was closed before an answer to GET /health'),
    );
  });

  it('another protocol', () => {
    expect(outcomeOf(() => 'SSH-2.0-OpenSSH\r\n')).toEqual(
      other('GET /health was not answered in HTTP/1.x but with "SSH-2.0-OpenSSH.."'),
    );
  });

  it('a head without end', () => {
    expect(outcomeOf(() => `HTTP/1.1 200 ${'a'.repeat(20_000)}`)).toEqual(
      other('GET /health was answered with a head above 16 KiB'),
    );
  });

  it('a reset', () => {
    world.serve('10.0.0.1', () => null);
    const { outcomes } = probe(backend());
    world.pass(100);
    world.network.kill('10.0.0.1');
    world.pass(100);
    expect(outcomes).toEqual([other('the connection was reset before an answer to GET /health')]);
  });

  it('a refusal', () => {
    const { outcomes, failed } = probe(backend());
    world.pass(100);
    expect(outcomes).toEqual([
      { kind: 'failed', how: 'refused', why: '10.0.0.1:9000 refused the connection' },
    ]);
    expect(failed).toEqual(['10.0.0.1 refused']);
  });

  it('a connection that is never made', () => {
    world.network.blackHole('10.0.0.1');
    const { outcomes } = probe(backend());
    world.pass(3000);
    expect(outcomes).toEqual([
      { kind: 'failed', how: 'timeout', why: 'connecting took longer than 2 s' },
    ]);
    expect(world.network.stats.openSockets).toBe(0);
  });
});

describe('a probe of several addresses', () => {
  const both = () => backend({}, {}, ['10.0.0.1', '10.0.0.2']);

  it('tries them in order until one connects', () => {
    world.serve('10.0.0.2');
    const seen = probe(both());
    world.pass(100);
    expect(seen.failed).toEqual(['10.0.0.1 refused']);
    expect(seen.connected).toEqual(['10.0.0.2']);
    expect(seen.outcomes).toMatchObject([{ kind: 'passed' }]);
  });

  it('is refused only when all of them refuse', () => {
    const { outcomes } = probe(both());
    world.pass(100);
    expect(outcomes).toEqual([
      {
        kind: 'failed',
        how: 'refused',
        why: '10.0.0.1:9000 and 10.0.0.2:9000 refused the connection',
      },
    ]);
  });

  it('leaves time for the second when the first swallows packets', () => {
    world.network.blackHole('10.0.0.1');
    world.serve('10.0.0.2');
    const seen = probe(both());
    world.pass(900);
    expect(seen.outcomes).toEqual([]);
    world.pass(200);
    expect(seen.failed).toEqual(['10.0.0.1 connect_timeout']);
    expect(seen.outcomes).toMatchObject([{ kind: 'passed' }]);
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('has one timeout for all of them', () => {
    world.network.blackHole('10.0.0.1');
    world.serve('10.0.0.2', () => null);
    const { outcomes } = probe(both());
    world.pass(1999);
    expect(outcomes).toEqual([]);
    world.pass(2);
    expect(outcomes).toMatchObject([{ how: 'timeout' }]);
  });
});

describe('a probe that failed through our own fault', () => {
  /** Connecting fails with these, one after the other. */
  function failing(failures: readonly Failure[]): Transport {
    const left = [...failures];
    return {
      listen: world.transport.listen,
      connect: (_to, handler: SocketHandler) => {
        const why = left.shift() ?? null;
        world.clock.nextTurn(() => handler.onClose(why));
        return world.transport.connect({ address: '0', port: 1, tls: null }, silent);
      },
    };
  }
  const silent: SocketHandler = {
    onOpen: () => {},
    onData: () => {},
    onDrain: () => {},
    onEnd: () => {},
    onClose: () => {},
  };
  const ours = failure('no_resources', 'us', 'connect', 'safe', 'no descriptors are left');
  const refused = failure('refused', 'backend', 'connect', 'safe', 'refused');
  const unreachable = failure('unreachable', 'backend', 'connect', 'safe', 'no route to it');

  const outcome = (failures: readonly Failure[]): Outcome => {
    const addresses = failures.map((_, index) => `10.0.0.${index}`);
    const { outcomes } = probe(backend({}, {}, addresses), failing(failures));
    world.pass(100);
    return outcomes[0];
  };

  it('is no evidence', () => {
    expect(outcome([ours])).toEqual({ kind: 'void', why: 'no descriptors are left' });
  });

  it('on one address leaves the verdict to the others', () => {
    expect(outcome([refused, ours])).toMatchObject({ how: 'refused' });
    expect(outcome([ours, unreachable])).toEqual(other('no route to it'));
    expect(outcome([refused, unreachable])).toMatchObject({ how: 'refused' });
    const tls = failure('tls', 'backend', 'connect', 'safe', 'the certificate has expired');
    expect(outcome([refused, tls])).toEqual(other('the certificate has expired'));
  });

  it('is void when we woke up late', () => {
    let lagMs = 0;
    const clock: Clock = Object.assign(Object.create(world.clock), {
      nowMs: () => world.clock.nowMs() + lagMs,
    });
    world.serve('10.0.0.1', () => null);
    const { outcomes } = probe(backend(), world.transport, clock);
    world.pass(1000);
    lagMs = 1500;
    world.pass(2000);
    expect(outcomes).toEqual([{ kind: 'void', why: 'this process slept for 1.5 s' }]);
  });
});

describe('a probe that is aborted', () => {
  it('has no outcome and closes its connection', () => {
    world.serve('10.0.0.1', () => null);
    const seen = probe(backend());
    world.pass(100);
    expect(seen.probe.inFlight).toBe(true);
    seen.probe.abort();
    seen.probe.abort();
    expect(seen.probe.inFlight).toBe(false);
    world.pass(5000);
    expect(seen.outcomes).toEqual([]);
    expect(world.network.stats.openSockets).toBe(0);
    expect(world.clock.pending()).toBe(0);
  });
});
