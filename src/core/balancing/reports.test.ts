import { describe, expect, it } from 'vitest';
import { KEPT, Reports } from './reports.ts';

const slotsOf = (reports: Reports): number[] =>
  [...reports.slots.subarray(0, reports.count)].sort((a, b) => a - b);

function filled(count: number): Reports {
  const reports = new Reports();
  for (let slot = 0; slot < count; slot++) reports.add(slot, slot, 1000 - slot, 100 + slot, 2);
  return reports;
}

describe('reports', () => {
  it('are one of each backend, the newest', () => {
    const reports = filled(3);
    reports.add(1, 9, 5, 200, 1);
    expect(slotsOf(reports)).toEqual([0, 1, 2]);
    const at = reports.slots.indexOf(1);
    expect([reports.loads[at], reports.latenciesUs[at], reports.uses[at]]).toEqual([9, 5, 1]);
  });

  it('are sixteen at most: the oldest makes room', () => {
    const reports = filled(KEPT + 2);
    expect(slotsOf(reports)).toEqual(Array.from({ length: KEPT }, (_, i) => i + 2));
  });

  it('are gone after a second, and when the clock was set back before them', () => {
    const reports = filled(3);
    reports.expire(1101);
    expect(slotsOf(reports)).toEqual([1, 2]);
    reports.expire(101);
    expect(slotsOf(reports)).toEqual([1]);
  });

  it('count what was sent because of them, and are used up', () => {
    const reports = filled(2);
    reports.use(0, 0.5);
    expect(reports.loads[0]).toBe(0.5);
    reports.use(0, 0.5);
    expect(slotsOf(reports)).toEqual([1]);
  });

  it('of backends that are no longer there are dropped', () => {
    const reports = filled(4);
    reports.keepOnly(Int32Array.of(3, 1, 8));
    expect(slotsOf(reports)).toEqual([1, 3]);
    reports.forget(3);
    reports.forget(7);
    expect(slotsOf(reports)).toEqual([1]);
  });

  it('lose the oldest first', () => {
    const reports = filled(3);
    reports.removeOldest();
    expect(slotsOf(reports)).toEqual([1, 2]);
    new Reports().removeOldest();
  });

  it('lose the most loaded of the hot ones, else the slowest', () => {
    const hot = filled(4);
    hot.removeWorst(1);
    expect(slotsOf(hot)).toEqual([0, 1, 2]);
    hot.removeWorst(1);
    expect(slotsOf(hot)).toEqual([0, 1]);
    // All are cold: the slowest is the first.
    hot.removeWorst(1);
    expect(slotsOf(hot)).toEqual([1]);
    new Reports().removeWorst(0);
  });

  it('know whether what another brings is newer', () => {
    const reports = new Reports();
    reports.add(3, 0, 1, 1000, 1);
    expect([999, 1000, 1001].map((atMs) => reports.isNewer(3, atMs))).toEqual([true, true, false]);
    expect(reports.isNewer(4, 0)).toBe(false);
  });

  it('take a hot one for worse than a slow cold one, in whatever order they came', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const reports = new Reports();
      for (const slot of order) reports.add(slot, slot === 0 ? 0 : 5, slot === 0 ? 9e6 : 1, 0, 1);
      reports.removeWorst(1);
      expect(slotsOf(reports)).toEqual([0]);
    }
  });
});
