import { describe, expect, it } from 'vitest';
import { passiveHealth } from '../../../test/fixtures/control-world.ts';
import { createRng, type Rng } from '../base/rng.ts';
import { State } from '../table/table.ts';
import { Ejection } from './ejection.ts';

const CONFIG = passiveHealth({ maxEjectionMs: 60_000 });

/** Always in the middle of the jitter. */
const middle: Rng = { ...createRng(1), below: (bound) => bound >> 1 };

const begin = (ejection: Ejection, rng: Rng = middle): number => {
  ejection.begin('streak', 'it failed', CONFIG, rng);
  return ejection.lastsMs;
};

describe('an ejection', () => {
  it('lasts twice as long each time in a row, up to the longest', () => {
    const ejection = new Ejection();
    const times = Array.from({ length: 5 }, () => begin(ejection));
    expect(times).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('is forgiven one step for each healthy interval, and never while it goes on', () => {
    const ejection = new Ejection();
    begin(ejection);
    begin(ejection);
    ejection.heal();
    ejection.end();
    ejection.heal();
    expect(begin(ejection)).toBe(20_000);
    ejection.end();
    for (let interval = 0; interval < 9; interval++) ejection.heal();
    expect(begin(ejection)).toBe(10_000);
  });

  it('of the longest time is forgiven step by step, however often it was renewed', () => {
    const ejection = new Ejection();
    for (let trial = 0; trial < 100; trial++) begin(ejection);
    ejection.end();
    ejection.heal();
    expect(begin(ejection)).toBe(40_000);
    expect(begin(ejection)).toBe(60_000);
    ejection.end();
    for (let interval = 0; interval < 3; interval++) ejection.heal();
    expect(begin(ejection)).toBe(10_000);
  });

  it('lasts 10 % more or less, so that those ejected together do not return together', () => {
    const rng = createRng(3);
    const times = Array.from({ length: 200 }, () => begin(new Ejection(), rng));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(9000);
    expect(Math.max(...times)).toBeLessThanOrEqual(11_000);
    expect(new Set(times).size).toBeGreaterThan(50);
  });

  it('goes from ejected to trial, and from there back or to its end', () => {
    const ejection = new Ejection();
    expect(ejection.stage).toBeNull();
    begin(ejection);
    expect(ejection.stage).toBe(State.ejected);
    ejection.offerTrial();
    expect(ejection.stage).toBe(State.trial);
    begin(ejection);
    expect(ejection.stage).toBe(State.ejected);
    ejection.end();
    expect(ejection.stage).toBeNull();
  });
});
