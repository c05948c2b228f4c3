import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../base/rng.ts';
import type { RateConfig } from '../config.ts';
import { createRateMemory, NO_ROOM, RateTable } from './rate-table.ts';

const NOON = 1_767_268_800_000;
const plain = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);
const memoryFor = (keys: number): ArrayBufferLike => createRateMemory(keys, createRng(1), plain);
const tableOf = (rate: RateConfig, keys = 64): RateTable => new RateTable(memoryFor(keys), rate);

const TWENTY = { requests: 20, periodMs: 60_000, burst: 20 };

/** How many of so many requests at this moment are let through. */
function admitted(table: RateTable, count: number, wallMs: number, place = 7, tag = 7): number {
  let through = 0;
  for (let i = 0; i < count; i++) if (table.take(place, tag, wallMs) === 0) through++;
  return through;
}

describe('a rate of 20/min with a burst of 20', () => {
  it('lets exactly 20 through at once; the next one has to wait 3 s', () => {
    const table = tableOf(TWENTY);
    expect(admitted(table, 20, NOON)).toBe(20);
    expect(table.take(7, 7, NOON)).toBe(3000);
    expect(table.take(7, 7, NOON + 2999)).toBe(1);
    expect(table.take(7, 7, NOON + 3000)).toBe(0);
    expect(table.take(7, 7, NOON + 3000)).toBe(3000);
  });

  it('has keys that are told apart by a secret of each memory, in both of its halves', () => {
    const rng = createRng(1);
    const memories = [0, 1].map(() => createRateMemory(8, rng, plain));
    const secrets = memories.map((memory) => new RateTable(memory, TWENTY));
    const halves = secrets.flatMap(({ secret0, secret1 }) => [secret0, secret1]);
    expect(new Set([0, ...halves]).size).toBe(5);
  });

  it('is not moved by what it refuses', () => {
    const table = tableOf(TWENTY);
    expect(admitted(table, 500, NOON)).toBe(20);
    expect(admitted(table, 500, NOON + 3000)).toBe(1);
    expect(admitted(table, 500, NOON + 33_000)).toBe(10);
    expect(admitted(table, 500, NOON + 10_000_000)).toBe(20);
  });

  it('remembers what was counted when the clock is set back by less than ten seconds', () => {
    for (const rate of [TWENTY, { requests: 3000, periodMs: 1000, burst: 20 }]) {
      const table = tableOf(rate);
      expect(admitted(table, 20, NOON + 9000)).toBe(20);
      expect(admitted(table, 20, NOON)).toBe(0);
    }
  });

  it('says how long a request would wait, and counts nothing then', () => {
    const table = tableOf(TWENTY);
    expect(table.wait(7, 7, NOON)).toBe(0);
    expect(admitted(table, 19, NOON)).toBe(19);
    expect([table.wait(7, 7, NOON), table.wait(7, 7, NOON)]).toEqual([0, 0]);
    expect(admitted(table, 2, NOON)).toBe(1);
    expect([table.wait(7, 7, NOON), table.wait(7, 8, NOON)]).toEqual([3000, 0]);
  });

  it('is that of each key by itself, also in one bucket', () => {
    const table = tableOf(TWENTY);
    for (let tag = 1; tag <= 16; tag++) expect(admitted(table, 30, NOON, 3, tag)).toBe(20);
  });
});

describe('rates that do not come out even', () => {
  it.each([
    [{ requests: 7, periodMs: 1000, burst: 1 }, 60_000, 7 * 60],
    [{ requests: 3000, periodMs: 1000, burst: 50 }, 10_000, 3000 * 10],
    [{ requests: 100_000, periodMs: 1000, burst: 1000 }, 1000, 100_000],
    [{ requests: 1000, periodMs: 3_600_000, burst: 1 }, 360_000, 100],
    [{ requests: 59, periodMs: 60_000, burst: 2 }, 120_000, 59 * 2],
  ])('%j, asked for all the time for %i ms, lets %i through', (rate, lastsMs, expected) => {
    const table = tableOf(rate);
    let through = 0;
    for (let ms = 0; ms < lastsMs; ms++) {
      while (table.take(1, 1, NOON + ms) === 0) through++;
    }
    // The burst comes on top. Less than the clock can tell apart is lost, if the burst is small.
    expect(through).toBeLessThanOrEqual(expected + rate.burst);
    expect(through).toBeGreaterThan(expected * 0.992);
  });

  it('may be as slow, with as long a burst, as can be written', () => {
    const table = tableOf({ requests: 1, periodMs: 3_600_000, burst: 1_000_000 });
    let fits = 0;
    while (table.take(7, 7, NOON) === 0) fits++;
    expect(fits).toBe(1_000_000);
    const waitMs = table.take(7, 7, NOON);
    expect(waitMs).toBeGreaterThan(3_590_000);
    expect(waitMs).toBeLessThanOrEqual(3_600_000);
  });
});

