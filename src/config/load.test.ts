import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDiagnostics, Report } from './diagnostics.ts';
import {
  type ConfigResult,
  checkConfig,
  configFromValue,
  loadConfig,
  parseConfig,
} from './load.ts';
import { digestOf } from './module.ts';
import { printConfig } from './print.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-load-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const complaintsOf = (result: ConfigResult): string =>
  'config' in result ? '' : formatDiagnostics(result.diagnostics).replaceAll(folder, '');
const portOf = (result: ConfigResult): number | string =>
  'config' in result ? result.config.listeners[0].port : complaintsOf(result);

describe('text', () => {
  it('is YAML or JSON, with a byte order mark if it must be', () => {
    expect(portOf(parseConfig('\ufeffport: 81\nbackends: [http://a]\n', 'c'))).toBe(81);
    expect(portOf(parseConfig('{"port": 81, "backends": ["http://a"]}', 'c'))).toBe(81);
  });

  it.each([
    ['pools: {__proto__: {backends: [http://a]}}\n', 'c:1:9 pools.__proto__: "__proto__" cannot'],
    [
      'backends: [http://a]\nhealth_check:\n  headers: {__proto__: x}\n',
      'c:3:13 health_check.headers.__proto__: "__proto__" cannot',
    ],
    [
      'backends: [http://a]\nerror_pages: {__proto__: x}\n',
      'c:2:15 error_pages.__proto__: "__proto__" cannot',
    ],
    [
      'backends: [{url: http://a, __proto__: 1}]\n',
      'c:1:28 backends[0].__proto__: "__proto__" cannot',
    ],
  ])('has no key that is the prototype: %j', (text, complaint) => {
    const complaints = complaintsOf(parseConfig(text, 'c'));
    expect(complaints).toContain(complaint);
    expect(complaints.match(/^c:/gm)).toHaveLength(1);
  });

  it('made by a program has no such key either, also if it goes round in a circle', () => {
    const headers = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
    const config = { backends: ['http://a'], health_check: { headers } };
    const [path, message] = ['health_check.headers.__proto__', '"__proto__" cannot be a key'];
    expect(complaintsOf(checkConfig(config))).toContain(`${path}: ${message}`);
    Object.assign(headers, { headers });
    expect(complaintsOf(checkConfig(config))).toContain(`${path}: ${message}`);
  });

  it('has its variables from the environment that is handed in', () => {
    const environment = { PORT: '81' };
    const text = `port: \${PORT}\nbackends: [http://a]\n`;
    expect(portOf(parseConfig(text, 'c', { environment }))).toBe(81);
    expect(portOf(parseConfig(text, 'c'))).toContain('PORT is not set');
  });

  it.each([[''], ['[]'], ['5'], ['null']])('that is no mapping is refused: %j', (text) => {
    expect(portOf(parseConfig(text, 'c'))).toContain('backends: [http://localhost:9001]');
  });
});

describe('a plain value', () => {
  it('is checked like a file, without lines', () => {
    const result = configFromValue({ prot: 1, backends: ['a'] }, new Report('c.ts'), '.');
    expect(complaintsOf(result).split('\n')).toEqual([
      'c.ts backends[0]: "a" has no scheme; write http://a',
      'c.ts prot: unknown key; did you mean "port"?',
    ]);
  });
});

describe('a configuration of a program', () => {
  it('is checked, with its functions', () => {
    const choose = () => null;
    expect(checkConfig({ backends: ['http://a'], policy: choose })).toMatchObject({
      config: { pools: [{ policy: 'function', choose }], functions: null },
    });
    expect(complaintsOf(checkConfig({ backends: ['a'] }))).toBe(
      'backends[0]: "a" has no scheme; write http://a',
    );
  });
});

describe('a file', () => {
  it('is read, and its other files are looked for beside it', async () => {
    mkdirSync(join(folder, 'pages'));
    write('pages/503.html', '<p>sorry');
    const path = write('c.yaml', 'backends: [http://a]\nerror_pages: {503: pages/503.html}\n');
    const result = await loadConfig(path, {});
    expect('config' in result && result.config.pools[0].errorPages.get(503)?.body).toHaveLength(8);
  });

  it('that cannot be read is reported in one line', async () => {
    expect(complaintsOf(await loadConfig(join(folder, 'none.yaml'), {}))).toBe(
      'there is no file /none.yaml; write it or name another',
    );
    expect(complaintsOf(await loadConfig(folder, {}))).toBe(' is a directory; name a file in it');
    expect(complaintsOf(await loadConfig(write('bad', '').concat('\0'), {}))).toContain(
      'cannot read',
    );
  });
});

describe('a module', () => {
  it('gives its default export, and is read anew when it has changed', async () => {
    const path = write('c.mjs', 'export default { port: 81, backends: ["http://a"] };');
    expect(portOf(await loadConfig(path, {}))).toBe(81);
    write('c.mjs', 'export default { port: 82, backends: ["http://a"] } // longer than before');
    expect(portOf(await loadConfig(path, {}))).toBe(82);
  });

  it('is refused with the reason when it cannot be used', async () => {
    const complaints = async (name: string, text: string): Promise<string> =>
      complaintsOf(await loadConfig(write(name, text), {}));
    expect(await complaints('none.mjs', 'export const config = {};')).toContain(
      'no default export',
    );
    expect(await complaints('throws.mjs', 'throw new Error("no luck\\nat all");')).toBe(
      '/throws.mjs: could not be loaded: Error: no luck',
    );
    expect(await complaints('syntax.mjs', 'export default {')).toContain('could not be loaded');
    expect(await complaints('bad.mjs', 'export default { prot: 1, backends: ["http://a"] };')).toBe(
      '/bad.mjs prot: unknown key; did you mean "port"?',
    );
  });

  it('may hold functions, which are known by where they are', async () => {
    const text =
      'const toFirst = (candidates) => candidates[0];\n' +
      'export default { policy: toFirst, backends: ["http://a"] };';
    const path = write('f.mjs', text);
    const result = await loadConfig(path, {});
    expect(result).toMatchObject({
      config: {
        pools: [{ name: 'default', policy: 'function', choose: expect.any(Function) }],
        functions: { path, digest: digestOf(text) },
      },
    });
    expect('config' in result && printConfig(result.config)).toContain(
      'policy: function toFirst\n',
    );
  });

  it('without functions is like any other file', async () => {
    const path = write('g.mjs', 'export default { backends: ["http://a"] };');
    expect(await loadConfig(path, {})).toMatchObject({ config: { functions: null } });
  });

  const importsTypeScript = Boolean(Reflect.get(process.features, 'typescript'));
  const script = 'const port: number = 81;\nexport default { port, backends: ["http://a"] };\n';

  // In a process of its own: the test runner has ideas of its own about importing TypeScript.
  it.runIf(importsTypeScript)('may be TypeScript', () => {
    const load = JSON.stringify(join(import.meta.dirname, 'load.ts'));
    const path = JSON.stringify(write('c.ts', script));
    const code = `const { loadConfig } = await import(${load});
      const { config } = await loadConfig(${path}, {});
      console.log(config.listeners[0].port);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code]);
    expect(output.toString()).toBe('81\n');
  });

  it.skipIf(importsTypeScript)('that is TypeScript needs a runtime that imports it', async () => {
    expect(portOf(await loadConfig(write('c.ts', script), {}))).toContain(
      'cannot import TypeScript; run it with Node 22.18 or later, or Bun, or rename it',
    );
  });
});
