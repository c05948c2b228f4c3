import { beforeEach, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import { FunctionImports, type Imported } from './function-imports.ts';
import type { FunctionsView } from './messages.ts';

const view = (id: number): FunctionsView => ({
  id,
  module: { path: '/etc/evenkeel.config.mjs', digest: '' },
  texts: new Map(),
});
const FOUND: Imported = { functions: new Map([['default', () => null]]) };

let clock: SimClock;
let asked: { readonly id: number; done(imported: Imported): void }[];
let imports: FunctionImports;
let got: Imported[];

beforeEach(() => {
  clock = createSimClock();
  asked = [];
  got = [];
  imports = new FunctionImports(clock, ({ id }, done) => void asked.push({ id, done }));
});

const get = (id: number): void => imports.get(view(id), (imported) => void got.push(imported));

it('imports once for a number, and answers all who ask, then at once', () => {
  get(1);
  get(1);
  expect([asked.length, got]).toEqual([1, []]);
  asked[0].done(FOUND);
  expect(got).toEqual([FOUND, FOUND]);
  get(1);
  expect([asked.length, got.length]).toEqual([1, 3]);
});

it('imports anew for another number, and for one that is forgotten', () => {
  get(1);
  get(2);
  imports.forgetBefore(2);
  get(2);
  get(1);
  expect(asked.map(({ id }) => id)).toEqual([1, 2, 1]);
});

it('waits no longer than ten seconds, whatever comes then', () => {
  get(1);
  clock.run(clock.nowMs() + 10_001);
  const problem = '/etc/evenkeel.config.mjs is still being imported after 10 s';
  expect(got).toEqual([{ problem }]);
  asked[0].done(FOUND);
  expect(got).toHaveLength(1);
});

it('does not wait on when it is there', () => {
  get(1);
  asked[0].done(FOUND);
  expect(clock.run(clock.nowMs() + 20_000)).toBeUndefined();
  expect(got).toEqual([FOUND]);
});
