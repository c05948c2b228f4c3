import { beforeEach, expect, it } from 'vitest';
import { backendConfig, config, poolConfig } from '../../../test/fixtures/control-world.ts';
import type { PolicyFunction } from '../policy-function.ts';
import { functionsOf, PrepareVote, withoutFunctions } from './prepare-vote.ts';

const choose: PolicyFunction = () => null;
const module = { path: '/etc/evenkeel.config.mjs', digest: 'abc' };
const own = poolConfig([backendConfig(1)], { name: 'own', policy: 'function', choose });
const other = poolConfig([backendConfig(2)], { name: 'other' });

let ends: (string | null)[];
let vote: PrepareVote;
beforeEach(() => {
  ends = [];
  const functions = functionsOf(config([own], { functions: module }), 7)!;
  vote = new PrepareVote(functions, 2, (problem) => void ends.push(problem));
});

it('is over when the last worker has them', () => {
  vote.cast(1, null);
  vote.cast(1, null);
  expect([ends, vote.isOver]).toEqual([[], false]);
  vote.cast(0, null);
  expect([ends, vote.isOver]).toEqual([[null], true]);
});

it('fails with the first that has not, and what comes later changes nothing', () => {
  vote.cast(1, 'no luck');
  vote.cast(0, null);
  vote.cast(0, 'neither');
  vote.end('it is stopping');
  expect(ends).toEqual(['worker 1: no luck']);
});

it('fails when it is ended before', () => {
  vote.cast(1, null);
  vote.end('it is stopping');
  expect(ends).toEqual(['it is stopping']);
});

it('tells workers the module and the texts, of pools that have functions', () => {
  const whole = config([own, other], { functions: module });
  const texts = new Map([['own', String(choose)]]);
  expect(functionsOf(whole, 3)).toEqual({ id: 3, module, texts });
  expect(functionsOf(config([other]), 3)).toBeNull();
});

it('takes functions out of a configuration, and nothing else', () => {
  const whole = config([own, other], { functions: module });
  const bare = withoutFunctions(whole);
  expect(structuredClone(bare)).toEqual({ ...whole, pools: [{ ...own, choose: null }, other] });
  const plain = config([other]);
  expect(withoutFunctions(plain)).toBe(plain);
});
