import { describe, expect, it } from 'vitest';
import { Waiting } from './waiting.ts';

const NOW = 2 ** 41;

function workers(count: number): Waiting[] {
  const memory = new ArrayBuffer(Waiting.bytesFor(count));
  return Array.from({ length: count }, (_, me) => new Waiting(memory, me));
}

describe('who waits in which worker', () => {
  it('is known to all of them', () => {
    const [a, b, c] = workers(3);
    a.show(2, NOW - 50, NOW);
    b.show(1, NOW - 80, NOW);
    expect(c.total(NOW)).toBe(3);
    expect(c.longer(NOW, NOW)).toBe(1);
    expect(c.longer(NOW - 60, NOW)).toBe(1);
    expect(c.longer(NOW - 90, NOW)).toBe(-1);
  });

  it('never makes one wait for itself', () => {
    const [a, b] = workers(2);
    a.show(1, NOW - 50, NOW);
    expect(a.longer(NOW, NOW)).toBe(-1);
    expect(b.longer(NOW, NOW)).toBe(0);
  });

  it('counts for nothing when its worker has not looked after it for a while', () => {
    const [a, b] = workers(2);
    a.show(5, NOW - 50, NOW);
    expect(b.total(NOW + 250)).toBe(5);
    expect(b.total(NOW + 251)).toBe(0);
    expect(b.longer(NOW + 251, NOW + 251)).toBe(-1);
    // The clock was set back.
    expect(b.total(NOW - 10_000)).toBe(0);
  });

  it('is right where 32 bits of milliseconds begin anew', () => {
    const [a, b] = workers(2);
    const turn = 2 ** 31;
    a.show(1, turn - 10, turn - 5);
    expect(b.longer(turn + 10, turn + 10)).toBe(0);
    expect(b.longer(turn - 20, turn + 10)).toBe(-1);
  });
});
