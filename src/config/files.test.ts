import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateProblem, isPem, NamedFiles, readText } from './files.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const problemOf = (result: object): string => ('problem' in result ? String(result.problem) : '');

describe('a named file', () => {
  it('is looked for in the folder of the configuration, and read once', () => {
    writeFileSync(join(folder, 'page.html'), 'first');
    const files = new NamedFiles(folder);
    expect(files.text('page.html')).toEqual({ value: 'first' });
    writeFileSync(join(folder, 'page.html'), 'second');
    expect(files.text('./page.html')).toEqual({ value: 'first' });
  });

  it('may be anywhere, by its whole path', () => {
    writeFileSync(join(folder, 'elsewhere.html'), 'here');
    const path = join(folder, 'elsewhere.html');
    expect(new NamedFiles('/').text(path)).toEqual({ value: 'here' });
  });

  it('that is missing is reported with the place where it was looked for', () => {
    const problem = problemOf(new NamedFiles(folder).text('none.html'));
    expect(problem).toContain('there is no file none.html');
    expect(problem).toContain(join(folder, 'none.html'));
    writeFileSync(join(folder, 'plain'), '');
    expect(problemOf(new NamedFiles(folder).text('plain/below'))).toContain('there is no file');
  });

  it('is no directory, and holds UTF-8', () => {
    writeFileSync(join(folder, 'latin1'), Buffer.from([0xe9]));
    expect(problemOf(readText(folder, 'pages'))).toBe('pages is a directory; name a file in it');
    expect(problemOf(readText(join(folder, 'latin1'), 'latin1'))).toBe(
      'latin1:1:1 is not UTF-8 text; save it as UTF-8',
    );
    writeFileSync(join(folder, 'latin1'), Buffer.from('é: 1\nü: g\xfc\xdfe', 'utf8'));
    expect(readText(join(folder, 'latin1'), 'latin1')).toHaveProperty('value');
    const mixed = Buffer.concat([Buffer.from('é: 1\nü: gr'), Buffer.from([0xfc, 0xdf, 0x65])]);
    writeFileSync(join(folder, 'latin1'), mixed);
    expect(problemOf(readText(join(folder, 'latin1'), 'latin1'))).toMatch(/^latin1:2:6 is not/);
  });

  it('has a path that the system can name', () => {
    expect(problemOf(readText('a\0b', 'a'))).toContain('cannot read a');
  });

  // The superuser may read everything.
  it.skipIf(process.getuid?.() === 0)('must be readable', () => {
    const path = join(folder, 'secret');
    writeFileSync(path, '');
    chmodSync(path, 0);
    expect(problemOf(readText(path, 'secret'))).toContain('no permission to read secret');
  });
});

describe('certificates', () => {
  const golden = join(import.meta.dirname, '../../test/golden/config/files');
  const read = (name: string): string => readFileSync(join(golden, name), 'utf8');

  it('are taken one or several at a time', () => {
    expect(certificateProblem(read('ca.pem'), 'ca.pem')).toBeNull();
    expect(certificateProblem(read('ca.pem').repeat(2), 'ca.pem')).toBeNull();
  });

  it('are told from keys, from damage and from other text', () => {
    expect(certificateProblem(read('key.pem'), 'k')).toContain('private key');
    expect(certificateProblem(read('ca.pem') + read('damaged.pem'), 'k')).toContain(
      'certificate 2 in k is damaged',
    );
    expect(certificateProblem('hello', 'k')).toContain('holds no certificate');
  });

  it('are told from paths', () => {
    expect(isPem(read('ca.pem'))).toBe(true);
    expect(isPem('certs/ca.pem')).toBe(false);
  });
});
