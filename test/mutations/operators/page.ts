/** What became of the mutants, in numbers and as a page. */
import type { Verdict } from './hunting.ts';
import type { Mutant } from './operators.ts';
import { interval } from './sample.ts';
import type { Argument } from './survivors.ts';

export interface Outcome {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  /** The line it begins in. */
  readonly text: string;
  readonly argument: Argument | null;
}

interface About {
  readonly sample: number;
  readonly seed: number;
  readonly sim: number;
  readonly total: number;
  readonly commit: string;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const isKilled = ({ verdict }: Outcome): boolean => verdict.by !== null;
const isSame = ({ verdict, argument }: Outcome): boolean =>
  verdict.by === null && argument?.same === true;

function row(name: string, outcomes: readonly Outcome[]): readonly string[] {
  const by = (who: string): number => outcomes.filter(({ verdict }) => verdict.by === who).length;
  const killed = outcomes.filter(isKilled).length;
  const unseen = outcomes.filter(({ verdict }) => verdict.by === null && !verdict.isPassed).length;
  const same = outcomes.filter(isSame).length;
  const of = outcomes.length;
  const [low, high] = interval(killed, of);
  return [
    name,
    String(of),
    String(by('unit tests')),
    String(by('simulation')),
    String(of - killed - unseen),
    String(unseen),
    of === 0 ? '-' : `${percent(killed / of)} (${percent(low)} to ${percent(high)})`,
    String(same),
    of === same ? '-' : percent(killed / (of - same)),
  ];
}

const HEAD = [
  'room',
  'drawn',
  'killed by unit tests',
  'then by simulation',
  'alive',
  'never run',
  'killed (95 % interval)',
  'of the alive, equivalent',
  'killed of the others',
];

/** A table: each room, and all. */
export function scoreLines(outcomes: readonly Outcome[], rooms: readonly string[]): string[] {
  const inRoom = (room: string): readonly Outcome[] =>
    outcomes.filter(({ mutant }) => mutant.file.startsWith(`src/core/${room}/`));
  const rows = [...rooms.map((room) => row(room, inRoom(room))), row('all', outcomes)];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map(line)];
}

/** In a table's cell. */
const code = (text: string): string => {
  const short = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  return `\`${short.length > 70 ? `${short.slice(0, 69)}…` : short}\``;
};

/** The page in docs. */
export function page(outcomes: readonly Outcome[], rooms: readonly string[], about: About): string {
  const survivors = outcomes.filter((each) => !isKilled(each));
  const list = survivors.map(({ mutant, verdict, argument }) => {
    const { file, line, from, to } = mutant;
    const kind = argument?.same === true ? 'equivalent' : verdict.isPassed ? 'alive' : 'never run';
    const change = `${code(from)} → ${to === '' ? 'left out' : code(to)}`;
    const why = argument?.why ?? '';
    return `| ${file.replace('src/core/', '')}:${line} | ${change} | ${kind} | ${why} |`;
  });
  const { sample, seed, sim } = about;
  const how = `--sample ${sample} --seed ${seed} --sim ${sim} --write`;
  const command = `npm run mutations -- operators ${how}`;
  return `# Operator mutants

Made by \`${command}\`
on ${about.commit}: ${outcomes.length} of ${about.total} mutants, drawn by chance from each room
according to its size. A mutant is killed if a unit test fails, or a seed from 1 to ${sim} of the
simulator breaks a promise, or either does not end. [How it works](simulation.md#small-slips).

${scoreLines(outcomes, rooms).join('\n')}

## Survivors

The equivalent ones do the same for whoever uses them: that was looked at in the code. Of the others
it is said what they change, or what reading suggests; nothing of that is proved.

| where | change | | why |
|---|---|---|---|
${list.join('\n')}
`;
}
