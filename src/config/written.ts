/** The configuration as it was written, unchecked, for those who look at several values at once. */
import type * as z from 'zod';
import type { Path } from './diagnostics.ts';
import type { Parsed } from './quantities.ts';

/** Keys and what was written after them. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Null for anything else. */
export const asMapping = (value: unknown): Mapping | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : null;

/** Empty for anything else. */
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a parser makes of a text; null for anything else: somebody else complains. */
export function understood<T>(parse: (text: string) => Parsed<T>, value: unknown): T | null {
  if (typeof value !== 'string') return null;
  const result = parse(value);
  return 'value' in result ? result.value : null;
}

/** What a schema makes of a value; null for what is wrong in itself. */
export function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> | null {
  const result = schema.safeParse(value);
  return result.success ? result.data : null;
}

/** A pool, and where it stands; the short form is its only pool itself. */
export interface PoolAt {
  readonly name: string;
  readonly path: Path;
  readonly value: Mapping;
}
