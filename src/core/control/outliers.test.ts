import { describe, expect, it } from 'vitest';
import { passiveHealth } from '../../../test/fixtures/control-world.ts';
import type { Member } from './members.ts';
import { judge, type Seen } from './outliers.ts';

const memberOf = (name: string): Member => ({ backend: { config: { name } } }) as unknown as Member;

const seen = (name: string, changes: Partial<Seen> = {}): Seen => ({
  member: memberOf(name),
  answers: 100,
  failures: 0,
  headMs: 500,
  streak: 0,
  ...changes,
});

const found = (all: readonly Seen[], changes = {}): string[] =>
  judge(all, passiveHealth(changes)).map(({ member, fault, why }) => {
    return `${member.backend.config.name} ${fault}: ${why}`;
  });

describe('an outlier', () => {
  it('is nobody who does as the others do', () => {
    expect(found([seen('a'), seen('b', { failures: 30 })], { slowerThan: 2 })).toEqual([]);
  });

  it('is who has failed too large a share, if there was enough to judge by', () => {
    const bad = seen('b', { answers: 10, failures: 10 });
    expect(found([seen('a'), bad])).toEqual(['b ratio: 10 of 20 attempts failed within 10 s']);
    expect(found([seen('a'), { ...bad, answers: 11 }])).toEqual([]);
    expect(found([seen('a'), { ...bad, answers: 9 }])).toEqual([]);
    expect(found([bad], { failureRatio: 0 })).toEqual([]);
  });

  it('is who goes on failing in a row, however few they are', () => {
    const bad = seen('b', { answers: 0, failures: 2, streak: 7 });
    expect(found([bad])).toEqual(['b streak: 7 attempts in a row failed']);
    expect(found([{ ...bad, streak: 4 }])).toEqual([]);
    expect(found([bad], { consecutiveFailures: 0 })).toEqual([]);
  });

  it('comes after those that are worse', () => {
    const all = [
      seen('a', { answers: 40, failures: 60 }),
      seen('b', { answers: 0, failures: 100 }),
      seen('c', { answers: 45, failures: 55 }),
    ];
    expect(found(all).map((line) => line[0])).toEqual(['b', 'a', 'c']);
  });
});

describe('a slow one', () => {
  const others = [seen('a'), seen('b', { headMs: 600 }), seen('c', { headMs: 700 })];
  const slow = seen('d', { headMs: 10_000 });

  it('takes so many times as long as half of the pool', () => {
    expect(found([...others, slow], { slowerThan: 5 })).toEqual([
      'd slow: it took 100 ms to answer, the mean of 100 within 10 s, ' +
        'and half of the pool less than 6 ms',
    ]);
    expect(found([...others, slow], { slowerThan: 20 })).toEqual([]);
    expect(found([...others, slow])).toEqual([]);
  });

  it('is none within 20 ms, however fast the others are', () => {
    const all = [seen('a', { headMs: 0 }), seen('b', { headMs: 0 }), seen('c', { headMs: 1900 })];
    expect(found(all, { slowerThan: 5 })).toEqual([]);
  });

  it('is none where too few can be compared, or too little is known of it', () => {
    const few = [seen('a'), seen('b', { answers: 5 }), slow];
    expect(found(few, { slowerThan: 5 })).toEqual([]);
    const hardlyAsked = { ...slow, answers: 19 };
    expect(found([...others, hardlyAsked], { slowerThan: 5 })).toEqual([]);
  });
});
