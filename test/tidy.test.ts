/** The style guide as a test: the tree keeps the rules, and each rule bites on a bad snippet. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  bans,
  docstrings,
  imports,
  leftovers,
  lengths,
  names,
  places,
  type Rule,
  type Source,
  untested,
  unused,
} from './tidy/rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Entered from outside: by people, by the package's users, by a runtime. */
const doors = [
  'src/evenkeel.ts',
  'src/testing/testing.ts',
  'src/cli/main.ts',
  'src/config/generate.ts',
  'sim/main.ts',
];

/** Sources without a unit test beside them, each with the reason. */
const noUnitTest = new Map([
  ['src/core/base/clock.ts', 'types alone; every clock passes its own tests'],
  ['src/core/base/transport.ts', 'types alone; test/conformance/transport.ts is its suite'],
  ['src/core/config.ts', 'types alone; the schema must satisfy them'],
  ['src/core/telemetry/log.ts', 'types alone'],
  ['src/core/balancing/balancing.ts', 'a table; each policy has its test'],
  ['src/core/table/backend.ts', 'a record without behaviour'],
  ['src/explain/explanation.ts', 'types alone'],
  ['src/cli/main.ts', 'the process itself; test/e2e runs it'],
  ['src/core/control/engine-controls.ts', 'types alone'],
  ['src/core/control/messages.ts', 'types alone'],
  ['src/core/control/status.ts', 'types alone'],
  ['src/core/engine/evidence.ts', 'types alone'],
  ['src/core/engine/sides.ts', 'types alone'],
  ['src/core/engine/shared-memories.ts', 'types alone'],
  ['src/simulate/scenario.ts', 'types alone'],
  ['src/simulate/balancer.ts', 'run.test.ts runs it in every test'],
  ['src/simulate/exchange.ts', 'run.test.ts runs it in every test'],
  ['src/control/traffic.ts', 'types alone'],
  ['src/control/in-thread.ts', 'wiring; balancer.test.ts runs it'],
  ['src/control/worker.ts', 'what runs in a thread; test/e2e runs it in every test'],
  ['src/control/workers.ts', 'wiring of threads; test/e2e runs it in every test'],
  ['src/core/http/refusal.ts', 'a table; head-parser and the facts have the cases'],
  ['src/cli/exit-code.ts', 'four numbers'],
  ['src/cli/fake-terminal.ts', 'support of tests'],
  ['src/cli/terminal.ts', 'the process itself; test/e2e runs it'],
  ['src/cli/run.ts', 'loads and serves; test/e2e runs it'],
  ['src/config/generate.ts', 'writes what other tests compare with the schema'],
]);

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(`${root}/${path}`));

const read = (path: string): Source => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') });
const sources = tracked
  .filter((path) => /^(src|sim|test|bench|examples)\/.*\.ts$/.test(path) && !path.endsWith('.d.ts'))
  .map(read);
const texts = tracked
  .filter((path) => /\.(ts|js|mjs|json|md|yaml|yml|sh|html|css)$|\/run$|Dockerfile/.test(path))
  .map(read);
const generated = (path: string): boolean => /^(schema|test\/golden|test\/wire)\//.test(path);

const every = (rule: Rule, of: readonly Source[]): string[] => of.flatMap((each) => rule(each));

