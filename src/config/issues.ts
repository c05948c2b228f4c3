/**
 * zod's issues in our words. Most fields bring their own words; here are those for what can happen
 * to any of them: missing, empty, of the wrong kind, unknown.
 */
import * as z from 'zod';
import type { $ZodIssue, $ZodRawIssue, $ZodType } from 'zod/v4/core';
import { type Path, type Report, show } from './diagnostics.ts';
import { isMisspelt, meantKey } from './keys.ts';
import { configSchema } from './schema.ts';

/**
 * Checks every single value, reports what is wrong, and gives the outcome; null: not usable. Of a
 * configuration, unless `schema` is that of another file.
 */
export function checkValues<S extends z.ZodObject = typeof configSchema>(
  value: unknown,
  report: Report,
  schema: S = configSchema as unknown as S,
): z.output<S> | null {
  refusePrototypes(value, [], new Set(), report);
  const result = schema.safeParse(value, { error: phrase });
  if (result.success) return result.data;
  const file: Checked = { root: value, report, schema };
  for (const issue of result.error.issues) reportIssue(issue, [], file);
  return null;
}

/** zod leaves such a key out where any key may stand, and says nothing. `seen`: no circles. */
function refusePrototypes(value: unknown, path: Path, seen: Set<object>, report: Report): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const [key, below] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === '__proto__') report.add(at, NO_KEY, 'key');
    refusePrototypes(below, at, seen, report);
  }
}

const NO_KEY = '"__proto__" cannot be a key; write another, or remove it';

interface Checked {
  readonly root: unknown;
  readonly report: Report;
  readonly schema: z.ZodObject;
}

function reportIssue(issue: $ZodIssue, above: Path, file: Checked): void {
  const { root, report } = file;
  const path = [...above, ...issue.path.map(toStep)];
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) report.add([...path, key], unknownKey(path, key, file), 'key');
      return;
    case 'invalid_union': {
      // The branch that is of the value's kind tells more than "fits none".
      const branch = issue.errors.find((issues) => issues.every((inner) => !isWrongKind(inner)));
      if (branch === undefined) {
        const value = valueAt(root, path);
        const isItem = typeof path.at(-1) === 'number' && value === null;
        report.add(path, isItem ? NO_ITEM : withExample(issue.message, value));
      } else for (const inner of branch) reportIssue(inner, path, file);
      return;
    }
    case 'invalid_key':
      report.add(path, issue.issues[0]?.message ?? issue.message, 'key');
      return;
    case 'invalid_type': {
      const value = valueAt(root, path);
      // The misspelt key has been reported; that the right one is missing goes without saying.
      if (value === undefined && misspeltAt(path, file)) return;
      const isItem = typeof path.at(-1) === 'number' && value === null;
      report.add(path, isItem ? NO_ITEM : withExample(issue.message, value));
      return;
    }
    default:
      report.add(path, issue.message);
  }
}

const NO_ITEM = 'is empty; write something after the "-", or remove it';

function misspeltAt(path: Path, { root, schema }: Checked): boolean {
  const above = path.slice(0, -1);
  const given = Object.keys((valueAt(root, above) as object | null) ?? {});
  return isMisspelt(String(path.at(-1)), given, knownAt(above, schema));
}

const toStep = (step: PropertyKey): string | number =>
  typeof step === 'symbol' ? String(step) : step;

const isWrongKind = (issue: $ZodIssue): boolean =>
  issue.path.length === 0 &&
  (issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    (issue.code === 'invalid_union' && issue.errors.every((inner) => inner.some(isWrongKind))));

/** A lone value where a list belongs only wants brackets, a mapping wants dashes. */
function withExample(message: string, value: unknown): string {
  const wantsList = message.startsWith('expected a list') && !message.includes(';');
  if (!wantsList || value === null) return message;
  if (typeof value === 'object') return `${message}; begin each item with "- " instead of a key`;
  return typeof value === 'boolean' ? message : `${message}; write [${value}]`;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Record<string | number, unknown> | null | undefined)?.[step],
    root,
  );
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** Words for an issue whose field has none of its own. */
function phrase(issue: $ZodRawIssue): string | undefined {
  const { input } = issue;
  if (issue.code === 'unrecognized_keys') return undefined;
  const { title, examples } = z.globalRegistry.get(issue.inst as $ZodType) ?? {};
  const [example] = (examples ?? []) as readonly unknown[];
  if (input === undefined) {
    return `missing; ${example === undefined ? 'add it' : `write one, such as ${example}`}`;
  }
  if (input === null) return NO_VALUE;
  if (issue.code !== 'invalid_type') return undefined;
  const isScalar = !/^(array|object|record)$/.test(issue.expected);
  const kind = isScalar && title !== undefined ? withArticle(title) : KINDS[issue.expected];
  const such = isScalar && example !== undefined ? ` such as ${example}` : '';
  const remedy = remedyFor(issue, title);
  return `expected ${kind}${remedy === '' ? such : ''}, found ${show(input)}${remedy}`;
}

const NO_VALUE = 'has no value; write one, or remove the key';

