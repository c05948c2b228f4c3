import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/base/rng.ts';
import { compile, root } from '../plant.ts';
import { Hunt } from './hunting.ts';
import { type Mutant, mutantsOf, type Numbered, withSwitches } from './operators.ts';
import { draw, interval } from './sample.ts';
import { installSwitch, NONE, passedBy, turnOn } from './switch.ts';

const numbered = (mutants: readonly Mutant[]): Numbered[] =>
  mutants.map((mutant, i) => [i + 1, mutant]);

const changes = (text: string): string[] =>
  mutantsOf('a.ts', text).map(({ from, to }) => `${from} -> ${to}`);

describe('the mutants of a file', () => {
  it.each([
    ['x = a - b;', ['a - b -> (a) + (b)']],
    ['x = a <= b;', ['a <= b -> (a) < (b)', 'a <= b -> (a) > (b)']],
    ['x = a === b;', ['a === b -> (a) !== (b)']],
    ['x = a && !b;', ['a && !b -> (a) || (!b)', '!b -> b']],
    ['x += a;', ['x += a -> x -= (a)']],
    ['x++;', ['x++ -> x--']],
    ['x = true;', ['true -> false']],
    ['x = [7];', ['7 -> 8', '7 -> 6']],
    ['if (a) b();', ['a -> true', 'a -> false', 'b(); -> ']],
    ['while (a) b = c;', ['a -> false']],
    ['function f() { return a; }', ['return a; -> ']],
  ])('are small slips: %s', (text, expected) => {
    expect(changes(text)).toEqual(expected);
  });

  it.each([
    "x = 'a' + b;",
    'x = `$' + '{a + 1}`;',
    'type T = 1 | 2;',
    'interface I { a: 1 }',
    "assert(a === 1, 'so it is');",
    'x = { 1: a };',
    "import a from 'b';",
  ])('are not in texts, types and assertions: %s', (text) => {
    expect(changes(text)).toEqual([]);
  });
});

describe('a file with mutants in it', () => {
  const text =
    'function f(a: number, b: number): number { if (a > b + 1) return a; g(a); return b; }' +
    'const g = (n: number): void => { called.push(n); };';
  const mutants = numbered(mutantsOf('a.ts', text));
  const compiled = compile(withSwitches(text, mutants));
  const called: number[] = [];
  const f = new Function('called', `${compiled}; return f;`)(called);

  it('does what it did as long as none is on, and tells which were passed by', () => {
    installSwitch();
    turnOn(NONE);
    expect(f(3, 1)).toBe(3);
    const early = passedBy().size;
    expect(f(2, 1)).toBe(1);
    expect(called).toEqual([2]);
    // The call, the one in what is called, and the other return.
    expect(passedBy().size).toBe(early + 3);
  });

  it.each([
    ['comparison', 'a > b + 1', '(a) >= (b + 1)', 2],
    ['condition', 'a > b + 1', 'true', 2],
    ['arithmetic', 'b + 1', '(b) - (1)', 2],
    ['integer', '1', '0', 2],
    ['return left out', 'return b;', '', undefined],
  ])('does something else while one is on: %s', (kind, from, to, result) => {
    const found = mutants.find(([, each]) => each.from === from && each.to === to)!;
    expect(found[1].kind).toBe(kind);
    turnOn(found[0]);
    expect(f(2, 1)).toBe(result);
    turnOn(NONE);
    expect(f(2, 1)).toBe(1);
  });

  it('leaves a loop that a mutant keeps from ending', () => {
    const loop = 'function f(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }';
    const [step] = mutantsOf('a.ts', loop).filter(({ from }) => from === 'i++');
    const sum = new Function(`${withSwitches(loop, [[1, step!]])}; return f;`)();
    turnOn(1, 10);
    expect(() => sum(10)).toThrow('runs for ever');
    turnOn(NONE);
    expect(sum(10)).toBe(45);
  });
});

describe('a sample', () => {
  const room = (size: number): Mutant[] =>
    Array.from({ length: size }, (_, start) => ({ start }) as Mutant);
  const rooms = new Map([
    ['a', room(70)],
    ['b', room(30)],
  ]);

  it('has of each room its share, none twice, and is the same again', () => {
    const drawn = draw(rooms, 20, createRng(3));
    const inA = drawn.filter((each) => rooms.get('a')!.includes(each));
    expect([drawn.length, inA.length, new Set(drawn).size]).toEqual([20, 14, 20]);
    expect(draw(rooms, 20, createRng(3))).toEqual(drawn);
    expect(draw(rooms, 20, createRng(4))).not.toEqual(drawn);
    expect(draw(rooms, 500, createRng(3))).toHaveLength(100);
  });

  it('gives Wilson’s interval', () => {
    const [low, high] = interval(81, 263);
    expect(low).toBeCloseTo(0.2553, 3);
    expect(high).toBeCloseTo(0.3662, 3);
  });
});

describe('a hunt', () => {
  const mutant = (file: string, from: string, to: string): Mutant =>
    mutantsOf(file, readFileSync(join(root, file), 'utf8')).find(
      (each) => each.from === from && each.to === to,
    )!;
  const backoff = 'src/core/resilience/backoff.ts';

  // Needs `npm run build`.
  it('tells which mutants unit tests kill, which the simulator, and which nobody', async () => {
    const mutants = numbered([
      mutant(backoff, 'boundMs *= 2', 'boundMs /= (2)'),
      mutant(backoff, 'boundMs < maxMs', '(boundMs) <= (maxMs)'),
      mutant('src/core/resilience/waiting.ts', 'at + COUNT', '(at) - (COUNT)'),
    ]);
    const tests = ['src/core/resilience/backoff.test.ts'];
    const verdicts = await new Hunt(mutants, { tests, seeds: 1, tell: () => {} }).run();
    expect(verdicts.get(1)).toMatchObject({ by: 'unit tests' });
    expect(verdicts.get(1)!.how).toContain('a wait before another try');
    expect(verdicts.get(2)).toEqual({ by: null, how: '', isPassed: true });
    expect(verdicts.get(3)).toMatchObject({ by: 'simulation' });
    expect(verdicts.get(3)!.how).toContain('seed 1');
  });
});
