import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from './agenda.ts';

const takeAll = (agenda: Agenda<string>, nowMs: number): string[] => {
  const taken: string[] = [];
  for (let item = agenda.take(nowMs); item !== null; item = agenda.take(nowMs)) taken.push(item);
  return taken;
};

describe('an agenda', () => {
  it('gives what is due, the earliest first, equal times in the order they were put', () => {
    const agenda = new Agenda<string>();
    agenda.put('late', 30);
    agenda.put('a', 10);
    agenda.put('b', 10);
    agenda.put('first', 5);
    expect(agenda.firstDueMs()).toBe(5);
    expect(takeAll(agenda, 10)).toEqual(['first', 'a', 'b']);
    expect(agenda.firstDueMs()).toBe(30);
    expect(takeAll(agenda, 29)).toEqual([]);
  });

  it('does not give what was crossed out', () => {
    const agenda = new Agenda<string>();
    const crossOut = agenda.put('a', 1);
    agenda.put('b', 2);
    crossOut();
    crossOut();
    expect(agenda.firstDueMs()).toBe(2);
    expect(takeAll(agenda, 9)).toEqual(['b']);
    expect(agenda.firstDueMs()).toBeNull();
  });

  it('keeps the order of any times', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean())), (all) => {
        const agenda = new Agenda<string>();
        const expected: { dueMs: number; item: string }[] = [];
        all.forEach(([dueMs, stays], turn) => {
          const crossOut = agenda.put(`${turn}`, dueMs);
          if (stays) expected.push({ dueMs, item: `${turn}` });
          else crossOut();
        });
        expected.sort((a, b) => a.dueMs - b.dueMs);
        expect(takeAll(agenda, 20)).toEqual(expected.map(({ item }) => item));
      }),
    );
  });
});
