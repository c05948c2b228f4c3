/** Mutants that were not killed, and why that is so. Found by their text, as lines move. */
import type { Mutant } from './operators.ts';

export interface Argument {
  /** It does the same as the original for whoever uses it: no test could tell them apart. */
  readonly same: boolean;
  readonly why: string;
}

interface Survivor extends Argument {
  /** In `src/core`. */
  readonly file: string;
  /** A part of the line in which the mutant begins. */
  readonly at: string;
  readonly from: string;
  readonly to: string;
}

const survivors: readonly Survivor[] = [];

/** `text`: the line in which it begins. Null: there is none yet. */
export function argumentFor({ file, from, to }: Mutant, text: string): Argument | null {
  const found = survivors.find((each) => {
    const isThere = file === `src/core/${each.file}` && text.includes(each.at);
    return isThere && each.from === from && each.to === to;
  });
  return found ?? null;
}
