import { expect, it } from 'vitest';
import { misses, shortPatienceMs } from './figures.ts';
import { allDead, blackHoles, freezes, kills, stops } from './kills.ts';

it('no GET fails and no POST is repeated when a backend is killed, ended or reset', {
  timeout: shortPatienceMs,
}, async () => {
  expect(misses(await kills('short'))).toEqual([]);
});

it('a frozen backend holds no GET up for ever', { timeout: shortPatienceMs }, async () => {
  expect(misses(await freezes('short'))).toEqual([]);
});

it('nor does one that takes no connection', { timeout: shortPatienceMs }, async () => {
  expect(misses(await blackHoles('short'))).toEqual([]);
});

it('with all backends dead, everybody gets 503', { timeout: shortPatienceMs }, async () => {
  expect(misses(await allDead('short'))).toEqual([]);
});

it('a stop fails no exchange that has begun', { timeout: shortPatienceMs }, async () => {
  expect(misses(await stops('short'))).toEqual([]);
});
