import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import { get, ok, post, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig } from '../../../test/fixtures/control-world.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import type { Engine } from './engine.ts';
import { MemoryGuard } from './memory-guard.ts';

describe('the bytes that wait in memory', () => {
  it('are bounded over all exchanges: above that new ones get 503, until there is room', () => {
    const stage = new Stage({ limits: { maxBufferBytes: 100_000 } });
    const backend = stage.backend();
    const stalled = Array.from({ length: 6 }, () => stage.ask(get()));
    for (const client of stalled) client.socket.pause();
    for (const connection of backend.connections) connection.send(ok('x'.repeat(30_000)));
    stage.network.options.sendBufferBytes = 1000;
    stage.pass(300);
    expect(stage.events).toEqual(['buffers_full']);
    const late = stage.ask(get());
    expect(late.statuses).toEqual([503]);
    expect(late.received).toContain('Retry-After: 1');
    expect(stage.records.at(-1)?.failure).toMatchObject({ kind: 'no_resources', side: 'us' });

    for (const client of stalled) client.socket.resume();
    stage.pass(600);
    expect(stage.events).toEqual(['buffers_full', 'buffers_free']);
    backend.answering();
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(stalled.every(({ count }) => count > 30_000)).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('count also where they are kept for a repetition, and those are given up first', () => {
    const stage = new Stage({ backends: 2, limits: { maxBufferBytes: 50_000 } });
    const backend = stage.backend(1);
    stage.backend(2);
    const put = post('x'.repeat(60_000)).replace('POST', 'PUT');
    const client = stage.ask(put, 10);
    stage.pass(300);
    expect(stage.events).toEqual([]);
    backend.last.socket.reset();
    stage.pass(5);
    expect(client.statuses).toEqual([502]);
    expect(stage.record.attempts).toBe(1);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the bodies of requests that wait for a backend', () => {
  const queue = { size: 100, timeoutMs: 60_000, order: 'fifo' } as const;
  const body = 'x'.repeat(40_000);

  it('count, and are not given up: whoever waits is sent whole in the end', () => {
    const stage = new Stage({
      limits: { maxBufferBytes: 100_000 },
      pool: { backends: [backendConfig(1, { maxRequests: 1 })], queue },
    });
    const backend = stage.backend();
    stage.ask(get());
    const waiting = [1, 2, 3].map(() => stage.ask(post(body).replace('POST', 'PUT'), 10));
    stage.pass(300);
    expect(stage.events).toEqual(['buffers_full']);
    expect(stage.ask(get()).statuses).toEqual([503]);

    backend.answering();
    backend.last.send(ok());
    stage.pass(1000);
    expect(waiting.map(({ statuses }) => statuses)).toEqual([[200], [200], [200]]);
    const received = backend.connections.map((connection) => connection.received).join('');
    expect(received.split(`\r\n\r\n${body}`)).toHaveLength(4);
    expect(stage.events).toEqual(['buffers_full', 'buffers_free']);
    expect(stage.leftovers()).toBe('');
  });

  it('count while a connection is being opened', () => {
    const stage = new Stage({ limits: { maxBufferBytes: 50_000 } });
    const backend = stage.backend().answering();
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(post(body + body.slice(0, 15_000)), 10);
    stage.pass(300);
    expect(stage.events).toEqual(['buffers_full']);
    stage.network.heal('10.0.0.1');
    stage.pass(1500);
    expect(client.statuses).toEqual([200]);
    expect(backend.last.received.endsWith(body)).toBe(true);
    expect(stage.events).toEqual(['buffers_full', 'buffers_free']);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the guard of memory', () => {
  /** A guard over holders that hold, and can spare, so much. */
  function guarding(maxBytes: number, ...holders: { held: number; spare: number }[]) {
    const clock = createSimClock();
    const said: string[] = [];
    let looks = 0;
    const present = holders.map((each) => ({
      heldBytes: () => each.held,
      spareBytes: () => each.spare,
      giveSpare: () => {
        each.held -= each.spare;
        each.spare = 0;
      },
    }));
    const engine = {
      wheel: new TimerWheel(clock),
      holders: () => {
        looks++;
        return present;
      },
      log: {
        event: (level: string, event: string, message: string) =>
          void said.push(`${level} ${event}: ${message.split(' bytes')[0]}`),
      },
    };
    const guard = new MemoryGuard(engine as unknown as Engine);
    guard.maxBytes = maxBytes;
    const pass = (ms: number): void => clock.run(clock.nowMs() + ms);
    return { guard, holders, present, said, pass, wheel: engine.wheel, looks: () => looks };
  }

  it('takes as much as is allowed for enough, and a byte more for too much', () => {
    const { guard, holders, pass } = guarding(100, { held: 60, spare: 0 }, { held: 40, spare: 0 });
    guard.watch();
    pass(300);
    expect(guard.overfull).toBe(false);
    holders[0].held = 61;
    pass(300);
    expect(guard.overfull).toBe(true);
  });

  it('lets the largest spare go first, and no more than it must', () => {
    const { guard, holders, pass, said } = guarding(
      100,
      { held: 30, spare: 10 },
      { held: 60, spare: 40 },
      { held: 50, spare: 30 },
    );
    guard.watch();
    pass(300);
    expect(holders.map(({ spare }) => spare)).toEqual([10, 0, 30]);
    holders[0].held = 55;
    pass(300);
    expect(holders.map(({ spare }) => spare)).toEqual([10, 0, 0]);
    expect([guard.overfull, said]).toEqual([false, []]);
  });

  it('is full above its bound until a tenth of it is free, and says both once', () => {
    const { guard, holders, pass, said } = guarding(1000, { held: 1001, spare: 0 });
    guard.watch();
    for (const held of [1001, 1500, 950, 901, 900, 950, 1000]) {
      holders[0].held = held;
      pass(300);
      expect(guard.overfull, `${held}`).toBe(held > 900 && said.length === 1);
    }
    expect(said).toEqual(['error buffers_full: 1001 of 1000', 'info buffers_free: 900 of 1000']);
  });

  it('looks four times a second as long as anybody is there', () => {
    const { guard, present, pass, looks, wheel } = guarding(1000, { held: 1, spare: 0 });
    guard.watch();
    pass(1000);
    expect(looks()).toBe(4);
    present.length = 0;
    pass(1000);
    expect([looks(), wheel.size]).toEqual([5, 0]);
  });

  it('is not put off by those who keep coming', () => {
    const { guard, pass, looks } = guarding(1000, { held: 1, spare: 0 });
    for (let count = 0; count < 10; count++) {
      guard.watch();
      pass(100);
    }
    expect(looks()).toBeGreaterThanOrEqual(3);
  });
});
