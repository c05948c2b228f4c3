/** What this program is, what runs it, and how it was called. */
import { readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest package.json above this file: one folder higher in the build than in the source. */
function packageVersion(): string {
  for (const up of ['../../', '../../../']) {
    try {
      const file = new URL(`${up}package.json`, import.meta.url);
      const { name, version } = JSON.parse(readFileSync(file, 'utf8'));
      if (name === 'evenkeel') return version;
    } catch {
      // Not there.
    }
  }
  return 'unknown';
}

export const version = packageVersion();

/** `Node 20.20.2`, `Bun 1.4.5`. */
export const runtime =
  process.versions.bun === undefined
    ? `Node ${process.versions.node}`
    : `Bun ${process.versions.bun}`;

/** The file that starts this command line, in the build and in the source alike. */
export const entryFile = fileURLToPath(
  new URL(`./main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/** What to type to run this program again, as it was typed this time. */
export function ownCommand(
  entry = process.argv[1] ?? entryFile,
  executable = process.execPath,
  folder = process.cwd(),
): string {
  if (basename(entry) === 'evenkeel') return 'evenkeel';
  const inside = relative(folder, entry);
  const shown = inside.startsWith('..') ? entry : inside;
  return `${basename(executable)} ${/[^\w./@-]/.test(shown) ? JSON.stringify(shown) : shown}`;
}
