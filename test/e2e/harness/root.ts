/** Where the repository is: the suites run from their sources, and built, from within `dist`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function above(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : above(dirname(folder));
}

/** The folder that holds package.json. */
export const root = above(dirname(fileURLToPath(import.meta.url)));
