/**
 * A report as a picture (SVG): a panel a scenario, a bar a contestant. Bars are ratios to nginx of
 * the same rounds, so that pictures of different machines can be compared; only the memory of an
 * idle connection is shown as it is.
 */
import type { FigureName } from '../figures.ts';
import type { Report } from './document.ts';
import type { Result } from './results.ts';

type Scenario = Report['scenarios'][number];

const WIDTH = 1200;
const MARGIN = 24;
const COLUMNS = 3;
const GAP = 20;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS;
const HEADER = 76;
const FOOTER = 34;
/** Inside a panel: its title, a row for each contestant, and where the parts of a row begin. */
const PANEL_TITLE = 46;
const ROW = 19;
const BAR_HEIGHT = 12;
const BAR_LEFT = 164;
const BAR_WIDTH = 100;
const RATIO_RIGHT = 306;
/** Longer bars are cut there; their number says how long they are. */
const MOST_RATIO = 3;
const MOST_KIBIBYTES = 24;

const SUBTITLE =
  `Ratio to nginx (dotted line), in one run on one machine; shorter is better. Bars above ` +
  `${MOST_RATIO}x, or ${MOST_KIBIBYTES} KiB, are cut`;

const INK = '#0f172a';
const SOFT = '#64748b';
const EVENKEEL = ['#0f766e', '#0d9488', '#14b8a6', '#5eead4', '#99f6e4'];
const YARDSTICK = '#475569';
const OTHERS = '#cbd5e1';
const DOTTED = `stroke="${YARDSTICK}" stroke-dasharray="2 3"`;

/** What is compared, in the words of a heading. */
const questions: Partial<Record<FigureName, string>> = {
  cpuMicrosecondsPerRequest: 'CPU time per request',
  p99Microseconds: 'p99 latency',
  p999Microseconds: 'p99.9 latency',
  idleBytesPerConnection: 'memory per connection',
};

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);

function text(x: number, y: number, content: string, style: string): string {
  return `<text x="${x}" y="${y}" ${style}>${escaped(content)}</text>`;
}

const size = (pixels: number, colour: string, more = ''): string =>
  `font-size="${pixels}" fill="${colour}"${more}`;

const END = ' text-anchor="end"';
const BOLD = ' font-weight="600"';

