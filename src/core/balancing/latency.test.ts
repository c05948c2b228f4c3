import { beforeEach, expect, it } from 'vitest';
import { State, Table } from '../table/table.ts';
import type { Observation } from './balancing.ts';
import { noteLatency } from './latency.ts';

let table: Table;
beforeEach(() => {
  table = new Table({ capacity: 1, workers: 1 });
  table.claim(1, State.up);
});

const note = (elapsedMs: number, nowMs: number, outcome: Observation['outcome'] = 'answered') => {
  const load = { inFlight: -1, latencyUs: 0 };
  noteLatency(table, { slot: 0, outcome, elapsedMs, others: 0, retryAfterMs: 0, load }, nowMs);
  return table.cost(0) / 1000;
};

it('rises with a slow answer at once, and comes down slowly', () => {
  expect(note(10, 0)).toBe(10);
  expect(note(90, 1)).toBe(90);
  expect(note(10, 2)).toBeGreaterThan(89);
  expect(note(10, 10_002)).toBeCloseTo(10 + 80 / Math.E, 0);
});

it('takes a failure for an answer of five seconds, or as long as it took', () => {
  expect(note(1, 0, 'failed')).toBe(5000);
  expect(note(8000, 1, 'failed')).toBe(8000);
});

it('hears nothing of what nobody waited for', () => {
  expect(note(500, 0, 'abandoned')).toBe(0);
});

it('is never nothing when something was heard, and has room for half an hour', () => {
  expect(note(0, 0)).toBe(0.001);
  expect(note(1e9, 0)).toBe(0x7fffffff / 1000);
});
