/** Markdown tables for a terminal. */

/** A line of a table. */
export const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** With columns that stand below one another. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((cells) => cells[i].length)),
  );
  const pad = (cells: readonly string[]): string =>
    line(cells.map((cell, i) => cell.padEnd(widths[i])));
  return [pad(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(pad)].join('\n');
}
