import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, importDefault, importFunctions } from './module.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-module-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('a module', () => {
  it('is read anew each time', async () => {
    const path = write('c.mjs', 'export default 1;');
    expect(await importDefault(path)).toEqual({ value: 1 });
    write('c.mjs', 'export default 2; // longer');
    expect(await importDefault(path)).toEqual({ value: 2 });
  });

  it('that cannot be used says why', async () => {
    expect(await importDefault(write('none.mjs', 'export const a = 1;'))).toEqual({
      problem: expect.stringContaining('has no default export'),
    });
    expect(await importDefault(write('throws.mjs', 'throw new Error("no luck\\nat all")'))).toEqual(
      {
        problem: 'could not be loaded: Error: no luck',
      },
    );
  });
});

describe('policy functions in another thread', () => {
  const importFrom = (name: string, text: string, pools: Record<string, string>, was = text) => {
    const module = { path: write(name, text), digest: digestOf(was) };
    return importFunctions({ id: 1, module, texts: new Map(Object.entries(pools)) });
  };

  it('are those of its pools, in either form', async () => {
    const short = await importFrom('s.mjs', 'export default { policy: () => null };', {
      default: '() => null',
    });
    expect('functions' in short && [...short.functions.keys()]).toEqual(['default']);
    const text =
      'export default { pools: { a: { policy: "random" }, b: { policy: (c) => c[1] } } };';
    const full = await importFrom('f.mjs', text, { b: '(c) => c[1]' });
    const chosen = 'functions' in full && full.functions.get('b')?.([1, 2] as never, {} as never);
    expect(chosen).toBe(2);
  });

  it('are not taken from a file that has changed since', async () => {
    const text = 'export default { policy: () => null };';
    const changed = await importFrom('d.mjs', text, { default: '() => null' }, `${text}\n`);
    expect(changed).toEqual({
      problem: expect.stringMatching(/d\.mjs has changed since it was read; reload to use what/),
    });
  });

  it('are not taken where they differ from those of the main thread', async () => {
    const differs = {
      problem: expect.stringMatching(
        /e\.mjs: pool a has another policy in a worker than in the main thread; the module must/,
      ),
    };
    for (const text of [
      '{ policy: () => 1 }',
      '{ pools: { a: { policy: "random" } } }',
      'null',
      '5',
    ]) {
      expect(await importFrom('e.mjs', `export default ${text};`, { a: '() => null' })).toEqual(
        text === 'null' ? { problem: expect.any(String) } : differs,
      );
    }
  });

  it('that cannot be imported say where and why', async () => {
    const problem = `${join(folder, 'g.mjs')} could not be loaded: Error: no luck`;
    expect(await importFrom('g.mjs', 'throw new Error("no luck")', {})).toEqual({ problem });
  });
});
