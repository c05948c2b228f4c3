/** What an exchange tells the policy of its pool about a backend. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { State } from '../table/table.ts';

function onStage(options: StageOptions = {}): { stage: Stage; backend: RawBackend } {
  const stage = new Stage({ ...options, pool: { policy: 'peak_ewma', ...options.pool } });
  return { stage, backend: stage.backend() };
}

/** What is known of the first backend's latency, ms. */
const known = (stage: Stage): number => stage.table.cost(stage.backends[0].slot) / 1000;

const FAILURE_MS = 5000;

describe('a policy hears', () => {
  it("how long it took to a response's head, not to its end", () => {
    const { stage, backend } = onStage();
    stage.ask(get(), 300);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
    stage.pass(400);
    backend.last.send('k');
    stage.pass(1);
    expect(Math.abs(known(stage) - 300)).toBeLessThan(2);
  });

  it('counts from when the backend has the whole request', () => {
    const { stage, backend } = onStage();
    const client = stage.ask('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na', 700);
    client.send('b');
    stage.pass(200);
    backend.last.send(ok());
    stage.pass(1);
    expect(Math.abs(known(stage) - 200)).toBeLessThan(2);
  });

  it.each([500, 503, 599, 429])('that a %i is a failure, however fast', (status) => {
    const { stage, backend } = onStage();
    backend.answering(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    stage.ask(get());
    expect(known(stage)).toBe(FAILURE_MS);
  });

  it.each([200, 204, 302, 404])('that a %i is none', (status) => {
    const { stage, backend } = onStage();
    const length = status === 204 ? '' : 'Content-Length: 0\r\n';
    backend.answering(`HTTP/1.1 ${status} Well\r\n${length}\r\n`);
    stage.ask(get());
    expect(known(stage)).toBeLessThan(10);
  });

  it('that a backend which resets instead of answering has failed', () => {
    const { stage, backend } = onStage();
    backend.onHead = (_head, raw) => raw.socket.reset();
    stage.ask(get(), 10);
    expect(known(stage)).toBe(FAILURE_MS);
  });

  it('that one which lets time run out has failed, after longer than that', () => {
    const { stage } = onStage({ timeouts: { responseHeadMs: 8000 } });
    stage.ask(get(), 9000);
    expect(Math.abs(known(stage) - 8000)).toBeLessThan(50);
  });

  it('that one which refuses has failed', () => {
    const stage = new Stage({ pool: { policy: 'peak_ewma' } });
    stage.ask(get(), 10);
    expect(known(stage)).toBe(FAILURE_MS);
  });

  it('nothing of a kept connection that ends as it is asked again', () => {
    const { stage, backend } = onStage();
    let asked = 0;
    backend.onHead = (_head, raw) => {
      asked += 1;
      if (asked === 2) raw.socket.reset();
      else raw.send(ok());
    };
    const client = stage.ask(get(), 10);
    client.send(get());
    stage.pass(10);
    expect([asked, client.statuses]).toEqual([3, [200, 200]]);
    expect(known(stage)).toBeLessThan(10);
  });

  it('nothing of a client that has gone', () => {
    const { stage } = onStage();
    const client = stage.ask(get(), 100);
    client.socket.reset();
    stage.pass(100);
    expect(known(stage)).toBe(0);
  });
});

describe('adaptive hears', () => {
  const onAdaptive = (options: StageOptions = {}) => {
    const stage = new Stage({ ...options, pool: { policy: 'adaptive', ...options.pool } });
    return { stage, backend: stage.backend() };
  };

  it('how many others were there when an exchange began, not when it ended', () => {
    const { stage, backend } = onAdaptive();
    for (let i = 0; i < 3; i++) stage.ask(get(), 0);
    stage.pass(90);
    // The last one met two: a third of 90 ms. It answers while the others still wait.
    backend.last.send(ok());
    stage.pass(1);
    expect(Math.abs(known(stage) - 30)).toBeLessThan(2);
  });

  it('how long a backend that fails asks to be left alone', () => {
    const { stage, backend } = onAdaptive();
    backend.answering('HTTP/1.1 503 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n');
    stage.ask(get());
    expect(known(stage)).toBe(60_000);
  });

  it.each(['Wed, 21 Oct 2026 07:28:00 GMT', '-1', 'soon', ''])(
    'nothing in Retry-After: %s but that it has failed',
    (value) => {
      const { stage, backend } = onAdaptive();
      const fields = `Retry-After: ${value}\r\nContent-Length: 0\r\n`;
      backend.answering(`HTTP/1.1 503 No\r\n${fields}\r\n`);
      stage.ask(get());
      expect(known(stage)).toBe(FAILURE_MS);
    },
  );

  it('that a client waited in vain, if it has sent its request whole', () => {
    const { stage } = onAdaptive();
    const sending = stage.ask('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\na', 900);
    sending.socket.reset();
    stage.pass(10);
    expect(known(stage)).toBe(0);
    const waiting = stage.ask(get(), 700);
    waiting.socket.reset();
    stage.pass(10);
    expect(Math.abs(known(stage) - 700)).toBeLessThan(5);
  });

  it('nothing of a tunnel, and nothing of a client that leaves in the middle of an answer', () => {
    const { stage, backend } = onAdaptive();
    const upgrade = 'Connection: Upgrade\r\nUpgrade: x\r\n';
    stage.ask(get('/', upgrade), 100);
    backend.last.send(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`);
    stage.pass(1);
    expect(known(stage)).toBe(0);
    const client = stage.ask(get(), 5);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no');
    stage.pass(500);
    const heard = known(stage);
    client.socket.reset();
    stage.pass(10);
    expect(known(stage)).toBe(heard);
  });
});

describe('a report of a backend about itself', () => {
  const fields = (inFlight: number, ms: number): string =>
    `Backend-Load: in_flight=${inFlight}, latency_ms=${ms}\r\nX-Other: 1\r\n`;

  it('decides with prequal, and does not reach the client', () => {
    const stage = new Stage({ backends: 2, pool: { policy: 'prequal' } });
    stage.backend(1).answering(ok('ok', fields(40, 5)));
    stage.backend(2).answering(ok('ok', fields(0, 5)));
    const client = stage.client();
    for (let i = 0; i < 60; i++) {
      client.send(get());
      stage.pass(5);
    }
    expect(client.statuses).toEqual(new Array(60).fill(200));
    expect(client.received).not.toMatch(/backend-load/i);
    expect(client.received).toContain('X-Other: 1');
    const idle = stage.records.filter(({ backend }) => backend === 'server-2').length;
    expect(idle).toBeGreaterThan(40);
  });

  it('is a field like any other to other policies', () => {
    const { stage, backend } = onStage();
    backend.answering(ok('ok', fields(1, 5)));
    expect(stage.ask(get()).received).toContain('Backend-Load: in_flight=1, latency_ms=5\r\n');
  });

  it('is missed in the log, once', () => {
    const stage = new Stage({ pool: { policy: 'prequal' } });
    stage.backend().answering(ok('ok', 'Backend-Load: 3\r\n'));
    const client = stage.client();
    for (let i = 0; i < 250; i++) {
      client.send(get());
      stage.pass(5);
    }
    expect(stage.events).toEqual(['no_load_reports']);
  });
});

describe('a pool', () => {
  it('sends a backend that fails at once next to nothing', () => {
    const stage = new Stage({ backends: 2, pool: { policy: 'peak_ewma' } });
    const failing = stage.backend(1);
    failing.answering('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n');
    stage.backend(2).answering(ok());
    const asked = stage.client();
    for (let i = 0; i < 50; i++) {
      asked.send(get());
      stage.pass(5);
    }
    const failed = asked.statuses.filter((status) => status === 500).length;
    expect([asked.statuses.length, failed <= 1]).toEqual([50, true]);
  });

  it('goes on with another policy after a reload, and with what it knows', () => {
    const stage = new Stage({ backends: 2 });
    const [first, second] = [stage.backend(1), stage.backend(2)];
    // One exchange stays on the first backend.
    stage.ask(get());
    expect(first.connections.length).toBe(1);
    const [pool] = stage.config.pools;
    stage.configure({ ...stage.config, pools: [{ ...pool, policy: 'least_connections' }] });
    second.answering();
    for (let i = 0; i < 5; i++) stage.ask(get(), 10);
    expect(first.connections.length).toBe(1);
    expect(stage.records.map((record) => record.backend)).toEqual(new Array(5).fill('server-2'));
  });
});

const byKey = ['maglev', 'ring_hash', 'rendezvous'] as const;

describe.each(byKey)('a pool that goes by a key, %s', (policy) => {
  it('sends the same key to the same backend, and the others on when it is gone', () => {
    const stage = new Stage({
      backends: 3,
      pool: { policy, hashKey: { kind: 'cookie', name: 'sid' } },
    });
    for (const number of [1, 2, 3]) stage.backend(number).answering();
    const whose = (sid: number): string | null => {
      stage.ask(get('/', `Cookie: sid=${sid}\r\n`), 10);
      return stage.records.at(-1)!.backend;
    };
    const ids = Array.from({ length: 30 }, (_, sid) => sid);
    const before = ids.map(whose);
    expect(new Set(before).size).toBe(3);
    expect(ids.map(whose)).toEqual(before);
    stage.table.setState(stage.backends[1].slot, State.down);
    stage.refresh();
    const after = ids.map(whose);
    const kept = ids.filter((sid) => after[sid] === before[sid]).length;
    const lost = before.filter((name) => name === 'server-2').length;
    expect(after).not.toContain('server-2');
    expect(kept).toBeGreaterThanOrEqual(30 - lost - 2);
  });

  it('sends requests without the key in turn', () => {
    const stage = new Stage({
      backends: 3,
      pool: { policy, hashKey: { kind: 'header', name: 'x-user' } },
    });
    for (const number of [1, 2, 3]) stage.backend(number).answering();
    for (let i = 0; i < 3; i++) stage.ask(get(), 10);
    const names = stage.records.map((record) => record.backend);
    expect(names).toEqual(['server-1', 'server-2', 'server-3']);
  });

  it('takes a bound at a reload, and lets it go again', () => {
    const stage = new Stage({ backends: 3, pool: { policy, hashKey: { kind: 'host' } } });
    // Nobody answers: all stay in flight.
    for (const number of [1, 2, 3]) stage.backend(number);
    const busy = (): number[] => stage.backends.map(({ slot }) => stage.table.inFlight(slot));
    const bound = (boundedLoad: number | null): void => {
      const [pool] = stage.config.pools;
      stage.configure({ ...stage.config, pools: [{ ...pool, boundedLoad }] });
    };
    for (let i = 0; i < 4; i++) stage.ask(get(), 1);
    const home = busy().indexOf(4);
    expect(busy().reduce((a, b) => a + b)).toBe(4);
    bound(1.25);
    for (let i = 0; i < 6; i++) stage.ask(get(), 1);
    // ceil(1.25 * 10 / 3) = 5, and the fifth only when nine were in flight.
    expect(busy()[home]).toBeLessThanOrEqual(5);
    expect(Math.max(...busy())).toBeLessThanOrEqual(5);
    const before = busy()[home];
    bound(null);
    for (let i = 0; i < 5; i++) stage.ask(get(), 1);
    expect(busy()[home]).toBe(before + 5);
  });
});
