/**
 * `npm run bench:policies`: ten servers in trouble, behind each policy of ours and of HAProxy and
 * nginx, and with what each has against that trouble. The rate is constant: a stall shows in every
 * request it delays. The tables go to standard output, progress to standard error.
 */
import process from 'node:process';
import { processors, raiseDescriptorLimit } from './machine.ts';
import { git } from './repository.ts';
import type { Contestant } from './troubles/contestant.ts';
import { type Options, readOptions } from './troubles/options.ts';
import { evenkeels } from './troubles/ours.ts';
import { type Outcome, run } from './troubles/run.ts';
import { type Row, summary, tables } from './troubles/table.ts';
import { peers } from './troubles/theirs.ts';
import type { Trouble } from './troubles/trouble.ts';

/** In turns, round by round: what disturbs the machine for a while disturbs everybody. */
async function inTrouble(trouble: Trouble, options: Options): Promise<Row[]> {
  const those = options.contestants.filter(({ sheet }) => sheet === trouble.sheet);
  const outcomes = new Map<Contestant, Outcome[]>(those.map((each) => [each, []]));
  const one = async (contestant: Contestant): Promise<void> => {
    const outcome = await run(contestant, trouble, options.lengths);
    outcomes.get(contestant)!.push(outcome);
    process.stderr.write(`${summary({ trouble, contestant, outcomes: [outcome] })}\n`);
  };
  for (let round = 0; round < options.rounds; round++) {
    if (options.simultaneous) await Promise.all(those.map(one));
    else for (const contestant of those) await one(contestant);
  }
  return those.map((contestant) => ({ trouble, contestant, outcomes: outcomes.get(contestant)! }));
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args, [...evenkeels(), ...peers()]);
  if (typeof options === 'string') {
    process.stdout.write(options);
    return;
  }
  raiseDescriptorLimit();
  const rows: Row[] = [];
  for (const trouble of options.troubles) {
    const lacking = trouble.lacking();
    if (lacking === null) rows.push(...(await inTrouble(trouble, options)));
    else process.stderr.write(`${trouble.id}: skipped: ${lacking}\n`);
  }
  const commit = git('rev-parse', '--short', 'HEAD');
  process.stdout.write(
    `${processors().length} processors, Node ${process.versions.node}, commit ${commit}\n\n`,
  );
  process.stdout.write(tables(rows));
}

if (process.argv[1]?.endsWith('policies.js')) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
