import { expect, it } from 'vitest';
import { ProbedLoads } from './probed-loads.ts';

it('keep what was told last, of each slot its own', () => {
  const loads = new ProbedLoads(new Int32Array(2), new Int32Array(2), new Int32Array(2));
  loads.clear(0);
  loads.set(1, 7, 5e9, 0x180000000 + 5);
  const told = (slot: number) => [loads.inFlight(slot), loads.latencyUs(slot), loads.atMs(slot)];
  expect(told(0)).toEqual([-1, 0, 0]);
  expect(told(1)).toEqual([7, 2 ** 31 - 1, (0x180000000 + 5) | 0]);
  loads.clear(1);
  expect(loads.inFlight(1)).toBe(-1);
});
