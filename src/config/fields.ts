/**
 * The kinds of values that the schema is made of: text that a parser understands, whole numbers,
 * switches, choices. Each brings its own words for what is wrong with it.
 */
import * as z from 'zod';
import { didYouMean, show } from './diagnostics.ts';
import {
  DURATION_PATTERN,
  noUnit,
  type Parsed,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from './quantities.ts';

/** What to write instead of a duration of nothing. */
export const POSITIVE = 'write 1ms or more, or remove the key for the default';

/** What the schema's reader sees of a field. `title` is its kind in one or two words. */
interface About {
  readonly title: string;
  readonly description: string;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

/** Text that `parse` understands. `numberRemedy`: what to write instead of a bare number. */
export function parsed<T>(
  parse: (text: string) => Parsed<T>,
  about: About,
  numberRemedy?: (given: number) => string,
) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number' && numberRemedy !== undefined ? numberRemedy(input) : undefined,
    })
    .meta({ ...about })
    .transform((text, context): T => settle(parse(text), text, context));
}

/** Hands a parser's answer to zod. */
export function settle<T>(result: Parsed<T>, input: unknown, context: z.RefinementCtx): T {
  if ('value' in result) return result.value;
  context.issues.push({ code: 'custom', message: result.problem, input });
  return z.NEVER;
}

/** Accepts the text as it is unless `problem` finds something. */
export function text(problem: (text: string) => string | null, about: About) {
  return parsed((given): Parsed<string> => {
    const found = problem(given);
    return found === null ? { value: given } : { problem: found };
  }, about);
}

/**
 * A duration in milliseconds. `zero`: what to do instead of 0; null: 0 is fine. A number without a
 * unit is told to take that of `example`.
 */
export function duration(zero: string | null, description: string, example = '5s') {
  const unit = example.endsWith('ms') ? 'ms' : 's';
  return parsed(
    (given) => {
      const result = parseDuration(given, unit);
      if ('value' in result && result.value === 0 && zero !== null) {
        return { problem: `${show(given)} is too short; ${zero}` };
      }
      return result;
    },
    { title: 'duration', description, pattern: DURATION_PATTERN, examples: [example] },
    (given) => noUnit(given, unit),
  );
}

/** Bytes, within bounds that are given as people write them. */
export function size(least: string | number, most: string | number, description: string) {
  return z
    .union([z.number(), z.string().meta({ pattern: SIZE_PATTERN })], {
      error: expected('a size', SIZE_FORMS),
    })
    .transform((given, context): number => {
      const result = parseSize(given);
      if ('problem' in result) return settle(result, given, context);
      if (result.value < bytesOf(least)) {
        return settle({ problem: `${given} is too small; the least is ${least}` }, given, context);
      }
      if (result.value > bytesOf(most)) {
        return settle({ problem: `${given} is too large; the most is ${most}` }, given, context);
      }
      return result.value;
    })
    .meta({ title: 'size', description, examples: ['32KiB'] });
}

const SIZE_FORMS = 'a whole number of bytes, or 32KiB, 1MiB, 2GiB';

function bytesOf(written: string | number): number {
  const result = parseSize(written);
  return 'value' in result ? result.value : 0;
}

/** Bytes, 1 or more, or `unlimited`, which becomes null. */
export function sizeOrUnlimited(description: string) {
  const pattern = SIZE_PATTERN.replace('$', '$|^unlimited$');
  return z
    .union([z.number(), z.string().meta({ pattern })], {
      error: expected('a size', '10MiB, or unlimited'),
    })
    .transform((given, context): number | null => {
      if (given === 'unlimited') return null;
      const result = parseSize(given);
      if ('value' in result && result.value > 0) return result.value;
      const isNearly = 'problem' in result && /\d/.test(String(given));
      const problem = isNearly ? result.problem : `${show(given)} is no limit; ${BODY_FORMS}`;
      return settle({ problem }, given, context);
    })
    .meta({ title: 'size or unlimited', description, examples: ['10MiB'] });
}

/** A whole number from 1 to `most`, or `auto`, which becomes null. */
export function wholeOrAuto(most: number, description: string) {
  const forms = `write auto, or a whole number from 1 to ${most}`;
  return z
    .union([z.number(), z.string().meta({ pattern: '^auto$' })], {
      error: expected('a whole number', `auto, or a whole number from 1 to ${most}`),
    })
    .transform((given, context): number | null => {
      if (given === 'auto') return null;
      const isWhole = typeof given === 'number' && Number.isInteger(given);
      if (isWhole && given >= 1 && given <= most) return given;
      const what = isWhole ? 'out of range' : 'not a whole number';
      return settle({ problem: `${show(given)} is ${what}; ${forms}` }, given, context);
    })
    .meta({ title: 'whole number or auto', description, examples: [2] });
}

const BODY_FORMS = 'write 10MiB, or unlimited';

/** A whole number within bounds. `remedies`: words for numbers below, above and between. */
export function whole(
  least: number,
  most: number,
  description: string,
  remedies: { readonly below?: string; readonly above?: string; readonly fraction?: string } = {},
) {
  const range = `a whole number from ${least} to ${most}`;
  const remedy = `write ${range}`;
  const { below = remedy, above = remedy, fraction = remedy } = remedies;
  return z
    .int({
      error: ({ input }) =>
        typeof input === 'number'
          ? `${input} is not a whole number; ${Number.isFinite(input) ? fraction : remedy}`
          : undefined,
    })
    .min(least, { error: ({ input }) => `${input} is out of range; ${below}` })
    .max(most, { error: ({ input }) => `${input} is out of range; ${above}` })
    .meta({ title: 'whole number', description });
}

/** A number within bounds, such as a share. */
export function decimal(
  least: number,
  most: number,
  description: string,
  examples: readonly number[],
) {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `${input} is out of range; write a number from ${least} to ${most}`;
  return z
    .number()
    .min(least, { error })
    .max(most, { error })
    .meta({ title: 'number', description, examples });
}

/** One of a few words. `notYet`: words that people may expect, and what is said to them. */
export function choice<const T extends readonly string[]>(
  words: T,
  description: string,
  notYet: Readonly<Record<string, string>> = {},
) {
  return z
    .enum(words, {
      error: ({ input }) => {
        if (input === undefined || input === null) return undefined;
        const last = words.at(-1);
        const known =
          words.length === 1
            ? `${last}, the only one`
            : `${words.slice(0, -1).join(', ')} or ${last}`;
        if (typeof input !== 'string')
          return `expected a word, found ${show(input)}; write ${known}`;
        if (Object.hasOwn(notYet, input)) return notYet[input];
        const near = didYouMean(input, words);
        return `${show(input)} is not known here${near === '' ? `; write ${known}` : near}`;
      },
    })
    .meta({ title: 'word', description });
}

/** true or false. */
export const flag = (description: string) => z.boolean().meta({ title: 'switch', description });

/** Words for a value of the wrong kind, for schemas of lists and mappings. */
export const expected =
  (what: string, remedy = '', missing?: string) =>
  ({ input }: { input?: unknown }): string | undefined => {
    if (input === undefined) return missing;
    if (input === null) {
      return missing === undefined ? undefined : missing.replace('missing', 'has no value');
    }
    return `expected ${what}, found ${show(input)}${remedy === '' ? '' : `; write ${remedy}`}`;
  };
