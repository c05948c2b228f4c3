/** The balancer and its simulator with one bug planted, beside the real ones. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { Planted } from './planted.ts';

/** The root of the repository: this file is there as written, and in `dist` as built. */
const here = fileURLToPath(new URL('.', import.meta.url));
export const root = join(here, here.includes('/dist/') ? '../../..' : '../..');

/** The file's text with the bug in it. Throws when the text to replace is not there once. */
export function withBug({ file, from, to, bug }: Planted): string {
  const text = readFileSync(join(root, file), 'utf8');
  const times = text.split(from).length - 1;
  if (times !== 1) throw new Error(`${file} has ${times} places for: ${bug}`);
  return text.replace(from, () => to);
}

/** As the build makes it of a source file. */
export function compile(text: string): string {
  const { module, target } = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const compilerOptions = { module, target, rewriteRelativeImportExtensions: true };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

/** A folder with a copy of what is built, in which one file at a time can be another. */
export class Ground {
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-planted-'));

  /** `npm run build` has to come first. */
  constructor() {
    for (const part of ['src/core', 'sim']) {
      mkdirSync(join(this.folder, part), { recursive: true });
      cpSync(join(root, 'dist', part), join(this.folder, part), { recursive: true });
    }
    writeFileSync(join(this.folder, 'package.json'), '{"type": "module"}\n');
  }

  plant(planted: Planted): void {
    writeFileSync(this.built(planted.file), compile(withBug(planted)));
  }

  /** As it was. */
  heal({ file }: Planted): void {
    cpSync(join(root, 'dist', file.replace(/\.ts$/, '.js')), this.built(file));
  }

  private built(file: string): string {
    return join(this.folder, file.replace(/\.ts$/, '.js'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
