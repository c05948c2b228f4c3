/** What came out, as tables of text: one for each part between two events, and one of it all. */
import type { Frame, PhaseResult, RunResult } from './measure.ts';
import { capacityOf, type Scenario, serviceOf } from './scenario.ts';
import {
  spellCount,
  spellEvent,
  spellLatency,
  spellService,
  spellShare,
  spellTime,
  spellTraffic,
  threeDigits,
} from './words.ts';

/** With more backends, only those of events have a column; and the least and the most share. */
const MOST_COLUMNS = 6;
/** With more parts between events, only the whole is shown. */
const MOST_PHASES = 12;
/** Lines of the log that are shown for each policy. */
const MOST_SAID = 8;
const GAP = '  ';

export interface Outcome {
  readonly scenario: Scenario;
  readonly frame: Frame;
  readonly results: readonly RunResult[];
}

/** The text for standard output, ending with a newline. `file`: of the configuration. */
export function summaryText(outcome: Outcome, file: string): string {
  const titles = phaseTitles(outcome);
  const parts = titles.map((title, phase) => {
    const isWhole = phase === titles.length - 1;
    const table = tableOf(outcome, ({ phases, total }) => (isWhole ? total : phases[phase]));
    return `${title}\n${table}`;
  });
  const head = headLines(outcome, file)
    .map((line) => `${line}\n`)
    .join('');
  return [head, ...parts, saidText(outcome)].filter((text) => text !== '').join('\n');
}

/** What was simulated. */
export function headLines({ scenario, frame }: Outcome, file: string): string[] {
  const { pool, service, services, seed } = scenario;
  const others = [...services].map(([name, each]) => `${name}: ${spellService(each)}`);
  const { length } = frame.backends;
  return [
    `${file}, pool ${pool.name}: ${length} backend${length === 1 ? '' : 's'}`,
    `traffic: ${spellTraffic(scenario)}, seed ${seed}`,
    `service: ${spellService(service)}${capacityText(scenario)}`,
    ...others.slice(0, MOST_COLUMNS),
    ...(pool.policy === 'function' ? [NO_FUNCTION] : []),
  ];
}

const NO_FUNCTION =
  "policy: the pool's own is a function, which is not asked here, for there are no requests";

/** What the traffic is to be compared with. */
function capacityText(scenario: Scenario): string {
  const most = capacityOf(scenario.pool, (name) => serviceOf(scenario, name));
  return Number.isFinite(most) ? `; all together can do ${threeDigits(most)}/s` : '';
}

/** Of each part between two events, if there are not too many; the last is of all of it. */
export function phaseTitles({ scenario, results }: Outcome): string[] {
  const { startsAtMs, durationMs, events } = scenario;
  const { phases } = results[0];
  const span = (fromMs: number, toMs: number): string =>
    `${spellTime(fromMs, startsAtMs)} to ${spellTime(toMs, startsAtMs)}`;
  const all = `all of it, ${span(0, durationMs)}`;
  if (phases.length === 1) return [all];
  if (phases.length > MOST_PHASES) {
    return [`${all} (${phases.length} parts between events are too many to show one by one)`];
  }
  const parts = phases.map(({ fromMs, toMs }) => {
    const words = events.filter(({ atMs }) => atMs === fromMs).map(spellEvent);
    return `${span(fromMs, toMs)}${words.length === 0 ? '' : `: ${words.join(', ')}`}`;
  });
  return [...parts, all];
}

/** What is shown of each policy: a title, and how it is read from a result. */
export interface Column {
  readonly title: string;
  readonly text: (part: PhaseResult) => string;
}

/** Of every table, beside the shares. */
export const COLUMNS: readonly Column[] = [
  { title: 'answers/s', text: (part) => threeDigits(rateOf(part)) },
  { title: 'p50', text: ({ p50 }) => spellLatency(p50) },
  { title: 'p90', text: ({ p90 }) => spellLatency(p90) },
  { title: 'p99', text: ({ p99 }) => spellLatency(p99) },
  { title: 'p99.9', text: ({ p999 }) => spellLatency(p999) },
  { title: 'errors', text: (part) => spellShare(errorsOf(part)) },
  { title: 'retries', text: ({ retries }) => spellCount(retries) },
];

const rateOf = ({ answered, fromMs, toMs }: PhaseResult): number =>
  (answered * 1000) / (toMs - fromMs);

const errorsOf = ({ requests, answered }: PhaseResult): number =>
  requests === 0 ? 0 : (requests - answered) / requests;

/** Of all attempts, those on this backend. */
function shareOf({ sent }: PhaseResult, backend: number): number {
  const total = sent.reduce((sum, each) => sum + each, 0);
  return total === 0 ? 0 : sent[backend] / total;
}

function shareColumns({ scenario, frame }: Outcome): readonly Column[] {
  const { backends } = frame;
  const shown = shownBackends(scenario, frame, MOST_COLUMNS);
  const columns = shown.map((backend): Column => {
    return { title: backends[backend], text: (part) => spellShare(shareOf(part, backend)) };
  });
  if (shown.length === backends.length) return columns;
  const all = (part: PhaseResult): number[] => backends.map((_, at) => shareOf(part, at));
  const least = (part: PhaseResult): number => all(part).reduce((a, b) => Math.min(a, b), 1);
  const most = (part: PhaseResult): number => all(part).reduce((a, b) => Math.max(a, b), 0);
  return [
    ...columns,
    { title: 'least share', text: (part) => spellShare(least(part)) },
    { title: 'most', text: (part) => spellShare(most(part)) },
  ];
}

/** The numbers of those that are shown by name: all, or who has a part in the events. */
export function shownBackends(scenario: Scenario, { backends }: Frame, most: number): number[] {
  const all = backends.map((_, at) => at);
  if (all.length <= most) return all;
  const named = scenario.events.flatMap((event) => ('backend' in event ? [event.backend] : []));
  return all.filter((at) => named.includes(backends[at])).slice(0, most);
}

function tableOf(outcome: Outcome, partOf: (result: RunResult) => PhaseResult): string {
  const columns = [...COLUMNS, ...shareColumns(outcome)];
  const rows = outcome.results.map((result) => [
    result.policy,
    ...columns.map(({ text }) => text(partOf(result))),
  ]);
  const table = aligned([['policy', ...columns.map(({ title }) => title)], ...rows]);
  const errors = outcome.results.flatMap((result) => {
    const counts = partOf(result).errors.map(([how, count]) => `${spellCount(count)} ${how}`);
    return counts.length === 0 ? [] : [`${GAP}${result.policy} errors: ${counts.join(', ')}\n`];
  });
  return table + errors.join('');
}

/** The first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, at) =>
    rows.reduce((width, row) => Math.max(width, row[at].length), 0),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[at])))
      .join(GAP);
  return rows.map((row) => `${GAP}${line(row)}\n`).join('');
}

/** What the balancer decided: with most policies the same, or nothing at all. */
function saidText({ scenario, results }: Outcome): string {
  return results
    .filter(({ said }) => said.length > 0)
    .map(({ policy, said }) => {
      const lines = said.slice(0, MOST_SAID).map(({ atMs, message }) => {
        return `${GAP}${spellTime(atMs, scenario.startsAtMs)} ${message}\n`;
      });
      const more = said.length - lines.length;
      if (more > 0) lines.push(`${GAP}and ${more} more\n`);
      return `what the log says with ${policy}\n${lines.join('')}`;
    })
    .join('\n');
}
