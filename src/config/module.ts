/**
 * A configuration that is a module: imported by the main thread, and again by each worker for the
 * policy functions in it. It imports nothing of the schema, so that workers need not load that.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Imported } from '../core/control/function-imports.ts';
import type { FunctionsView } from '../core/control/messages.ts';
import type { PolicyFunction } from '../core/policy-function.ts';
import { readText } from './files.ts';

/** As it stands in a `FunctionModule`. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the module exports by default, read anew; or why it cannot be had. */
export async function importDefault(
  path: string,
): Promise<{ readonly value: unknown } | { readonly problem: string }> {
  try {
    const module = (await import(freshSpecifier(path))) as Record<string, unknown>;
    if (module.default !== undefined) return { value: module.default };
    return { problem: 'has no default export; write export default defineConfig({ ... })' };
  } catch (thrown) {
    // Bun throws all that it found at once.
    const error: unknown = thrown instanceof AggregateError ? (thrown.errors[0] ?? thrown) : thrown;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const more = placeInModule(error, path) || remedy(error, path);
    return { problem: `could not be loaded: ${reason.split('\n', 1)[0]}${more}` };
  }
}

/** Where a module is no JavaScript or TypeScript, as far as the runtime tells. */
function placeInModule(error: unknown, path: string): string {
  const place = placeByBun(error) ?? placeByNode(error);
  if (place === null) return '';
  const { file, line, column } = place;
  const other = file === '' || resolve(file) === resolve(path) ? '' : `${basename(file)}, `;
  return ` (${other}line ${line}${column === 0 ? '' : `, column ${column}`})`;
}

/** Counted from 1; a column of 0 is not known. */
interface PlaceInModule {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

function placeByBun(error: unknown): PlaceInModule | null {
  const { position } = (error ?? {}) as { readonly position?: Partial<PlaceInModule> | null };
  if (position?.line === undefined) return null;
  return { file: position.file ?? '', line: position.line, column: position.column ?? 0 };
}

/** Node writes the place of wrong TypeScript over the stack: file:line, the lines, carets. */
function placeByNode(error: unknown): PlaceInModule | null {
  if (!(error instanceof SyntaxError)) return null;
  const [head, ...lines] = (error.stack ?? '').split('\n');
  const place = /^(.*[^\d:]):(\d+)$/.exec(head);
  if (place === null) return null;
  const carets = lines.find((line) => /^\s*\^+\s*$/.test(line)) ?? '';
  const [, name, line] = place;
  const file = name.startsWith('file:') ? fileURLToPath(name) : name;
  return { file, line: Number(line), column: carets.indexOf('^') + 1 };
}

/** What to do, where that is not plain. */
function remedy(error: unknown, path: string): string {
  const { code, message } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  if (code === 'ERR_MODULE_NOT_FOUND' && `${message}`.includes("package 'evenkeel'")) {
    const install = `npm install evenkeel in ${dirname(resolve(path))}`;
    return `; ${install}, or write export default { ... } without the import`;
  }
  // Of TypeScript it checks what is left without the types, or takes it for JavaScript.
  const isScript = /\.[cm]?js$/i.test(path);
  return error instanceof SyntaxError && isScript ? `; node --check ${path} shows the place` : '';
}

let imports = 0;

/**
 * Modules are cached by what they are imported as; a reload must see what has been written since.
 * Bun looks at the query of a path, but not at that of a URL.
 */
function freshSpecifier(path: string): string {
  imports++;
  const full = resolve(path);
  return 'bun' in process.versions
    ? `${full}?import=${imports}`
    : `${pathToFileURL(full).href}?import=${imports}`;
}

/** The policy functions of a module in this thread: those of the main thread, or none. */
export async function importFunctions({ module, texts }: FunctionsView): Promise<Imported> {
  const { path, digest } = module;
  const imported = await importDefault(path);
  if ('problem' in imported) return { problem: `${path} ${imported.problem}` };
  // Looked at afterwards: what was imported is not newer than this.
  const read = readText(path, path);
  if ('problem' in read || digestOf(read.value) !== digest) {
    return { problem: `${path} has changed since it was read; reload to use what is there now` };
  }
  const functions = new Map<string, PolicyFunction>();
  for (const [pool, text] of texts) {
    const found = policyIn(imported.value, pool);
    if (typeof found !== 'function' || String(found) !== text) {
      const what = `pool ${pool} has another policy in a worker than in the main thread`;
      return { problem: `${path}: ${what}; the module must export the same in every thread` };
    }
    functions.set(pool, found as PolicyFunction);
  }
  return { functions };
}

/** Of a pool in either form. */
function policyIn(config: unknown, pool: string): unknown {
  const { pools, policy } = (config ?? {}) as {
    readonly pools?: Readonly<Record<string, { readonly policy?: unknown }>>;
    readonly policy?: unknown;
  };
  return pools === undefined ? policy : pools[pool]?.policy;
}
