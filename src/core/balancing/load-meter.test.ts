import { describe, expect, it } from 'vitest';
import { LoadMeter } from './load-meter.ts';

describe('a load meter', () => {
  it('counts what has begun and not ended', () => {
    const meter = new LoadMeter();
    expect([meter.begin(), meter.begin()]).toEqual([0, 1]);
    meter.end(0, 5);
    expect(meter.inFlight).toBe(1);
  });

  it('says nothing of latency before it has seen any', () => {
    expect(new LoadMeter().latencyMs()).toBe(0);
  });

  it('gives the median of those that met about as many as are there now', () => {
    const meter = new LoadMeter();
    for (let met = 0; met < 40; met++) {
      meter.begin();
      meter.end(met, 100 + met);
    }
    for (let i = 0; i < 20; i++) meter.begin();
    expect(meter.latencyMs()).toBe(120);
  });

  it('remembers the last 64', () => {
    const meter = new LoadMeter();
    for (let i = 0; i < 164; i++) {
      meter.begin();
      meter.end(0, i < 100 ? 9999 : 7);
    }
    expect(meter.latencyMs()).toBe(7);
  });

  it('reports without the request that is being answered', () => {
    const meter = new LoadMeter();
    meter.begin();
    meter.end(0, 12.34567);
    meter.begin();
    meter.begin();
    expect(meter.report()).toBe('in_flight=1, latency_ms=12.346');
  });
});
