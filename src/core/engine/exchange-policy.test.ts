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

describe('a pool that goes by a key', () => {
  it('sends the same key to the same backend, and the others on when it is gone', () => {
    const stage = new Stage({
      backends: 3,
      pool: { policy: 'maglev', hashKey: { kind: 'cookie', name: 'sid' } },
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
      pool: { policy: 'maglev', hashKey: { kind: 'header', name: 'x-user' } },
    });
    for (const number of [1, 2, 3]) stage.backend(number).answering();
    for (let i = 0; i < 3; i++) stage.ask(get(), 10);
    const names = stage.records.map((record) => record.backend);
    expect(names).toEqual(['server-1', 'server-2', 'server-3']);
  });
});