describe('the tree', () => {
  it('keeps clock, chance, promises and locale out of core and sim', () => {
    expect(every(bans, sources)).toEqual([]);
  });

  it('imports one way', () => {
    expect(every(imports, sources)).toEqual([]);
  });

  it('has short files, functions and lines', () => {
    const long = every(
      lengths,
      sources.filter((each) => !generated(each.path)),
    );
    expect(long).toEqual([]);
  });

  it('has kebab-case names and no index files', () => {
    expect(every(names, sources)).toEqual([]);
  });

  it('has no leftovers', () => {
    expect(every(leftovers, texts)).toEqual([]);
  });

  it('explains in docs/log.md every event that is logged', () => {
    const documented = read('docs/log.md').text;
    const logged = sources
      .filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'))
      .flatMap(({ text }) => [...text.matchAll(/event\(\s*\S+,\s*'([a-z]+_[a-z_]+)'/g)])
      .map(([, name]) => name);
    expect(logged.length).toBeGreaterThan(20);
    const unexplained = logged.filter((name) => !documented.includes(`\`${name}\``));
    expect(unexplained.filter((name) => !name.startsWith('demo_'))).toEqual([]);
  });

  it('names no machine and no download address', () => {
    expect(every(places, texts)).toEqual([]);
  });

  it('says what each exported thing promises', () => {
    expect(every(docstrings, sources)).toEqual([]);
  });

  it('has no unused exports and no dead files', () => {
    expect(unused(sources, doors)).toEqual([]);
  });

  it('has a unit test beside each source file', () => {
    expect(untested(tracked, noUnitTest)).toEqual([]);
    expect([...noUnitTest.keys()].filter((path) => !tracked.includes(path))).toEqual([]);
  });
});

describe('the rules bite', () => {
  const core = (text: string): Source => ({ path: 'src/core/engine/bad.ts', text });

  it.each([
    ['const t = Date.now();', 'Clock'],
    ['const t = new Date();', 'Clock'],
    ['const x = Math.random();', 'Rng'],
    ['async function f() {}', 'state machine'],
    ['function f() { await g(); }', 'state machine'],
    ['let p: Promise<void>;', 'callback'],
    ['const f = new Intl.NumberFormat();', 'formats of our own'],
    ["const n = 'a'.localeCompare('b');", 'comparison of our own'],
    ['const s = (1).toLocaleString();', 'comparison of our own'],
    ['const x = 2 ** 3;', 'multiplication'],
    ['let x = 2; x **= 3;', 'multiplication'],
    ['const x = Math.exp(1);', 'base/math.ts'],
    ['const x = Math.hypot(3, 4);', 'base/math.ts'],
    ['setTimeout(f, 1);', 'TimerWheel'],
    ["console.log('x');", 'Log'],
    ['const b = Buffer.alloc(1);', 'base/bytes.ts'],
  ])('bans: %s', (text, instead) => {
    const [complaint] = bans(core(text));
    expect(complaint).toContain('src/core/engine/bad.ts:1:');
    expect(complaint).toContain(instead);
    expect(bans({ path: 'src/cli/fine.ts', text })).toEqual([]);
  });

  it('lets pure code be', () => {
    const text = 'const x = Math.sqrt(2) * Math.floor(1.5);\nclass A { process(): void {} }\n';
    expect(bans(core(`${text}// Date.now() in a comment\nconst s = 'await';`))).toEqual([]);
  });

  it.each([
    ['src/core/http/a.ts', '../engine/exchange.ts'],
    ['src/core/routing/a.ts', '../balancing/balancing.ts'],
    ['src/core/engine/a.ts', '../../platform/node/clock.ts'],
    ['src/core/base/a.ts', '../config.ts'],
    ['src/config/a.ts', '../cli/main.ts'],
    ['src/platform/node/a.ts', '../../control/prober.ts'],
    ['src/core/engine/a.ts', 'node:net'],
    ['src/simulate/a.ts', 'node:fs'],
    ['src/simulate/a.ts', '../config/load.ts'],
    ['sim/world.ts', 'node:fs'],
    ['src/platform/node/a.ts', 'bun'],
  ])('imports: %s may not import %s', (path, name) => {
    expect(imports({ path, text: `\nimport { x } from '${name}';` })[0]).toContain(`${path}:2:`);
    expect(imports({ path, text: `const m = import('${name}');` })).toHaveLength(1);
  });

  it.each([
    ['src/core/engine/a.ts', '../http/head.ts'],
    ['src/core/http1/a.ts', '../http/head.ts'],
    ['src/core/http/a.ts', '../base/bytes.ts'],
    ['src/cli/a.ts', '../control/prober.ts'],
    ['src/simulate/a.ts', '../core/engine/pool.ts'],
    ['src/config/a.ts', '../simulate/scenario.ts'],
    ['src/platform/node/a.ts', 'node:net'],
    ['src/platform/bun/a.ts', 'bun'],
    ['sim/main.ts', 'node:fs'],
  ])('imports: %s may import %s', (path, name) => {
    expect(imports({ path, text: `import { x } from '${name}';` })).toEqual([]);
  });

  it('lengths', () => {
    const long = `function f() {\n${'  g();\n'.repeat(80)}}\n`;
    expect(lengths(core(long))[0]).toMatch(/bad\.ts:1: a function of 82 lines/);
    expect(lengths(core(`// tidy: a table in code\n${long}`))).toEqual([]);
    expect(lengths(core('x;\n'.repeat(501)))[0]).toContain('502 lines');
    expect(lengths(core(`// tidy: generated from data\n${'x;\n'.repeat(501)}`))).toEqual([]);
    expect(lengths(core(`\n${'x'.repeat(101)}`))[0]).toContain(':2: 101 columns');
  });

  it('names, leftovers, places', () => {
    expect(names({ path: 'src/core/engine/index.ts', text: '' })).toHaveLength(1);
    expect(names({ path: 'src/core/engine/exchangePool.ts', text: '' })).toHaveLength(1);
    expect(names({ path: 'src/core/engine/exchange-pool.test.ts', text: '' })).toEqual([]);
    expect(leftovers(core(`\n// ${'TO'}DO later`))[0]).toContain(':2:');
    expect(places(core(`const p = '/${'home'}/me';`))).toHaveLength(1);
    const lock = { path: 'package-lock.json', text: '"resolved": "x"' };
    expect(places(lock)).toHaveLength(1);
  });

  it('docstrings', () => {
    expect(docstrings(core('\nexport function f(): void {}'))[0]).toContain(':2: f has no');
    expect(docstrings(core('export interface A {\n  a: 1;\n}'))).toHaveLength(1);
    expect(docstrings(core('export interface A {\n  /** One. */\n  a: 1;\n}'))).toEqual([]);
    expect(docstrings(core('/** Opens. */\nimport x from "y";\nexport class A {}'))).toEqual([]);
    expect(docstrings(core('/** Says. */\nexport class A {}'))).toEqual([]);
    expect(docstrings(core('export const x = 1;'))).toEqual([]);
  });

  it('unused exports and dead files', () => {
    const a = { path: 'src/core/http/a.ts', text: 'export const used = 1;\nexport const not = 2;' };
    const b = { path: 'src/core/engine/b.ts', text: "import { used } from '../http/a.ts';" };
    expect(unused([a, b], [])).toEqual([
      expect.stringContaining('a.ts:2: nobody imports not'),
      expect.stringContaining('b.ts:1: nobody imports this file'),
    ]);
    expect(unused([a, b], ['src/core/engine/b.ts'])).toHaveLength(1);
  });

  it('missing unit tests', () => {
    const paths = ['src/a.ts', 'src/b.ts', 'src/b.test.ts', 'src/c.ts'];
    expect(untested(paths, new Map([['src/c.ts', 'types alone']]))).toEqual([
      expect.stringContaining('src/a.ts:1'),
    ]);
  });
});
