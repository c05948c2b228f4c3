/**
 * zod's issues in our words. Most fields bring their own words; here are those for what can happen
 * to any of them: missing, empty, of the wrong kind, unknown.
 */
import * as z from 'zod';
import type { $ZodIssue, $ZodRawIssue, $ZodType } from 'zod/v4/core';
import { didYouMean, nearestOf, type Path, type Report, show } from './diagnostics.ts';
import { configSchema } from './schema.ts';

/** What each key is called in other balancers' configurations. */
const SYNONYMS: Readonly<Record<string, string>> = {
  servers: 'backends',
  upstream: 'backends',
  upstreams: 'backends',
  targets: 'backends',
  algorithm: 'policy',
  strategy: 'policy',
  lb_policy: 'policy',
  listen: 'port',
  bind: 'address',
  hostname: 'host',
  prefix: 'path',
  health: 'health_check',
  uri: 'url',
  rise: 'healthy_threshold',
  fall: 'unhealthy_threshold',
};

/** Checks every single value, reports what is wrong, and gives the outcome; null: not usable. */
export function checkValues(value: unknown, report: Report): z.output<typeof configSchema> | null {
  const result = configSchema.safeParse(value, { error: phrase });
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, [], value, report);
  return null;
}

function reportIssue(issue: $ZodIssue, above: Path, root: unknown, report: Report): void {
  const path = [...above, ...issue.path.map(toStep)];
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) report.add([...path, key], unknownKey(path, key, root), 'key');
      return;
    case 'invalid_union': {
      // The branch that is of the value's kind tells more than "fits none".
      const branch = issue.errors.find((issues) => issues.every((inner) => !isWrongKind(inner)));
      if (branch === undefined) report.add(path, withExample(issue.message, valueAt(root, path)));
      else for (const inner of branch) reportIssue(inner, path, root, report);
      return;
    }
    case 'invalid_key':
      report.add(path, issue.issues[0]?.message ?? issue.message, 'key');
      return;
    case 'invalid_type':
      report.add(path, withExample(issue.message, valueAt(root, path)));
      return;
    default:
      report.add(path, issue.message);
  }
}

const toStep = (step: PropertyKey): string | number =>
  typeof step === 'symbol' ? String(step) : step;

const isWrongKind = (issue: $ZodIssue): boolean =>
  issue.path.length === 0 &&
  (issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    (issue.code === 'invalid_union' && issue.errors.every((inner) => inner.some(isWrongKind))));

/** A lone value where a list belongs only wants brackets. */
function withExample(message: string, value: unknown): string {
  const isAlone = typeof value === 'string' || typeof value === 'number';
  const wantsList = message.startsWith('expected a list') && !message.includes(';');
  return wantsList && isAlone ? `${message}; write [${value}]` : message;
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
  if (input === undefined) return 'missing; add it';
  if (input === null) return 'has no value; write one, or remove the key';
  if (issue.code !== 'invalid_type') return undefined;
  const kind = KINDS[issue.expected] ?? issue.expected;
  return `expected ${kind}, found ${show(input)}${remedyFor(issue.expected, input)}`;
}

function remedyFor(expected: string, input: unknown): string {
  if (expected === 'string' && typeof input !== 'object') return `; write "${input}"`;
  if (typeof input !== 'string') return '';
  const isNumber = expected === 'number' || expected === 'int';
  if (isNumber && /^\d+$/.test(input)) return `; write ${input} without quotes`;
  if (expected !== 'boolean') return '';
  if (/^(yes|on|true|y|enabled?)$/i.test(input)) return '; write true';
  return /^(no|off|false|n|disabled?)$/i.test(input) ? '; write false' : '';
}

/** What an unknown key was probably meant to be, or where it belongs. */
function unknownKey(path: Path, key: string, root: unknown): string {
  const given = Object.keys((valueAt(root, path) as object | null) ?? {});
  const known = shapesAt(configSchema, path).flatMap((shape) => Object.keys(shape));
  const synonym = SYNONYMS[key.toLowerCase()];
  if (synonym !== undefined && known.includes(synonym)) {
    return `unknown key; did you mean ${show(synonym)}?`;
  }
  const free = known.filter((name) => !given.includes(name));
  const near = didYouMean(key, free);
  if (near !== '') return `unknown key${near}`;
  const homes = [...new Set(homesOf(key, configSchema, []))];
  if (homes.length > 0) return `unknown key here; it belongs in ${homes.slice(0, 2).join(' or ')}`;
  const taken = nearestOf(key, known);
  if (taken !== null) return `unknown key; ${show(taken)} is there already, so remove this one`;
  return `unknown key; remove it, or write one of ${free.filter((k) => k !== '$schema').join(', ')}`;
}

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