describe('any history', () => {
  const asks = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.nat(5000)),
      key: fc.integer({ min: 1, max: 12 }),
    }),
    { minLength: 50, maxLength: 400 },
  );
  const rates = fc.record({
    eachMs: fc.constantFrom(1, 5, 10, 50, 1000),
    burst: fc.integer({ min: 1, max: 20 }),
  });

  it('comes out as with a leaky bucket for each key, while there is room', () => {
    fc.assert(
      fc.property(rates, asks, ({ eachMs, burst }, history) => {
        const table = tableOf({ requests: 1000 / eachMs, periodMs: 1000, burst });
        const levels = new Map<number, { level: number; at: number }>();
        let now = NOON;
        for (const { afterMs, key } of history) {
          now += afterMs;
          const known = levels.get(key) ?? { level: 0, at: now };
          const level = Math.max(0, known.level - (now - known.at));
          const fits = level + eachMs <= burst * eachMs;
          expect(table.take(0, key, now) === 0).toBe(fits);
          levels.set(key, { level: fits ? level + eachMs : level, at: now });
        }
      }),
    );
  });

  it('never lets more through in any window than the burst and the rate allow', () => {
    fc.assert(
      fc.property(rates, asks, ({ eachMs, burst }, history) => {
        const table = tableOf({ requests: 1000 / eachMs, periodMs: 1000, burst });
        const times: number[] = [];
        let now = NOON;
        for (const { afterMs } of history) {
          now += afterMs / 10;
          if (table.take(0, 1, now) === 0) times.push(Math.floor(now));
        }
        for (let i = 0; i < times.length; i++) {
          for (let j = i; j < times.length; j++) {
            if (j - i + 1 > burst + (times[j] - times[i]) / eachMs) return false;
          }
        }
        return true;
      }),
    );
  });
});

describe('the room', () => {
  it('is that of the keys that are in use: one whose time has passed gives its place', () => {
    const table = tableOf({ requests: 1, periodMs: 1000, burst: 1 }, 8);
    const ask = (tag: number, wallMs: number): number => table.take(0, tag, wallMs);
    for (let tag = 1; tag <= 16; tag++) expect(ask(tag, NOON)).toBe(0);
    expect(ask(17, NOON)).toBe(NO_ROOM);
    expect(ask(16, NOON)).toBe(1000);
    // A time that has only just come is not over yet: it has to rise.
    expect(ask(17, NOON + 1000)).toBe(NO_ROOM);
    expect(ask(17, NOON + 1001)).toBe(0);
    expect(ask(17, NOON + 1001)).toBe(1000);
    expect(ask(1, NOON + 1001)).toBe(0);
  });

  it('is enough for as many keys as it was made for, or nearly', () => {
    const keys = 4096;
    const table = tableOf(TWENTY, keys);
    const rng = createRng(5);
    let without = 0;
    for (let key = 0; key < keys; key++) {
      const waitMs = table.take(rng.next() >>> 1, 1 + rng.below(0xffffff), NOON);
      if (waitMs === NO_ROOM) without++;
    }
    expect(without).toBeLessThan(keys / 200);
  });

  it('is shared by all who look at it, and each has its own secret', () => {
    const memory = memoryFor(64);
    const [one, other] = [new RateTable(memory, TWENTY), new RateTable(memory, TWENTY)];
    expect(admitted(one, 12, NOON)).toBe(12);
    expect(admitted(other, 12, NOON)).toBe(8);
    expect([one.secret0, one.secret1]).toEqual([other.secret0, other.secret1]);
    const stranger = new RateTable(createRateMemory(64, createRng(2), plain), TWENTY);
    expect(stranger.secret0).not.toBe(one.secret0);
  });
});

describe('a clock that is set', () => {
  it('back by an hour forgets what was counted, and locks nobody out', () => {
    const table = tableOf(TWENTY, 8);
    for (let tag = 1; tag <= 16; tag++) admitted(table, 20, NOON, 0, tag);
    const before = NOON - 3_600_000;
    expect(admitted(table, 30, before, 0, 3)).toBe(20);
    expect(admitted(table, 30, before + 3000, 0, 3)).toBe(1);
    // And the places of the others can be taken.
    expect(admitted(table, 30, before, 0, 99)).toBe(20);
  });

  it('back by a moment gives nothing away', () => {
    const table = tableOf(TWENTY);
    expect(admitted(table, 30, NOON)).toBe(20);
    expect(table.take(7, 7, NOON - 5000)).toBe(3000);
    expect(admitted(table, 30, NOON)).toBe(0);
    expect(admitted(table, 30, NOON + 3000)).toBe(1);
  });

  it('forth gives what that time gives', () => {
    const table = tableOf(TWENTY);
    expect(admitted(table, 30, NOON)).toBe(20);
    expect(admitted(table, 30, NOON + 3_600_000)).toBe(20);
  });

  it('goes on counting where its numbers begin anew', () => {
    // 2^39 ms, and the same for ticks of 10 us.
    for (const rate of [TWENTY, { requests: 100_000, periodMs: 1000, burst: 1000 }]) {
      const table = tableOf(rate);
      const end = (0x8000000000 * rate.periodMs) / rate.requests / (rate === TWENTY ? 3000 : 1);
      const lap = end * Math.ceil(NOON / end);
      const through = admitted(table, 5000, lap - 1);
      expect(through).toBe(rate.burst);
      expect(admitted(table, 5000, lap - 1)).toBe(0);
      const later = admitted(table, 5000, lap + 2999);
      expect(later).toBe(rate === TWENTY ? 1 : 1000);
    }
  });

  it('has empty places wherever it stands', () => {
    const table = tableOf(TWENTY, 8);
    for (let tag = 1; tag <= 16; tag++) expect(table.take(0, tag, 0x8000000000 - 1)).toBe(0);
  });
});
