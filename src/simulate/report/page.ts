/** The outcome of a simulation as one page of HTML that needs nothing else: no network, no file. */
import type { PhaseResult, RunResult } from '../measure.ts';
import { COLUMNS, headLines, type Outcome, phaseTitles, shownBackends } from '../summary.ts';
import { spellEvent, spellTime } from '../words.ts';
import { type Chart, chartHtml, colourClass, escaped, type Line, type TimeFrame } from './chart.ts';
import { SCRIPT, STYLE } from './style.ts';

/** Lines in a chart of backends. */
const MOST_BACKENDS = 8;
/** Events with a mark in the charts. */
const MOST_MARKS = 24;

/** `file`: of the configuration. The same outcome gives the same bytes. */
export function reportHtml(outcome: Outcome, file: string): string {
  const { scenario, results } = outcome;
  const title = `${results.map(({ policy }) => policy).join(', ')}: ${scenario.pool.name}`;
  const [what, ...about] = headLines(outcome, file);
  const body = [
    `<h1>Policies of pool ${escaped(scenario.pool.name)}, simulated</h1>`,
    `<p class="about">${[what, ...about].map(escaped).join('<br>')}</p>`,
    overview(outcome),
    ...tables(outcome),
    ...charts(outcome),
    ...logs(outcome),
    '<footer>A request counts at the time at which it came. Latencies are of requests that were ' +
      'answered; errors are counted apart. Made by <code>evenkeel simulate</code>.</footer>',
  ];
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">' +
    `<title>${escaped(title)}, simulated</title><style>${STYLE}</style></head><body>\n` +
    `${body.join('\n')}\n<script>${SCRIPT}</script></body></html>\n`
  );
}

// ---- tables -------------------------------------------------------------------------------------

function tables(outcome: Outcome): string[] {
  const { results } = outcome;
  const titles = phaseTitles(outcome);
  const last = titles.length - 1;
  return titles.map((title, at) =>
    tableOf(results, title, ({ phases, total }) => (at === last ? total : phases[at])),
  );
}

function tableOf(
  results: readonly RunResult[],
  title: string,
  partOf: (result: RunResult) => PhaseResult,
): string {
  const head = COLUMNS.map((column) => `<th>${escaped(column.title)}</th>`).join('');
  const rows = results.map((result, at) => {
    const cells = COLUMNS.map(({ title: name, text }) => {
      const part = partOf(result);
      const isBad = name === 'errors' && part.answered < part.requests;
      const style = isBad ? ' class="bad"' : name === 'p99' ? ' class="strong"' : '';
      return `<td${style}>${escaped(text(part))}</td>`;
    });
    const name = `<i class="${colourClass(at)}"></i>${result.policy}`;
    return `<tr><td>${name}</td>${cells.join('')}</tr>`;
  });
  return (
    `<h2>${escaped(title)}</h2><div class="scroll"><table><thead><tr><th>policy</th>${head}` +
    `</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`
  );
}

// ---- charts -------------------------------------------------------------------------------------

/** What most have come for: above everything. */
function overview(outcome: Outcome): string {
  const title = 'Latency that 99 % of the requests do not exceed (p99)';
  const lines = outcome.results.map(({ policy, p99 }, colour) => {
    return { name: policy, colour, values: p99 };
  });
  return chartHtml({ title, unit: 'latency', lines, isWide: true }, timeFrameOf(outcome));
}

function charts(outcome: Outcome): string[] {
  const frame = timeFrameOf(outcome);
  const { results } = outcome;
  const draw = (chart: Chart): string => chartHtml(chart, frame);
  const over = (
    title: string,
    unit: Chart['unit'],
    of: (result: RunResult) => readonly number[],
    isWide = false,
  ): string =>
    draw({
      title,
      unit,
      isWide,
      lines: results.map((each, colour) => ({ name: each.policy, colour, values: of(each) })),
    });
  const hasErrors = results.some(({ errorShare }) => errorShare.some((share) => share > 0));
  return [
    '<h2>Over time</h2>',
    grid([
      over('Median latency (p50)', 'latency', ({ p50 }) => p50),
      over('Requests in flight', 'count', ({ inFlight }) => inFlight),
    ]),
    hasErrors ? over('Errors, of all requests', 'share', (each) => each.errorShare, true) : '',
    `<h2>Share per backend</h2>${note(outcome)}`,
    grid(alike(results.map((each) => perBackend(outcome, each, 'share'))).map(draw)),
    '<h2>In flight per backend</h2>',
    grid(results.map((each) => draw(perBackend(outcome, each, 'count')))),
  ];
}

/** With the same axis. */
function alike(all: readonly Chart[]): Chart[] {
  const values = all.flatMap(({ lines }) => lines.flatMap((line) => line.values));
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return all.map((chart) => ({ ...chart, most }));
}

const grid = (parts: readonly string[]): string => `<div class="grid2">${parts.join('\n')}</div>`;

function note(outcome: Outcome): string {
  const { backends } = outcome.frame;
  if (backends.length <= MOST_BACKENDS) return '';
  return (
    `<p class="about">Of ${backends.length} backends those that events name, and the mean of ` +
    'the others.</p>'
  );
}

function timeFrameOf({ scenario, frame }: Outcome): TimeFrame {
  const { durationMs, startsAtMs, events } = scenario;
  const marks = frame.phaseStartsMs.slice(1, MOST_MARKS + 1).map((atMs) => {
    const words = events.filter((event) => event.atMs === atMs).map(spellEvent);
    return { atMs, text: words.join(', ') };
  });
  return { durationMs, bucketMs: frame.bucketMs, startsAtMs, marks };
}

function perBackend(outcome: Outcome, result: RunResult, unit: 'share' | 'count'): Chart {
  const { scenario, frame } = outcome;
  const series = unit === 'share' ? sharesOf(result) : result.inFlightPerBackend;
  const shown = shownBackends(scenario, frame, MOST_BACKENDS);
  const lines = shown.map((backend, colour): Line => {
    return { name: frame.backends[backend], colour, values: series[backend] };
  });
  const others = series.filter((_, backend) => !shown.includes(backend));
  if (others.length > 0) {
    const values = others[0].map(
      (_, bucket) => others.reduce((sum, each) => sum + each[bucket], 0) / others.length,
    );
    lines.push({ name: `mean of ${others.length} others`, colour: lines.length, values });
  }
  return { title: result.policy, unit, lines, isWide: false };
}

/** Of all attempts in each bucket, those on each backend. */
function sharesOf({ sentPerBackend }: RunResult): number[][] {
  const totals = sentPerBackend[0].map((_, bucket) =>
    sentPerBackend.reduce((sum, counts) => sum + counts[bucket], 0),
  );
  return sentPerBackend.map((counts) =>
    counts.map((count, bucket) => (totals[bucket] === 0 ? 0 : count / totals[bucket])),
  );
}

// ---- the log ------------------------------------------------------------------------------------

function logs({ scenario, results }: Outcome): string[] {
  const { startsAtMs } = scenario;
  const parts = results.map(({ policy, said }) => {
    if (said.length === 0) return `<p class="about">${policy}: nothing</p>`;
    const lines = said.map(({ atMs, message }) => {
      return `<li><time>${spellTime(atMs, startsAtMs)}</time>${escaped(message)}</li>`;
    });
    const count = `${said.length} line${said.length === 1 ? '' : 's'}`;
    return (
      `<details${said.length <= 12 ? ' open' : ''}><summary>${policy}: ${count}</summary>` +
      `<ol class="log">${lines.join('\n')}</ol></details>`
    );
  });
  return ['<h2>What the log says</h2>', ...parts];
}
