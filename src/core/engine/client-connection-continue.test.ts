/** client-connection.ts when the client sends its body only after a 100 (Continue). */
import { describe, expect, it } from 'vitest';
import { Stage, type StageOptions } from '../../../test/engine-stage/engine-stage.ts';

function staged(options: StageOptions = {}) {
  const stage = new Stage(options);
  return { stage, backend: stage.backend() };
}

describe('a client that waits for a 100 (Continue)', () => {
  const HEAD =
    'PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n';
  const timeouts = { idleMs: 20_000, responseHeadMs: 40_000 };

  it('is not the silent one: the backend has its time to answer, then 504', () => {
    const { stage } = staged({ timeouts });
    const client = stage.ask(HEAD);
    stage.pass(39_000);
    expect(client.statuses).toEqual([]);
    stage.pass(2000);
    expect(client.statuses).toEqual([504]);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_head', side: 'backend' });
    expect(stage.record.failure!.cause).toContain('timeouts.response');
    expect(stage.leftovers()).toBe('');
  });

  it('is sent to another backend where a pool tries again after a timeout', () => {
    const retries = {
      attempts: 2,
      statuses: [],
      onTimeout: true,
      attemptTimeoutMs: 5000,
      backoffMs: 25,
      maxBackoffMs: 250,
    };
    const { stage } = staged({ backends: 2, pool: { retries } });
    stage.backend(2).answering('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    const client = stage.ask(HEAD, 6000);
    expect(client.statuses).toEqual([401]);
    expect(stage.record).toMatchObject({ attempts: 2, failure: null });
    expect(stage.leftovers()).toBe('');
  });

  it('is waited for as ever once it may go on, or goes on unasked', () => {
    for (const first of ['backend', 'client'] as const) {
      const { stage, backend } = staged({ timeouts: { idleMs: 60_000, responseHeadMs: 10_000 } });
      const client = stage.ask(HEAD, 8000);
      if (first === 'backend') backend.last.send('HTTP/1.1 100 Continue\r\n\r\n');
      else client.send('x'.repeat(2000));
      stage.pass(50_000);
      expect(stage.records).toEqual([]);
      stage.pass(20_000);
      expect(client.statuses).toEqual(first === 'backend' ? [100, 408] : [408]);
      expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
      expect(stage.leftovers()).toBe('');
    }
  });

  it('has its backend`s time begin anew with each other interim answer', () => {
    const { stage, backend } = staged({ timeouts });
    const client = stage.ask(HEAD, 30_000);
    backend.last.send('HTTP/1.1 103 Early Hints\r\n\r\n');
    stage.pass(39_000);
    expect(client.statuses).toEqual([103]);
    stage.pass(2000);
    expect(client.statuses).toEqual([103, 504]);
    expect(stage.leftovers()).toBe('');
  });
});
