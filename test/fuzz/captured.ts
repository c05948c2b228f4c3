/** Streams that real clients sent; `captured/README.md` says how they came here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unreadable } from './reading.ts';

export interface Captured {
  /** The client, and what it was asked for. */
  readonly name: string;
  /** latin1 */
  readonly text: string;
}

/** Every stream in `folder`, by name. */
export function loadCaptured(folder: string): Captured[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => ({
      name: file.replace(/\.txt$/, ''),
      text: unreadable(readFileSync(join(folder, file), 'utf8')),
    }));
}
