/** Programs of others that tests talk to. One that is not installed is skipped, and seen to be. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of these programs that is installed: its path, or null. */
export function findPeer(...names: readonly string[]): string | null {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return null;
}

/** A title that says why its tests are skipped, when they are. */
export const peerTitle = (title: string, found: unknown): string =>
  found === null || found === false ? `${title} (skipped: not installed)` : title;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