/** The picture of those scenarios of the report, in that order. Throws without nginx in it. */
export function picture(report: Report, scenarios: readonly Scenario[]): string {
  if (!report.contestants.some(({ id }) => id === 'nginx')) {
    throw new Error('nginx took no part in this run, and ratios are to nginx');
  }
  const rows = Math.ceil(scenarios.length / COLUMNS);
  const panelHeight = PANEL_TITLE + report.contestants.length * ROW + 12;
  const height = HEADER + rows * (panelHeight + GAP) - GAP + FOOTER;
  const panels = scenarios.map((scenario, n) => {
    const x = MARGIN + (n % COLUMNS) * (PANEL_WIDTH + GAP);
    const y = HEADER + Math.floor(n / COLUMNS) * (panelHeight + GAP);
    const inside = panel(report, scenario, panelHeight);
    return `<g transform="translate(${x} ${y})">\n${inside}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"`,
    '  font-family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif">',
    '<title>Evenkeel and its peers: ratios to nginx</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#f8fafc"/>`,
    text(MARGIN, 36, 'Evenkeel beside its peers', size(22, INK, BOLD)),
    text(MARGIN, 58, SUBTITLE, size(13, SOFT)),
    ...panels,
    text(MARGIN, height - 13, circumstances(report), size(11, SOFT)),
    '</svg>',
    '',
  ].join('\n');
}

function panel(report: Report, scenario: Scenario, height: number): string {
  const figure = scenario.compares[0]!;
  const isAbsolute = figure === 'idleBytesPerConnection';
  const most = isAbsolute ? MOST_KIBIBYTES : MOST_RATIO;
  const one = BAR_LEFT + BAR_WIDTH / most;
  const bottom = height - 10;
  return [
    `<rect width="${PANEL_WIDTH}" height="${height}" rx="8" fill="#ffffff" stroke="#e2e8f0"/>`,
    text(14, 22, scenario.name, size(13, INK, BOLD)),
    text(14, 37, questions[figure] ?? figure, size(10.5, SOFT)),
    ...report.contestants.map(({ id }, n) => {
      const result = report.results.find(
        (each) => each.scenario === scenario.id && each.contestant === id,
      );
      return row(report, id, result, figure, PANEL_TITLE + n * ROW, most);
    }),
    isAbsolute ? '' : `<path d="M${one} ${PANEL_TITLE - 2}V${bottom}" ${DOTTED}/>`,
  ].join('\n');
}

function row(
  report: Report,
  id: string,
  result: Result | undefined,
  figure: FigureName,
  y: number,
  most: number,
): string {
  const isNginx = id === 'nginx';
  const weight = id.startsWith('evenkeel') || isNginx ? BOLD : '';
  const label = text(BAR_LEFT - 8, y + 10.5, labelOf(report, id), size(10.5, INK, END + weight));
  const value = result?.figures[figure]?.median;
  const ratio = result?.ratios.nginx?.[figure]?.median;
  const length = figure === 'idleBytesPerConnection' ? value && value / 1024 : ratio;
  if (value === undefined || length === undefined) {
    return label + text(BAR_LEFT + 4, y + 10.5, '-', size(10.5, SOFT));
  }
  const width = Math.max(1, (Math.min(length, most) / most) * BAR_WIDTH);
  const shape = `x="${BAR_LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}"`;
  const ratioText = ratio === undefined ? '' : `${significant(ratio)}x`;
  return [
    label,
    `<rect ${shape} rx="2" fill="${colourOf(report, id)}"/>`,
    length > most ? cut(y) : '',
    text(RATIO_RIGHT, y + 10.5, ratioText, size(10.5, INK, END + weight)),
    text(PANEL_WIDTH - 12, y + 10.5, told(figure, value), size(10.5, SOFT, END)),
  ].join('');
}

/** Three digits, but no more than two behind the point. */
const significant = (value: number): string =>
  value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

function told(figure: FigureName, value: number): string {
  if (figure === 'idleBytesPerConnection') return `${significant(value / 1024)} KiB`;
  if (value < 1000) return `${value.toFixed(value < 100 ? 1 : 0)} \u00b5s`;
  return value < 1e6 ? `${significant(value / 1e3)} ms` : `${significant(value / 1e6)} s`;
}

/** A bar that goes on: two white strokes near its end. */
const cut = (y: number): string => {
  const stroke = (x: number): string => `M${x} ${y + BAR_HEIGHT + 1}l4 -${BAR_HEIGHT + 2}`;
  const at = BAR_LEFT + BAR_WIDTH - 14;
  return `<path d="${stroke(at)}${stroke(at + 5)}" stroke="#ffffff" stroke-width="2"/>`;
};

/** Without the runtime where that is not the point, and without its minor version. */
function labelOf(report: Report, id: string): string {
  const { name } = report.contestants.find((each) => each.id === id)!;
  if (!id.startsWith('evenkeel')) return name.split(', ')[0]!;
  return name.replace(/Node (\d+)[.\d]*/, 'Node $1');
}

function colourOf(report: Report, id: string): string {
  if (id === 'nginx') return YARDSTICK;
  const own = report.contestants.filter((each) => each.id.startsWith('evenkeel'));
  const place = own.findIndex((each) => each.id === id);
  return place < 0 ? OTHERS : EVENKEEL[place % EVENKEEL.length]!;
}

function circumstances({ machine, takenAt, commit, settings }: Report): string {
  const { processor } = machine as { processor: string };
  const { rounds, seconds } = settings;
  return (
    `${processor}, balancer pinned to one core; median of ${rounds} alternating rounds of ` +
    `${seconds} s; ${takenAt.slice(0, 10)}, commit ${commit.slice(0, 8)}. npm run bench`
  );
}
