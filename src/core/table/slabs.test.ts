import { describe, expect, it } from 'vitest';
import { Slabs } from './slabs.ts';

const nothing = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };
const some = { listeners: 1, connections: 20, exchanges: 3, tunnels: 4 };

describe('what a worker tells about itself', () => {
  it('is nothing at first', () => {
    const slabs = new Slabs(2);
    expect([slabs.open(0), slabs.open(1)]).toEqual([nothing, nothing]);
    expect([slabs.beats(1), slabs.logWaiting(1)]).toEqual([0, 0]);
  });

  it('is as of its last beat, and of nobody else', () => {
    const slabs = new Slabs(3);
    slabs.beat(1, { listeners: 9, connections: 9, exchanges: 9, tunnels: 9 });
    slabs.beat(1, some);
    expect([slabs.open(0), slabs.open(1), slabs.open(2)]).toEqual([nothing, some, nothing]);
  });

  it('changes its beats each time, also when the rest stays the same', () => {
    const slabs = new Slabs(2);
    const seen = new Set([slabs.beats(0)]);
    for (let beat = 0; beat < 5; beat++) {
      slabs.beat(0, some);
      seen.add(slabs.beats(0));
    }
    expect(seen.size).toBe(6);
    expect(slabs.beats(1)).toBe(0);
  });

  it('is seen through the same memory by another thread', () => {
    const buffer = new SharedArrayBuffer(Slabs.bytesFor(2));
    const [worker, control] = [new Slabs(2, buffer), new Slabs(2, structuredClone(buffer))];
    worker.beat(1, some);
    worker.handOverLog(1, 7, 10);
    expect(control.open(1)).toEqual(some);
    control.takeLog(1, 3);
    expect([control.logWaiting(1), worker.logWaiting(1)]).toEqual([4, 4]);
  });

  it('is forgotten when it is dead, and nobody else is', () => {
    const slabs = new Slabs(3);
    for (const worker of [0, 1, 2]) {
      slabs.beat(worker, some);
      slabs.handOverLog(worker, 5, 10);
    }
    slabs.clear(1);
    expect([slabs.open(1), slabs.beats(1), slabs.logWaiting(1)]).toEqual([nothing, 0, 0]);
    for (const worker of [0, 2]) {
      expect([slabs.open(worker), slabs.beats(worker)]).toEqual([some, 1]);
      expect(slabs.logWaiting(worker)).toBe(5);
    }
  });

  it('lies apart from what the others tell: no two write into one cache line', () => {
    expect(Slabs.bytesFor(3) - Slabs.bytesFor(2)).toBeGreaterThanOrEqual(64);
  });
});

describe('counts without a listener', () => {
  it('were read after that, so that no newcomer is missing from them', () => {
    const buffer = new SharedArrayBuffer(Slabs.bytesFor(1));
    const slabs = new Slabs(1, buffer);
    slabs.beat(0, { ...nothing, listeners: 1 });
    // Between any two words that are read, the worker accepts its last client and stops listening.
    const real = Atomics.load;
    const load = (words: Int32Array, index: number): number => {
      const value = real(words, index);
      slabs.beat(0, { ...nothing, connections: 1 });
      return value;
    };
    try {
      Atomics.load = load as typeof Atomics.load;
      const { listeners, connections } = slabs.open(0);
      expect(listeners + connections).toBeGreaterThan(0);
    } finally {
      Atomics.load = real;
    }
  });
});

describe('log text', () => {
  it('is handed over up to a bound, to the byte', () => {
    const slabs = new Slabs(2);
    expect(slabs.handOverLog(1, 60, 100)).toBe(true);
    expect(slabs.handOverLog(1, 41, 100)).toBe(false);
    expect(slabs.logWaiting(1)).toBe(60);
    expect(slabs.handOverLog(1, 40, 100)).toBe(true);
    expect(slabs.handOverLog(1, 1, 100)).toBe(false);
    expect([slabs.logWaiting(0), slabs.logWaiting(1)]).toEqual([0, 100]);
  });

  it('makes room again when it is taken', () => {
    const slabs = new Slabs(1);
    slabs.handOverLog(0, 100, 100);
    slabs.takeLog(0, 30);
    expect(slabs.handOverLog(0, 31, 100)).toBe(false);
    expect(slabs.handOverLog(0, 30, 100)).toBe(true);
    slabs.takeLog(0, 100);
    expect(slabs.logWaiting(0)).toBe(0);
  });
});
