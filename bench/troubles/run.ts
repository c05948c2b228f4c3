/** One contestant in one trouble. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnReport } from '../load/report.ts';
import { freePorts, processors } from '../machine.ts';
import { root } from '../repository.ts';
import { ownLoad } from '../scenarios/own-load.ts';
import { Stage, type Started, untilServing } from '../stage.ts';
import type { Contestant } from './contestant.ts';
import type { Trouble } from './trouble.ts';

const SERVERS = 10;
/** On each server, as `ten.ts` has it. */
const AT_ONCE = 4;

export interface Lengths {
  readonly seconds: number;
  /** Of the same load before it counts: a runtime compiles meanwhile. */
  readonly warmUpSeconds: number;
}

/** What the load generator saw, and what comes of it. */
export interface Outcome extends OwnReport {
  /** Good answers, of what the servers can give at most. */
  readonly goodput: number;
  /** Times that a server was asked, for each request. */
  readonly amplification: number;
}

/** Requests that all servers together can answer in a second. */
const most = ({ serviceMs }: Trouble): number => (SERVERS * AT_ONCE * 1000) / serviceMs;

/** Whatever happens, nobody is left running. */
export async function run(
  contestant: Contestant,
  trouble: Trouble,
  lengths: Lengths,
): Promise<Outcome> {
  const stage = new Stage();
  const cpus = processors();
  const loadCpu = cpus[1] ?? cpus[0]!;
  try {
    const free = await freePorts(SERVERS + trouble.balancers);
    const [servers, ports] = [free.slice(0, SERVERS), free.slice(SERVERS)];
    const ten = `${root}/dist/bench/backends/ten.js`;
    const { server: kind, serviceMs } = trouble;
    const argv = [process.execPath, ten, kind, ...[serviceMs, ...servers].map(String)];
    const backends = stage.start(loadCpu, { argv: argv as [string, ...string[]] });
    await untilServing(backends, servers[0]!);
    for (const port of ports) {
      const command = contestant.command({ stage, port, servers, trouble });
      await untilServing(stage.start(cpus[0]!, command), port);
    }
    return await load(stage, loadCpu, trouble, lengths, backends, ports, servers[0]!);
  } finally {
    await stage.close();
  }
}

async function load(
  stage: Stage,
  loadCpu: number,
  trouble: Trouble,
  { seconds, warmUpSeconds }: Lengths,
  backends: Started,
  ports: readonly number[],
  server: number,
): Promise<Outcome> {
  const begin = (): boolean => process.kill(backends.pid, 'SIGUSR2');
  if (trouble.begins === 'with the load') begin();
  const { connections, requestsPerSecond } = trouble;
  const loading = { stage, loadCpu, settings: { connections } };
  const counting = async (): Promise<number> => {
    await sleep(warmUpSeconds * 1000);
    if (trouble.begins === 'when it counts') begin();
    return attemptsAt(server);
  };
  const [report, before] = await Promise.all([
    ownLoad('steady', ports, loading, seconds, requestsPerSecond, warmUpSeconds),
    counting(),
  ]);
  const attempts = (await attemptsAt(server)) - before;
  return {
    ...report,
    goodput: report.requests / seconds / most(trouble),
    amplification: attempts / (report.requests + report.errors),
  };
}

/** What all servers have been asked so far. */
async function attemptsAt(server: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${server}/attempts`);
  return Number(await answer.text());
}