function withArticle(title: string): string {
  if (title === 'text') return title;
  if (title === 'switch') return KINDS.boolean;
  return `${/^([aeio]|IP)/.test(title) ? 'an' : 'a'} ${title}`;
}

function remedyFor(issue: $ZodRawIssue & { code: 'invalid_type' }, title?: string): string {
  const { input, expected } = issue;
  if (expected === 'string') {
    const isWord = title === 'name' || title === 'text' || title === 'name of a pool';
    return isWord && typeof input !== 'object' ? `; write "${input}"` : '';
  }
  if (expected === 'object') {
    const [first, second] = Object.keys((issue.inst as unknown as z.ZodObject).shape);
    return `; write its keys below it, such as ${first} or ${second}`;
  }
  if (expected === 'record') return '; write lines of KEY: VALUE below it';
  if (expected === 'int' || expected === 'number') return numberRemedy(input, issue.inst);
  if (expected !== 'boolean' || typeof input !== 'string') return '';
  if (/^(yes|on|true|y|enabled?)$/i.test(input)) return '; write true';
  return /^(no|off|false|n|disabled?)$/i.test(input) ? '; write false' : '';
}

const HIGHEST_PORT = 65_535;

function numberRemedy(input: unknown, schema: unknown): string {
  const { minValue, maxValue } = schema as z.ZodNumber;
  const written = typeof input === 'string' ? input : '';
  const [, address, digits] = /^(?:(.*):)?(\d+)$/.exec(written) ?? [];
  if (digits !== undefined) {
    if (address === undefined) return `; write ${digits} without quotes`;
    if (address === '') return `; write ${digits}`;
    if (maxValue === HIGHEST_PORT) return `; write port: ${digits} and address: ${address}`;
  }
  return `; write one from ${minValue} to ${maxValue}`;
}

/** What an unknown key was probably meant to be, or where it belongs. */
function unknownKey(path: Path, key: string, { root, schema }: Checked): string {
  const given = Object.keys((valueAt(root, path) as object | null) ?? {});
  const known = knownAt(path, schema);
  if (known.includes('url') && /^(port|host|address|scheme|path)$/.test(key)) {
    return 'unknown key; it is part of the URL: http://HOST:PORT/PATH';
  }
  const meant = meantKey(key, known);
  if (meant !== null && given.includes(meant)) {
    return `unknown key; ${show(meant)} is there already, so remove this one`;
  }
  if (meant !== null) return `unknown key; did you mean ${show(meant)}?`;
  const homes = [...new Set(homesOf(key, schema, []))];
  if (homes.length > 0) return `unknown key here; it belongs in ${homes.slice(0, 2).join(' or ')}`;
  const free = known.filter((name) => !given.includes(name) && name !== '$schema');
  return `unknown key; remove it${free.length === 0 ? '' : `, or write one of ${free.join(', ')}`}`;
}

/** The keys that may stand in the mapping at `path`, of a configuration unless told otherwise. */
export const knownAt = (path: Path, schema: z.ZodObject = configSchema): readonly string[] =>
  shapesAt(schema, path).flatMap((shape) => Object.keys(shape));

type Shape = Readonly<Record<string, $ZodType>>;

/** The schemas below one, without wrappers such as defaults: of lists, unions, optional things. */
function inside(schema: $ZodType): $ZodType[] {
  const { def } = (schema as z.ZodType)._zod as unknown as { def: Record<string, unknown> };
  switch (def.type) {
    case 'union':
      return (def.options as $ZodType[]).flatMap(inside);
    case 'pipe':
      return inside(def.in as $ZodType);
    case 'optional':
    case 'prefault':
      return inside(def.innerType as $ZodType);
    default:
      return [schema];
  }
}

/** What the objects may hold that can stand at this path. */
function shapesAt(schema: $ZodType, path: Path): Shape[] {
  const [step, ...rest] = path;
  return inside(schema).flatMap((found) => {
    if (found instanceof z.ZodObject) {
      if (step === undefined) return [found.shape as Shape];
      const next = (found.shape as Shape)[step];
      return next === undefined ? [] : shapesAt(next, rest);
    }
    if (step === undefined) return [];
    if (found instanceof z.ZodArray) return shapesAt(found.element, rest);
    return found instanceof z.ZodRecord ? shapesAt(found.valueType, rest) : [];
  });
}

/** Where in the configuration a key is known: `health_check`, `backends[]`. */
function homesOf(key: string, schema: $ZodType, path: Path): string[] {
  return inside(schema).flatMap((found) => {
    if (found instanceof z.ZodArray) return homesOf(key, found.element, [...path, '[]']);
    if (found instanceof z.ZodRecord) return homesOf(key, found.valueType, [...path, 'NAME']);
    if (!(found instanceof z.ZodObject)) return [];
    const shape = found.shape as Shape;
    const here = Object.hasOwn(shape, key) && path.length < 4 ? [homeName(path)] : [];
    return [
      ...here,
      ...Object.entries(shape).flatMap(([name, next]) => homesOf(key, next, [...path, name])),
    ];
  });
}

function homeName(path: Path): string {
  if (path.length === 0) return 'the top level';
  const name = path.filter((step) => step !== '[]').join('.');
  return path.at(-1) === '[]' ? `each of the ${name}` : name;
}
