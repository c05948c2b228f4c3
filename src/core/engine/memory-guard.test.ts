import { describe, expect, it } from 'vitest';
import { get, ok, post, Stage } from '../../../test/engine-stage/engine-stage.ts';

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
