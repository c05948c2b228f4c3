/**
 * `npm run bench`: Evenkeel and its peers side by side, in one run. What is measured and how fair
 * it is: `docs/benchmarks.md`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contestant, contestants, type Skipped } from './contestants.ts';
import { measure, type Run, type Settings } from './measure.ts';
import { document, results, table } from './report.ts';
import { scenarios } from './scenarios.ts';
import { ask, root, Stage } from './stage.ts';

const usage = `npm run bench -- [options]

  --rounds N            runs of each contestant in each scenario (5)
  --seconds N           length of a run (3)
  --connections N       of the load generator (64)
  --scenarios A,B       only these: ${scenarios.map(({ id }) => id).join(', ')}
  --contestants A,B     only these: ${contestants()
    .map(({ id }) => id)
    .join(', ')}
  --json FILE           where the figures go (.cache/bench.json)
  --quick               one round of one second, small GET only: does it still work?

EVENKEEL_NODE24 and EVENKEEL_BUN: paths of further runtimes to run Evenkeel on.
`;

const options = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '64' },
  scenarios: { type: 'string' },
  contestants: { type: 'string' },
  json: { type: 'string', default: join(root, '.cache/bench.json') },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const isSkipped = (each: Contestant | Skipped): each is Skipped => 'why' in each;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The named ones of `all`, or all; a name that is none ends the program. */
function chosen<T extends { readonly id: string }>(all: readonly T[], names?: string): T[] {
  if (names === undefined) return [...all];
  return names.split(',').map((name) => {
    const found = all.find(({ id }) => id === name);
    if (found === undefined) throw new Error(`${name} is none of ${all.map(({ id }) => id)}`);
    return found;
  });
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: a whole number`);
  return value;
}

/** What the machine lacks for any measurement at all. */
function missing(): string[] {
  const needed: [string, string[]][] = [
    ['wrk', ['-v']],
    ['nginx', ['-v']],
    ['taskset', ['-V']],
    ['getconf', ['CLK_TCK']],
  ];
  return needed.filter(([name, args]) => ask(name, args) === null).map(([name]) => name);
}

function tell(run: Run, players: readonly Contestant[]): void {
  const name = players.find(({ id }) => id === run.contestant)!.name;
  const cpu = run.cpuMicrosecondsPerRequest.toFixed(1);
  const rate = run.requestsPerSecond.toFixed(0);
  say(`${run.scenario} ${run.round}: ${name}: ${cpu} us CPU per request, ${rate} requests/s`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const lacking = missing();
  if (lacking.length > 0) {
    throw new Error(`this needs ${lacking.join(', ')} (Debian: apt install wrk nginx-light)`);
  }
  const asked = chosen(contestants(), values.contestants);
  const skipped = asked.filter(isSkipped);
  for (const { id, why } of skipped) say(`${id} is left out: ${why}`);
  const players = asked.filter((each) => !isSkipped(each)) as Contestant[];
  const picked = values.quick ? scenarios.slice(0, 1) : chosen(scenarios, values.scenarios);
  const settings: Settings = {
    rounds: values.quick ? 1 : count('rounds', values.rounds),
    seconds: values.quick ? 1 : count('seconds', values.seconds),
    warmUpSeconds: values.quick ? 0 : 1,
    connections: count('connections', values.connections),
  };
  const stage = new Stage();
  try {
    const runs = await measure(stage, players, picked, settings, (run) => tell(run, players));
    say('');
    for (const scenario of picked) say(table(scenario, results(runs), players));
    mkdirSync(dirname(values.json), { recursive: true });
    const text = JSON.stringify(document(players, skipped, settings, runs), null, 2);
    writeFileSync(values.json, `${text}\n`);
    say(`All figures, the machine and the versions: ${values.json}`);
  } finally {
    await stage.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
