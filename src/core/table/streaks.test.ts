import { beforeEach, expect, it } from 'vitest';
import { Streaks, TRIAL_FAILED } from './streaks.ts';

let trials: Int32Array;
let streaks: Streaks;

beforeEach(() => {
  trials = new Int32Array(2);
  streaks = new Streaks(new Int32Array(2), trials);
});

it('are rows of failures, of each slot its own, that an answer ends', () => {
  expect([streaks.failed(0, 0), streaks.failed(0, 0), streaks.failed(1, 0)]).toEqual([1, 2, 1]);
  expect([streaks.answered(0, 0), streaks.at(0), streaks.at(1)]).toEqual([false, 0, 1]);
  streaks.clear(1);
  expect([streaks.at(1), streaks.trial(1)]).toEqual([0, 0]);
});

it('wait for the outcome of a trial alone while there is one', () => {
  streaks.failed(0, 0);
  streaks.offerTrial(0);
  const trial = streaks.trial(0);
  expect([streaks.at(0), streaks.answered(0, 0), streaks.endTrial(0, 0)]).toEqual([
    0,
    false,
    false,
  ]);
  expect(streaks.failed(0, 0)).toBeLessThan(TRIAL_FAILED);
  expect(streaks.trial(0)).toBe(trial);
  expect(streaks.failed(0, trial)).toBe(TRIAL_FAILED);
  expect([streaks.trial(0), streaks.failed(0, trial)]).toEqual([0, 1]);
});

it('take no trial for another, also when their number begins anew', () => {
  trials[0] = 2 ** 31 - 2;
  const seen = [0, 0, 0].map(() => {
    streaks.offerTrial(0);
    return streaks.trial(0);
  });
  expect(seen).toEqual([-(2 ** 31) + 1, -1, -2]);
  expect([streaks.answered(0, seen[1]), streaks.answered(0, seen[2])]).toEqual([false, true]);
});
