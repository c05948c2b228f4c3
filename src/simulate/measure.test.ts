import { describe, expect, it } from 'vitest';
import type { SimExchange } from './exchange.ts';
import { type Frame, Measure } from './measure.ts';

const FRAME: Frame = {
  phaseStartsMs: [0, 50],
  durationMs: 100,
  buckets: 4,
  bucketMs: 25,
  backends: ['server-1', 'server-2'],
};

/** A request of this phase and bucket, at its first attempt or a later one. */
const asked = (phase: number, bucket: number, attemptCount = 1): SimExchange =>
  ({ phase, bucket, attemptCount }) as SimExchange;

describe('a measurement', () => {
  it('counts a request where it came, whenever it ends', () => {
    const measure = new Measure(FRAME);
    for (const [phase, bucket, ms] of [
      [0, 0, 0.01],
      [0, 1, 0.03],
      [1, 3, 0.05],
    ] as const) {
      measure.arrived(asked(phase, bucket));
      measure.sent(asked(phase, bucket), bucket % 2);
      measure.ended(asked(phase, bucket), ms, null);
    }
    const { phases, total, p50 } = measure.result('random', []);
    expect(
      phases.map(({ fromMs, toMs, requests, answered, p99 }) => {
        return [fromMs, toMs, requests, answered, p99];
      }),
    ).toEqual([
      [0, 50, 2, 2, 0.03],
      [50, 100, 1, 1, 0.05],
    ]);
    expect([total.fromMs, total.toMs, total.answered, total.p50]).toEqual([0, 100, 3, 0.03]);
    expect(total.sent).toEqual([1, 2]);
    expect(p50).toEqual([0.01, 0.03, 0, 0.05]);
  });

  it('tells errors apart, and keeps them out of latencies', () => {
    const measure = new Measure(FRAME);
    for (const error of ['reset', null, 'no_backend', 'reset']) {
      measure.arrived(asked(1, 2));
      measure.ended(asked(1, 2), 0.06, error);
    }
    const { total, errorShare } = measure.result('random', []);
    expect([total.requests, total.answered]).toEqual([4, 1]);
    expect(total.errors).toEqual([
      ['no_backend', 1],
      ['reset', 2],
    ]);
    expect(errorShare).toEqual([0, 0, 0.75, 0]);
  });

  it('takes every attempt but the first for a retry', () => {
    const measure = new Measure(FRAME);
    for (const attempt of [1, 2, 3]) measure.sent(asked(0, 0, attempt), 1);
    const { total, sentPerBackend } = measure.result('random', []);
    expect([total.retries, total.sent]).toEqual([2, [0, 3]]);
    expect(sentPerBackend).toEqual([
      [0, 0, 0, 0],
      [3, 0, 0, 0],
    ]);
  });

  it('takes the mean of what is in flight', () => {
    const measure = new Measure(FRAME);
    measure.sample(30, 5, Int32Array.of(1, 3));
    measure.sample(49.9, 2, Int32Array.of(2, 0));
    measure.sample(100, 7, Int32Array.of(7, 0));
    const { inFlight, inFlightPerBackend } = measure.result('random', []);
    expect(inFlight).toEqual([0, 3.5, 0, 7]);
    expect(inFlightPerBackend).toEqual([
      [0, 1.5, 0, 7],
      [0, 1.5, 0, 0],
    ]);
  });
});
