import { afterEach, describe, expect, it } from 'vitest';
import { BackendConnection } from '../src/core/engine/backend-connection.ts';
import { Table } from '../src/core/table/table.ts';
import { optionsOf, type SimOptions } from './options.ts';
import { differences, namesOf } from './plain.ts';
import { runSeed } from './run.ts';
import { type Shrunk, shrink } from './shrink.ts';

const undo: (() => void)[] = [];

afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** A method that does nothing, until the test is over. */
function forget(type: { readonly prototype: object }, name: string): void {
  const prototype = type.prototype as Record<string, unknown>;
  const old = prototype[name];
  if (typeof old !== 'function') throw new Error(`there is no ${name} to be forgotten`);
  prototype[name] = () => {};
  undo.push(() => {
    prototype[name] = old;
  });
}

/** The first seed with such a world that breaks this promise. */
function failing(checker: string, isSo: (options: SimOptions) => boolean): number {
  for (let seed = 1; seed < 3000; seed++) {
    if (!isSo(optionsOf(seed))) continue;
    const { violation } = runSeed(seed, { forMs: null, print: null });
    if (violation?.checker === checker) return seed;
  }
  throw new Error(`nobody finds anything with ${checker}`);
}

const left = ({ options }: Shrunk): readonly string[] => namesOf(differences(options));

describe('a run that fails', { timeout: 300_000 }, () => {
  it('is made small: of a world full of faults the one that is needed is left', () => {
    forget(BackendConnection, 'unasked');
    const seed = failing('clean reuse', ({ backends }) => backends > 1);
    expect(namesOf(differences(optionsOf(seed))).length).toBeGreaterThan(20);
    const shrunk = shrink({ seed, options: null, forMs: null })!;
    expect(left(shrunk)).toEqual([expect.stringMatching(/^misdeeds\.extra-(now|late)$/)]);
    const { seed: last, options, forMs } = shrunk;
    const half = Math.floor(forMs! / 2);
    expect(runSeed(last, { options, forMs: half, print: null }).violation).toBeNull();
    const again = runSeed(last, { options, forMs, print: null });
    expect(again.violation).toEqual(shrunk.result.violation);
    expect(again.hash).toBe(shrunk.result.hash);
    expect(shrink({ seed, options: null, forMs: null })).toEqual(shrunk);
  });

  it('keeps what only together breaks the promise', () => {
    forget(Table, 'clearLedger');
    const isSo = ({ workers, workerDiesEveryMs }: SimOptions): boolean =>
      workers > 1 && workerDiesEveryMs?.[0] === 500;
    const seed = failing('leaks', isSo);
    const shrunk = shrink({ seed, options: null, forMs: null })!;
    expect(shrunk.options.workers).toBe(2);
    expect(left(shrunk)).toEqual(expect.arrayContaining(['workers', 'workerDiesEveryMs']));
    expect(left(shrunk).length).toBeLessThan(5);
  });

  it('that breaks no promise is nothing to be made small', () => {
    expect(shrink({ seed: 1, options: null, forMs: null })).toBeNull();
  });
});
