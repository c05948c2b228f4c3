/** Outcomes as Markdown: a table a sheet, to be read in a terminal and pasted into a page. */
import { spread } from '../statistics.ts';
import type { Contestant } from './contestant.ts';
import type { Outcome } from './run.ts';
import type { Sheet, Trouble } from './trouble.ts';

/** What came of one contestant in one trouble, round by round. */
export interface Row {
  readonly trouble: Pick<Trouble, 'id' | 'title'>;
  readonly contestant: Pick<Contestant, 'id' | 'name' | 'sheet'>;
  readonly outcomes: readonly Outcome[];
}

type Cell = (row: Row) => string;

const median = (row: Row, of: (outcome: Outcome) => number): number =>
  spread(row.outcomes.map(of)).median;
const ms = (microseconds: number): string => (microseconds / 1000).toFixed(1);
const percent = (part: number, digits: number): string => `${(100 * part).toFixed(digits)} %`;
const shareOf = (part: number, { requests, errors }: Outcome): number => part / (requests + errors);

const both =
  (lower: keyof Outcome, upper: keyof Outcome): Cell =>
  (row) =>
    `${ms(median(row, (each) => each[lower]))} / ${ms(median(row, (each) => each[upper]))}`;
const errors: Cell = (row) =>
  percent(
    median(row, (each) => shareOf(each.errors, each)),
    2,
  );

/** p50 / p99 of all, and errors where there are any. */
const latency: Cell = (row) => {
  const share = median(row, (each) => shareOf(each.errors, each));
  return `${both('p50', 'p99')(row)}${share === 0 ? '' : `, ${percent(share, 2)}`}`;
};

const columns: Readonly<Record<Exclude<Sheet, 'latency'>, readonly (readonly [string, Cell])[]>> = {
  overload: [
    [
      'goodput',
      (row) =>
        percent(
          median(row, ({ goodput }) => goodput),
          1,
        ),
    ],
    ['answers after ms, p50 / p99', both('servedP50', 'servedP99')],
    [
      'refused',
      (row) =>
        percent(
          median(row, (each) => shareOf(each.refused, each)),
          1,
        ),
    ],
    [
      'refusals after ms, p50 / p99',
      (row) =>
        median(row, (each) => each.refused) === 0 ? '-' : both('refusedP50', 'refusedP99')(row),
    ],
  ],
  storm: [
    ['errors', errors],
    ['tries for each', (row) => median(row, ({ amplification }) => amplification).toFixed(3)],
    ['answers after ms, p50 / p99', both('p50', 'p99')],
  ],
};

const titles: Readonly<Record<Sheet, string>> = {
  latency: 'Time to the answer, ms, p50 / p99, and errors where there are any:',
  overload: 'Twice what the servers can do. Goodput: good answers, of what they can give at most:',
  storm: 'All servers reset the connection of every request:',
};

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** All sheets of which there is something. */
export function tables(rows: readonly Row[]): string {
  const sheets = Object.keys(titles) as Sheet[];
  return sheets
    .filter((sheet) => rows.some(({ contestant }) => contestant.sheet === sheet))
    .map((sheet) => {
      const own = rows.filter(({ contestant }) => contestant.sheet === sheet);
      const lines = sheet === 'latency' ? matrix(own) : list(own, columns[sheet]);
      return `${titles[sheet]}\n\n${lines}\n`;
    })
    .join('\n');
}

const ruled = (head: readonly string[], body: readonly string[]): string =>
  [line(['', ...head]), `|${'---|'.repeat(head.length + 1)}`, ...body].join('\n');

/** A contestant a line, a trouble a column. */
function matrix(rows: readonly Row[]): string {
  const ids = [...new Set(rows.map(({ trouble }) => trouble.id))];
  const names = [...new Set(rows.map(({ contestant }) => contestant.name))];
  const head = ids.map((id) => rows.find(({ trouble }) => trouble.id === id)!.trouble.title);
  const body = names.map((name) => {
    const cells = ids.map((id) => {
      const row = rows.find((each) => each.trouble.id === id && each.contestant.name === name);
      return row === undefined ? '-' : latency(row);
    });
    return line([name, ...cells]);
  });
  return ruled(head, body);
}

/** A contestant a line, a figure a column. */
function list(rows: readonly Row[], figures: readonly (readonly [string, Cell])[]): string {
  const body = rows.map((row) =>
    line([row.contestant.name, ...figures.map(([, cell]) => cell(row))]),
  );
  return ruled(
    figures.map(([title]) => title),
    body,
  );
}

/** One line that says how it went, for those who wait. */
export function summary(row: Row): string {
  const cells =
    row.contestant.sheet === 'latency'
      ? [latency(row)]
      : columns[row.contestant.sheet].map(([title, cell]) => `${title}: ${cell(row)}`);
  return `${row.trouble.id.padEnd(12)}${row.contestant.name.padEnd(44)}${cells.join('; ')}`;
}
