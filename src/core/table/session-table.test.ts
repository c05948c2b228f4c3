import { describe, expect, it } from 'vitest';
import { createRng } from '../base/rng.ts';
import { createSessionMemory, SessionTable } from './session-table.ts';

const NOON = 1_767_268_800_000;
const IDLE = 60_000;

/** Two workers over one memory. */
function tables(sessions: number): readonly [SessionTable, SessionTable] {
  const memory = createSessionMemory(sessions, createRng(1), (bytes) => new ArrayBuffer(bytes));
  return [new SessionTable(memory, IDLE), new SessionTable(memory, IDLE)];
}

const found = (table: SessionTable, place: number, tag: number, afterMs = 0): string | null =>
  table.find(place, tag, NOON + afterMs) ? `${table.slot}/${table.generation}` : null;

describe('a session', () => {
  it('belongs where it was put, in the eyes of all workers', () => {
    const [one, other] = tables(64);
    expect(found(one, 5, 7)).toBe(null);
    one.put(5, 7, 3, 2, NOON);
    expect([found(one, 5, 7), found(other, 5, 7)]).toEqual(['3/2', '3/2']);
    expect([found(one, 5, 8), found(one, 6, -7)]).toEqual([null, null]);
  });

  it('is told apart by a secret of each memory, in both of its halves', () => {
    const rng = createRng(1);
    const memories = [0, 1].map(() =>
      createSessionMemory(8, rng, (bytes) => new ArrayBuffer(bytes)),
    );
    const secrets = memories.map((memory) => new SessionTable(memory, IDLE));
    const halves = secrets.flatMap(({ secret0, secret1 }) => [secret0, secret1]);
    expect(new Set([0, ...halves]).size).toBe(5);
  });

  it('moves, and is at one place only', () => {
    const [one, other] = tables(64);
    one.put(5, -7, 3, 2, NOON);
    other.put(5, -7, 4, 0, NOON);
    expect([found(one, 5, -7), found(other, 5, -7)]).toEqual(['4/0', '4/0']);
  });

  it('is told apart by any bit of its tag, and of slot and generation nothing is lost', () => {
    const [table] = tables(64);
    for (let bit = 0; bit < 32; bit++) table.put(bit, 1 << bit, bit * 30_000, 2 ** 29 - bit, NOON);
    for (let bit = 0; bit < 32; bit++) {
      expect(found(table, bit, 1 << bit)).toBe(`${bit * 30_000}/${2 ** 29 - bit}`);
    }
  });

  it('is forgotten when it was not used for long, and each use counts', () => {
    const [one, other] = tables(64);
    one.put(5, 7, 3, 2, NOON);
    expect(found(other, 5, 7, 50_000)).toBe('3/2');
    expect(found(one, 5, 7, 105_000)).toBe('3/2');
    expect(found(one, 5, 7, 170_000)).toBe(null);
    expect(found(one, 5, 7, 170_000)).toBe(null);
    other.put(5, 7, 4, 0, NOON + 170_000);
    expect(found(one, 5, 7, 170_000)).toBe('4/0');
  });

  it('is not forgotten by a clock that is set back', () => {
    const [one, other] = tables(64);
    one.put(5, 7, 3, 2, NOON);
    expect(found(other, 5, 7, -86_400_000)).toBe('3/2');
  });

  it('lives on over 2038, and 2106', () => {
    const [table] = tables(64);
    for (const year of [2 ** 31, 2 ** 32]) {
      const atMs = year * 1000 - 10_000;
      table.put(5, 7, 3, year === 2 ** 31 ? 1 : 2, atMs);
      expect(table.find(5, 7, atMs + 30_000)).toBe(true);
      expect(table.find(5, 7, atMs + 100_000)).toBe(false);
    }
  });
});

describe('where there is no room', () => {
  it('the one goes that was not used for longest', () => {
    const [table] = tables(8);
    // Sixteen places, one bucket.
    for (let n = 1; n <= 16; n++) table.put(0, n, n, 0, NOON + n * 1000);
    expect(found(table, 0, 1, 20_000)).toBe('1/0');
    table.put(0, 17, 17, 0, NOON + 21_000);
    const left = Array.from({ length: 17 }, (_, at) => found(table, 0, at + 1, 22_000));
    expect(left.map((each) => each !== null).indexOf(false)).toBe(1);
    expect(left.filter((each) => each === null)).toHaveLength(1);
  });

  it('of the sessions that it was made for nearly all have some', () => {
    const sessions = 1000;
    const [table] = tables(sessions);
    const rng = createRng(5);
    const all = Array.from({ length: sessions }, () => [rng.next() >>> 1, rng.next() | 0 || 1]);
    for (const [place, tag] of all) table.put(place, tag, 1, 0, NOON);
    const known = all.filter(([place, tag]) => found(table, place, tag) !== null);
    expect(known.length).toBeGreaterThan(0.99 * sessions);
  });

  it('a table for one has room for two', () => {
    const [table] = tables(1);
    table.put(0, 1, 1, 0, NOON);
    table.put(1, 2, 2, 0, NOON);
    expect([found(table, 0, 1), found(table, 1, 2)]).toEqual(['1/0', '2/0']);
  });
});

it('has a secret of its own in each memory', () => {
  const rng = createRng(1);
  const made = [1, 2].map(() => createSessionMemory(1, rng, (bytes) => new ArrayBuffer(bytes)));
  const [one, other] = made.map((memory) => new SessionTable(memory, IDLE));
  expect([one.secret0, one.secret1]).not.toEqual([other.secret0, other.secret1]);
});
