/** The figures for a person: a table a scenario. */
import { type FigureName, figureNames, tellings } from '../figures.ts';
import type { Report } from './document.ts';
import { type Result, type Yardstick, yardsticks } from './results.ts';

type Scenario = Report['scenarios'][number];

interface Column {
  readonly heading: string;
  cell(result: Result): string;
}

const titles: Readonly<Record<Yardstick, string>> = { nginx: 'nginx', haproxy: 'HAProxy' };

/** One scenario's results, with the columns of which somebody has a figure. */
export function table(report: Report, scenario: Scenario): string {
  const rows = report.contestants.flatMap(({ id }) =>
    report.results.filter((each) => each.scenario === scenario.id && each.contestant === id),
  );
  const columns = columnsOf(report, scenario, rows);
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const headings = columns.map(({ heading }) => heading);
  const widths = headings.map((heading, n) =>
    Math.max(heading.length, ...cells.map((row) => row[n]!.length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ');
  return [`${scenario.id}: ${scenario.name}`, line(headings), ...cells.map(line), ''].join('\n');
}

function columnsOf(report: Report, scenario: Scenario, rows: readonly Result[]): Column[] {
  const name = ({ contestant }: Result): string =>
    report.contestants.find(({ id }) => id === contestant)?.name ?? contestant;
  const isThere = (figure: FigureName): boolean =>
    rows.some(({ figures }) => figures[figure] !== undefined);
  const [main] = scenario.compares;
  return [
    { heading: '', cell: name },
    ...figureNames
      .filter(isThere)
      .flatMap((figure) => [
        figureColumn(figure),
        ...(figure === main ? [spreadColumn(main)] : []),
      ]),
    ...scenario.compares.flatMap((figure) =>
      yardsticks.map((yardstick) => ratioColumn(figure, yardstick, scenario.compares.length > 1)),
    ),
    { heading: 'errors', cell: ({ errors }) => String(errors) },
  ];
}

const told = (figure: FigureName, value: number): string => {
  const { unit, digits } = tellings[figure];
  return (value / unit).toFixed(digits);
};

const figureColumn = (figure: FigureName): Column => ({
  heading: tellings[figure].heading,
  cell: ({ figures }) => {
    const found = figures[figure];
    return found === undefined ? '-' : told(figure, found.median);
  },
});

const spreadColumn = (figure: FigureName): Column => ({
  heading: 'spread',
  cell: ({ figures }) => {
    const found = figures[figure];
    return found === undefined ? '-' : `${told(figure, found.least)}-${told(figure, found.most)}`;
  },
});

/** "x nginx", or "p99 x nginx" where several figures are compared. */
const ratioColumn = (figure: FigureName, yardstick: Yardstick, isNamed: boolean): Column => ({
  heading: `${isNamed ? `${tellings[figure].heading.split(' ')[0]} ` : ''}x ${titles[yardstick]}`,
  cell: ({ ratios }) => ratios[yardstick]?.[figure]?.median.toFixed(2) ?? '-',
});
