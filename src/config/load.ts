/**
 * A configuration file to a frozen `Config`, or everything that is wrong with it at once. Nothing
 * here throws for what a user can write.
 */
import { dirname, extname, resolve } from 'node:path';
import type { Config, FunctionModule } from '../core/config.ts';
import { checkTogether } from './checks.ts';
import { type Diagnostic, Report, show } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { NamedFiles, readText } from './files.ts';
import { checkValues } from './issues.ts';
import { digestOf, importDefault } from './module.ts';
import { normalise } from './normalise.ts';
import type { ConfigInput } from './schema.ts';
import { readSource } from './source.ts';

export type ConfigResult =
  | { readonly config: Config }
  | { readonly diagnostics: readonly Diagnostic[] };

export interface ParseOptions {
  /** Where `${VAR}` is looked up; nothing is set by default. */
  readonly environment?: Environment;
  /** What the paths in the configuration are seen from; the working directory by default. */
  readonly folder?: string;
}

/** Reads YAML or JSON text. `file` is what the diagnostics call it. */
export function parseConfig(text: string, file: string, options: ParseOptions = {}): ConfigResult {
  const { environment = {}, folder = '.' } = options;
  const { value, readable, report } = readSource(text.replace(/^\ufeff/, ''), file, environment);
  if (!readable) return { diagnostics: report.diagnostics };
  return configFromValue(value, report, folder);
}

/**
 * Checks a configuration that a program has made itself, as `defineConfig` gives it. Paths in it
 * are seen from `folder`; the working directory by default.
 */
export const checkConfig = (config: ConfigInput, folder = '.'): ConfigResult =>
  configFromValue(config, new Report(''), folder);

/**
 * Checks and normalises a plain value, as `defineConfig` or a YAML file gives it. `module`: where
 * it was exported.
 */
export function configFromValue(
  value: unknown,
  report: Report,
  folder: string,
  module: FunctionModule | null = null,
): ConfigResult {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.add([], notAMapping(value));
    return { diagnostics: report.diagnostics };
  }
  const files = new NamedFiles(folder);
  const checked = checkValues(value, report);
  checkTogether(value, files, report);
  if (checked === null || report.diagnostics.length > 0) {
    return { diagnostics: report.diagnostics };
  }
  return { config: normalise(checked, files, module) };
}

function notAMapping(value: unknown): string {
  const remedy = 'the least is: backends: [http://localhost:9001]';
  if (value === null || value === undefined) return `the configuration is empty; ${remedy}`;
  return `a configuration is a mapping of keys to values, not ${show(value)}; ${remedy}`;
}

/**
 * Reads `path`: a module when it ends in .ts, .mts, .js, .mjs or .cjs, else YAML or JSON. Relative
 * paths inside are seen from its folder.
 */
export async function loadConfig(path: string, environment: Environment): Promise<ConfigResult> {
  const folder = dirname(resolve(path));
  const extension = extname(path).toLowerCase();
  const isModule = ['.ts', '.mts', '.js', '.mjs', '.cjs'].includes(extension);
  const read = readText(path, path);
  if ('problem' in read) return failed('', fileProblem(read.problem, path));
  if (!isModule) return parseConfig(read.value, path, { environment, folder });
  if (extension.endsWith('ts') && !importsTypeScript()) return failed(path, needsTypeScript(path));
  const imported = await importDefault(path);
  if ('problem' in imported) return failed(path, imported.problem);
  const module = { path: resolve(path), digest: digestOf(read.value) };
  return configFromValue(imported.value, new Report(path), folder, module);
}

function failed(file: string, message: string): ConfigResult {
  const report = new Report(file);
  report.add([], message);
  return { diagnostics: report.diagnostics };
}

function fileProblem(problem: string, path: string): string {
  if (!problem.startsWith('there is no file')) return problem;
  return `there is no file ${path}; write it or name another`;
}

/** Bun does; Node says so since 22.18. */
function importsTypeScript(): boolean {
  return 'bun' in process.versions || Boolean(Reflect.get(process.features, 'typescript'));
}

function needsTypeScript(path: string): string {
  const other = path.replace(/\.m?ts$/i, '.mjs');
  const runtimes = 'run it with Node 22.18 or later, or Bun';
  const reason = `Node ${process.versions.node} cannot import TypeScript`;
  return `${reason}; ${runtimes}, or rename it to ${other} and remove the types`;
}
