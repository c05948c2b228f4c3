/** What `retries` brings (docs/retries.md); what holds without it: exchange-retries.test.ts. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, retriesConfig } from '../../../test/fixtures/control-world.ts';
import type { PoolConfig, RetriesConfig } from '../config.ts';

const bad = (status = 503, fields = '', body = 'no'): string =>
  `HTTP/1.1 ${status} No\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;

interface Scene {
  readonly stage: Stage;
  readonly backends: RawBackend[];
}

/** Backends that answer so, one each; null: it says nothing. */
function sceneOf(
  answers: readonly (string | null)[],
  retries: Partial<RetriesConfig> = {},
  options: StageOptions = {},
  pool: Partial<PoolConfig> = {},
): Scene {
  const stage = new Stage({
    backends: answers.length,
    ...options,
    pool: { retries: retriesConfig(retries), ...pool },
  });
  const backends = answers.map((answer, index) => {
    const backend = stage.backend(index + 1);
    return answer === null ? backend : backend.answering(answer);
  });
  return { stage, backends };
}

const heads = ({ backends }: Scene): number[] =>
  backends.map(({ connections }) =>
    connections.reduce((sum, { received }) => sum + received.split('\r\nHost:').length - 1, 0),
  );

describe('an answer that is tried again', () => {
  it('is not seen by the client, who gets the one of another backend', () => {
    const scene = sceneOf([bad(), ok('good')]);
    const { stage } = scene;
    const client = stage.ask(get());
    expect(client.statuses).toEqual([200]);
    expect(client.received).not.toContain('503');
    expect(heads(scene)).toEqual([1, 1]);
    expect(stage.record).toMatchObject({ attempts: 2, backend: 'server-2', status: 200 });
    expect(stage.record.failure).toBeNull();
    expect(stage.record.responseBodyBytes).toBe(4);
    expect(stage.leftovers()).toBe('');
  });

  it('is seen as it is when it was the last one', () => {
    const scene = sceneOf([bad(502), bad(503, 'X-Mine: 1\r\n', 'sorry')]);
    const client = scene.stage.ask(get());
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('\r\nX-Mine: 1\r\n');
    expect(client.received.endsWith('\r\n\r\nsorry')).toBe(true);
    expect(scene.stage.record).toMatchObject({ attempts: 2, status: 503, failure: null });
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is one that `on` names', () => {
    const scene = sceneOf([bad(500), ok()], { statuses: [503] });
    expect(scene.stage.ask(get()).statuses).toEqual([500]);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('is none to a request that must not be sent twice', () => {
    const scene = sceneOf([bad(), ok()]);
    expect(scene.stage.ask(post('hello')).statuses).toEqual([503]);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('is none where the body is longer than what is kept of it', () => {
    const scene = sceneOf([null, ok()]);
    const client = scene.stage.ask(post('x'.repeat(65_537)).replace('POST', 'PUT'), 10);
    scene.backends[0].last.send(bad());
    scene.stage.pass(2);
    expect(client.statuses).toEqual([503]);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('has a body sent again that is kept whole, and the rest of one that is still coming', () => {
    const scene = sceneOf([null, null]);
    const whole = post('0123456789').replace('POST', 'PUT');
    const client = scene.stage.ask(whole.slice(0, -5));
    scene.backends[0].last.send(bad());
    scene.stage.pass(2);
    client.send(whole.slice(-5));
    scene.stage.pass(2);
    expect(scene.backends[1].last.received.endsWith('\r\n\r\n0123456789')).toBe(true);
    scene.backends[1].last.send(ok());
    scene.stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is none once the client has an interim one', () => {
    const scene = sceneOf([`HTTP/1.1 103 Early Hints\r\n\r\n${bad()}`, ok()]);
    expect(scene.stage.ask(get()).statuses).toEqual([103, 503]);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('comes again and again as long as attempts are left', () => {
    const scene = sceneOf([bad(), bad(), bad(), ok()], { attempts: 3 });
    expect(scene.stage.ask(get()).statuses).toEqual([200]);
    expect(heads(scene)).toEqual([1, 1, 1, 1]);
  });

  it('goes through where nobody else has room', () => {
    const limited = [backendConfig(1), { ...backendConfig(2), maxRequests: 1 }];
    const scene = sceneOf([bad(), null], {}, {}, { backends: limited });
    const { stage } = scene;
    // One exchange keeps the second backend busy: the first one's turn is over.
    expect(stage.ask(get()).statuses).toEqual([]);
    expect(stage.ask(get()).statuses).toEqual([503]);
    expect(stage.record.attempts).toBe(1);
    expect(stage.leftovers()).toBe('');
  });

  it('is paid from the budget', () => {
    const { stage } = sceneOf([bad(), bad()]);
    for (let exchange = 0; exchange < 6; exchange++) stage.ask(get());
    expect(stage.records.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 1, 2, 1]);
  });
});

describe('the connection of an answer that is tried again', () => {
  it('is kept when all of it has come', () => {
    const scene = sceneOf([bad(), ok()]);
    scene.stage.ask(get());
    scene.stage.ask(get(), 2);
    scene.stage.ask(get(), 2);
    expect(heads(scene)).toEqual([3, 3]);
    expect(scene.backends[0].connections).toHaveLength(1);
    expect(scene.stage.leftovers()).toBe('');
  });

  it.each([
    ['is still coming', bad().slice(0, -1)],
    ['ends with the connection', 'HTTP/1.1 503 No\r\n\r\nno'],
    ['breaks a rule', 'HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['has something behind it', `${bad()}HTTP/1.1 200 OK\r\n\r\n`],
  ])('is closed when the answer %s', (_how, answer) => {
    const scene = sceneOf([answer, ok('good')]);
    const client = scene.stage.ask(get());
    expect(client.statuses).toEqual([200]);
    expect(client.received.endsWith('good')).toBe(true);
    expect(scene.backends[0].last.closed !== undefined || scene.backends[0].last.ended).toBe(true);
    expect(scene.stage.leftovers()).toBe('');
  });
});

describe('a pool of which every backend has been tried', () => {
  it('is tried again after a wait, which is never longer than `backoff` says', () => {
    const scene = sceneOf([null], { backoffMs: 200, maxBackoffMs: 200 });
    const { stage, backends } = scene;
    const waits: number[] = [];
    for (let exchange = 0; exchange < 40; exchange++) {
      let badAt = 0;
      backends[0].onHead = (_head, connection) => {
        if (badAt === 0) {
          badAt = stage.clock.nowMs();
          connection.send(bad());
          return;
        }
        waits.push(stage.clock.nowMs() - badAt);
        connection.send(ok());
      };
      expect(stage.ask(get(), 250).statuses).toEqual([200]);
      stage.pass(5000);
    }
    expect(stage.records.every(({ attempts }) => attempts === 2)).toBe(true);
    expect(Math.max(...waits)).toBeLessThanOrEqual(206);
    expect(Math.max(...waits)).toBeGreaterThan(150);
    expect(Math.min(...waits)).toBeLessThan(50);
    expect(stage.leftovers()).toBe('');
  });

  it('is left alone for as long as it asks, if that is short', () => {
    const scene = sceneOf([bad(503, 'Retry-After: 1\r\n')]);
    const client = scene.stage.ask(get(), 990);
    expect(heads(scene)).toEqual([1]);
    expect(client.received).toBe('');
    scene.backends[0].answering(ok());
    scene.stage.pass(60);
    expect(client.statuses).toEqual([200]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is not tried again when it asks for longer: the client is told', () => {
    const scene = sceneOf([bad(503, 'Retry-After: 30\r\n'), bad(503, 'Retry-After: 20\r\n')], {
      attempts: 5,
    });
    const client = scene.stage.ask(get());
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('\r\nRetry-After: 20\r\n');
    expect(heads(scene)).toEqual([1, 1]);
  });

  it('is tried again without the one that asks for longer', () => {
    const scene = sceneOf([bad(503, 'Retry-After: 30\r\n'), bad()], { attempts: 2 });
    expect(scene.stage.ask(get(), 100).statuses).toEqual([503]);
    expect(heads(scene)).toEqual([1, 2]);
  });

  it('is not waited for by a client that has gone', () => {
    const scene = sceneOf([bad(503, 'Retry-After: 1\r\n')]);
    const client = scene.stage.ask(get(), 500);
    client.socket.reset();
    scene.stage.pass(2000);
    expect(heads(scene)).toEqual([1]);
    expect(scene.stage.record.failure).toMatchObject({ side: 'client' });
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is answered for with 503 when it is gone after the wait', () => {
    const scene = sceneOf([bad(503, 'Retry-After: 1\r\n')]);
    const client = scene.stage.ask(get(), 500);
    scene.stage.network.kill('10.0.0.1');
    scene.stage.pass(1000);
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('No backend is available');
    expect(scene.stage.leftovers()).toBe('');
  });
});

describe('an attempt that takes too long', () => {
  const short = { attemptTimeoutMs: 500 };

  it('is over, and another backend is tried', () => {
    const scene = sceneOf([null, ok()], short);
    const client = scene.stage.ask(get(), 480);
    expect(client.received).toBe('');
    scene.stage.pass(80);
    expect(client.statuses).toEqual([200]);
    expect(scene.backends[0].last.wasReset).toBe(true);
    expect(scene.stage.record).toMatchObject({ attempts: 2, failure: null });
    expect(scene.stage.leftovers()).toBe('');
  });

  it('ends in 504, which names the key, when none is left', () => {
    const scene = sceneOf([null, null], short);
    const client = scene.stage.ask(get(), 1200);
    expect(client.statuses).toEqual([504]);
    expect(scene.stage.record).toMatchObject({ attempts: 2, failure: { kind: 'timeout_head' } });
    expect(scene.stage.record.failure?.cause).toContain('0.5 s (retries.attempt_timeout)');
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is over also where `on` does not say timeout, and that is 504', () => {
    const scene = sceneOf([null, ok()], { ...short, onTimeout: false });
    expect(scene.stage.ask(get(), 600).statuses).toEqual([504]);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('goes on if the request must not be sent twice', () => {
    const scene = sceneOf([null, ok()], short);
    const client = scene.stage.ask(post('hello'), 2000);
    expect(client.received).toBe('');
    scene.backends[0].last.send(ok());
    scene.stage.pass(1);
    expect(client.statuses).toEqual([200]);
  });

  it('is measured from when the backend has the whole request', () => {
    const scene = sceneOf([null, ok()], short);
    const whole = post('0123456789').replace('POST', 'PUT');
    const client = scene.stage.ask(whole.slice(0, -5), 800);
    client.send(whole.slice(-5));
    scene.stage.pass(400);
    expect(heads(scene)).toEqual([1, 0]);
    scene.stage.pass(200);
    expect(client.statuses).toEqual([200]);
  });

  it('may be one that timeouts.response ends', () => {
    const scene = sceneOf([null, ok()], {}, { timeouts: { responseHeadMs: 1000 } });
    expect(scene.stage.ask(get(), 1100).statuses).toEqual([200]);
  });

  it('is not repeated after a part of an answer', () => {
    const scene = sceneOf([null, ok()], short);
    const client = scene.stage.ask(get(), 100);
    scene.backends[0].last.send('HTTP/1.1 20');
    scene.stage.pass(500);
    expect(client.statuses).toEqual([504]);
    expect(heads(scene)).toEqual([1, 0]);
  });
});

describe('a lost connection with `retries`', () => {
  it('leads to no third backend, however many attempts are left', () => {
    const scene = sceneOf([null, null, ok()], { attempts: 5 });
    for (const backend of scene.backends.slice(0, 2)) {
      backend.onHead = (_head, connection) => void connection.socket.reset();
    }
    expect(scene.stage.ask(get()).statuses).toEqual([502]);
    expect(heads(scene)).toEqual([1, 1, 0]);
  });
});
