import { expect, it } from 'vitest';
import type { Entry } from './contestants/contestant.ts';
import { type Options, readOptions } from './options.ts';

const entry = (id: string, isOptional = false): Entry => ({
  id,
  name: id,
  lacks: [],
  command: () => ({ argv: [id] }),
  isOptional,
});
const entries = [entry('evenkeel'), entry('evenkeel-2w', true), entry('nginx'), entry('go')];

const read = (...args: string[]): Options => readOptions(args, entries) as Options;
const ids = (all: readonly { id: string }[]): string[] => all.map(({ id }) => id);

it('runs everybody five times, and who is optional only by name', () => {
  expect(read().settings).toMatchObject({ rounds: 5, seconds: 3, connections: 64 });
  expect(ids(read().entries)).toEqual(['evenkeel', 'nginx', 'go']);
  expect(ids(read('--contestants', 'evenkeel-2w,nginx').entries)).toEqual(['evenkeel-2w', 'nginx']);
});

it('takes scenarios by name, in that order', () => {
  expect(ids(read('--scenarios', '1m,small').scenarios)).toEqual(['1m', 'small']);
  expect(() => read('--scenarios', 'tiny')).toThrow('tiny is none of small, browser, ');
});

it('is quick with one scenario of each kind and few contestants', () => {
  const quick = read('--quick');
  expect(ids(quick.entries)).toEqual(['evenkeel', 'nginx']);
  expect(ids(quick.scenarios)).toEqual(
    expect.arrayContaining(['small', 'idle', 'websocket', 'access-log', 'latency-30']),
  );
  expect(quick.settings).toMatchObject({ rounds: 1, simultaneous: true });
});

it('refuses what is no number', () => {
  expect(() => read('--rounds', 'many')).toThrow('--rounds many: a whole number');
});

it('explains itself', () => {
  expect(readOptions(['--help'], entries)).toContain('evenkeel-2w run only when they are named');
});
