import { expect, it } from 'vitest';
import type { Contestant } from './contestant.ts';
import { type Options, readOptions } from './options.ts';

const contestant = (id: string): Contestant => ({
  id,
  name: id,
  sheet: 'latency',
  command: () => ({ argv: [id] }),
});
const contestants = [contestant('adaptive'), contestant('nginx-least_conn')];
const read = (...args: string[]): Options => readOptions(args, contestants) as Options;
const ids = (all: readonly { id: string }[]): string[] => all.map(({ id }) => id);

it('puts everybody in all troubles, or those that are named', () => {
  expect(ids(read().contestants)).toEqual(['adaptive', 'nginx-least_conn']);
  expect(ids(read().troubles)).toEqual(expect.arrayContaining(['good', 'overload', 'twenty']));
  const few = read('--kinds', 'twenty,slow', '--contestants', 'adaptive', '--seconds', '20');
  expect(ids(few.troubles)).toEqual(['twenty', 'slow']);
  expect(ids(few.contestants)).toEqual(['adaptive']);
  expect(few.lengths.seconds).toBe(20);
});

it('is quick at a quarter of the pace', () => {
  const [usual, quick] = [read('--kinds', 'overload'), read('--kinds', 'overload', '--quick')];
  const load = ({ troubles: [only] }: Options): number => only!.requestsPerSecond * only!.serviceMs;
  expect(load(quick)).toBe(load(usual));
  expect(quick.troubles[0]!.requestsPerSecond).toBe(usual.troubles[0]!.requestsPerSecond / 4);
  expect(quick.simultaneous).toBe(true);
});

it('refuses what is not there, and what is no number', () => {
  expect(() => read('--kinds', 'sloow')).toThrow('sloow is none of good, slow, ');
  expect(() => read('--contestants', 'caddy')).toThrow('caddy is none of adaptive, nginx');
  expect(() => read('--seconds', '0')).toThrow('--seconds 0: a whole number');
});

it('explains itself', () => {
  expect(readOptions(['--help'], contestants)).toContain('--kinds A,B');
});
