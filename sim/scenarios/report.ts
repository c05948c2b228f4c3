/**
 * Scenarios as tables, in Markdown: for a terminal, and for the page that says which policy to
 * choose (`docs/policies.md`). The same seed gives the same bytes.
 */
import { goesByKey, policies } from '../../src/core/balancing/balancing.ts';
import type { PolicyName } from '../../src/core/config.ts';
import { line, table } from '../table.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { overloads, scenarios, storms } from './scenarios.ts';
import { play } from './stage.ts';

/** Whose outcomes are in the page. */
const PAGE_SEED = 1;
const BEGIN = '<!-- npm run sim -- scenarios --write: begin -->\n';
const END = '<!-- end -->\n';

/** Those that do not go by a key: for the others a key's backend is its backend. No function. */
export const contestants = (Object.keys(policies) as PolicyName[]).filter(
  (policy) => !goesByKey(policy) && policy !== 'function',
);

/** Where all are as badly off it does not matter who chooses. */
const ANY: PolicyName = 'round_robin';

const all: readonly Scenario[] = [...scenarios, ...overloads, ...storms];

/** Every scenario there is, by name. */
export const scenarioNames: readonly string[] = all.map(({ name }) => name);

/** All that came of a scenario, policy by policy. `name`: one of `scenarioNames`. */
export function details(name: string, seed: number): string {
  const scenario = all.find((each) => each.name === name)!;
  const outcomes = contestants.map((policy) => play(scenario, policy, seed));
  const rows = outcomes.map((outcome) => [
    outcome.policy,
    [0.5, 0.99, 0.999].map((q) => time(outcome.quantile(q))).join(' / '),
    percent(outcome.errors, 2),
    percent(outcome.badShare, 2),
    percent(outcome.goodput, 1),
    percent(outcome.refused, 1),
    outcome.refused > 0 ? outcome.refusedQuantile(0.99).toFixed(1) : '-',
    outcome.amplification.toFixed(3),
  ]);
  const head = [
    'policy',
    'p50 / p99 / p99.9 ms',
    'errors',
    'to the bad ones',
    'goodput',
    'refused',
    'within ms (p99)',
    'tries for each',
  ];
  const title = `${name}: ${scenario.title}; ${outcomes[0].exchanges} exchanges, seed ${seed}`;
  return `${title}\n\n${table(head, rows)}`;
}

/** Of one scenario, a line of the page: p99 and errors, policy by policy. */
export function pageRow(scenario: Scenario): string {
  const outcomes = contestants.map((policy) => play(scenario, policy, PAGE_SEED));
  const cells = outcomes.map((outcome) => {
    const errors = outcome.errors < 0.0005 ? '' : `, ${percent(outcome.errors, 1)}`;
    const text = `${time(outcome.quantile(0.99))}${errors}`;
    return wins(outcome, outcomes) ? `**${text}**` : text;
  });
  return line([scenario.title, ...cells]);
}

/** Nobody has fewer errors, and nobody is faster by more than what chance may do. */
function wins(outcome: Outcome, others: readonly Outcome[]): boolean {
  const errorsOf = ({ errors }: Outcome): number => Math.round(errors * 1000);
  const fewest = Math.min(...others.map(errorsOf));
  const best = others.filter((other) => errorsOf(other) === fewest);
  const fastest = Math.min(...best.map((other) => other.quantile(0.99)));
  return best.includes(outcome) && outcome.quantile(0.99) <= 1.05 * fastest;
}

/** Of one way to take too much, a line of the page. */
export function overloadRow(scenario: Scenario): string {
  const outcome = play(scenario, ANY, PAGE_SEED);
  const answered = 1 - outcome.errors;
  return line([
    scenario.title,
    percent(outcome.goodput, 0),
    [0.5, 0.99].map((q) => time(outcome.quantile(q * answered))).join(' / '),
    percent(outcome.refused, 0),
    outcome.refused > 0
      ? [0.5, 0.99].map((q) => outcome.refusedQuantile(q).toFixed(1)).join(' / ')
      : '-',
  ]);
}

/** Of one storm of retries, a line of the page. */
export function stormRow(scenario: Scenario): string {
  const outcome = play(scenario, ANY, PAGE_SEED);
  return line([scenario.title, percent(outcome.errors, 0), outcome.amplification.toFixed(3)]);
}

/** The page with its tables made anew. Takes a minute. */
export function rewritten(page: string): string {
  const [before, rest] = cut(page, BEGIN);
  const [, after] = cut(rest, END);
  const names = contestants.map((policy) => `\`${policy}\``);
  const tables = [
    [...head(['', ...names]), ...scenarios.map(pageRow)],
    [OVERLOAD],
    [...head(OVERLOAD_TITLES), ...overloads.map(overloadRow)],
    [STORM],
    [...head(['', 'errors', 'tries for each']), ...storms.map(stormRow)],
  ];
  const text = tables.map((lines) => lines.join('\n')).join('\n\n');
  return `${before}${BEGIN}\n${text}\n\n${END}${after}`;
}

const OVERLOAD =
  'Twice what all servers can do. Goodput: good answers, of what they can give at most.';
const OVERLOAD_TITLES = [
  '',
  'goodput',
  'answers after ms, p50 / p99',
  'refused',
  'refusals after ms, p50 / p99',
];
const STORM = 'Requests that may be tried again, and servers that do not let them be:';

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  if (index < 0) throw new Error(`the page has no line ${at}`);
  return [text.slice(0, index), text.slice(index + at.length)];
}

const time = (ms: number): string => (ms === Number.POSITIVE_INFINITY ? 'never' : ms.toFixed(0));
const percent = (part: number, digits: number): string => `${(100 * part).toFixed(digits)} %`;
const head = (cells: readonly string[]): string[] => [
  line(cells).replace('|  |', '| |'),
  `|${'---|'.repeat(cells.length)}`,
];
