/** What `hedge` is for: a few answers are late, wherever they come from. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../src/core/base/rng.ts';
import type { HedgeConfig } from '../src/core/config.ts';
import { get, ok, Stage } from '../test/engine-stage/engine-stage.ts';

const REQUESTS = 3000;
const QUICK_MS = 10;
const LATE_MS = 500;
/** One answer in so many is late. */
const LATE_ONE_IN = 30;

interface Seen {
  /** From request to answer, sorted. */
  readonly times: readonly number[];
  /** What backends have read. */
  readonly read: number;
}

/** One request after the other at three backends. */
function run(hedge: HedgeConfig | null): Seen {
  const stage = new Stage({ backends: 3, pool: { hedge } });
  const rng = createRng(11);
  const { clock } = stage;
  let read = 0;
  for (let number = 1; number <= 3; number++) {
    stage.backend(number).onHead = (_head, connection) => {
      read++;
      const ms = rng.chance(1, LATE_ONE_IN) ? LATE_MS : QUICK_MS;
      clock.wakeAt(clock.nowMs() + ms, () => connection.send(ok()));
    };
  }
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const client = stage.client();
    const beganMs = clock.nowMs();
    client.onBytes = () => {
      times.push(clock.nowMs() - beganMs);
      client.socket.close();
    };
    client.send(get());
    stage.pass(20);
  }
  stage.pass(2000);
  expect(stage.leftovers()).toBe('');
  return { times: times.sort((a, b) => a - b), read };
}

const quantile = ({ times }: Seen, q: number): number => times[Math.floor(q * times.length)];

describe('where one answer in thirty is late', () => {
  const plain = run(null);

  it('one request in thirty is, without hedging', () => {
    expect(plain.read).toBe(REQUESTS);
    expect(quantile(plain, 0.95)).toBeLessThan(15);
    expect(quantile(plain, 0.97)).toBeGreaterThan(LATE_MS);
  });

  it.each([
    ['25 ms', { afterMs: 25, quantile: null }],
    ['p95', { afterMs: 0, quantile: 0.95 }],
  ])('hardly any is with hedging after %s, for a few more requests', (_after, hedge) => {
    const hedged = run(hedge);
    expect(hedged.times).toHaveLength(REQUESTS);
    expect(quantile(hedged, 0.99)).toBeLessThan(60);
    expect(quantile(hedged, 0.995)).toBeLessThan(60);
    expect(hedged.read).toBeLessThan(1.12 * REQUESTS);
  });
});
