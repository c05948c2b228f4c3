/**
 * The measurement: every contestant runs from beginning to end, pinned to one processor, and is
 * loaded in turns (A B A B), so that what else the machine does falls on all alike.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, writeConfig } from './contestants.ts';
import { cpuMicroseconds, residentBytes } from './process-tree.ts';
import { answers, type Scenario } from './scenarios.ts';
import { fillIn, freePorts, processors, type Stage, type Started, untilServing } from './stage.ts';
import { readWrk } from './wrk.ts';

export interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  /** Load before a contestant's first run of a scenario, so that its code is compiled. */
  readonly warmUpSeconds: number;
  readonly connections: number;
}

/** One contestant under one load, once. */
export interface Run {
  readonly scenario: string;
  readonly contestant: string;
  readonly round: number;
  /** User and system time of the contestant, all its processes, over the requests. */
  readonly cpuMicrosecondsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  readonly residentBytes: number;
  readonly errors: number;
}

interface Player {
  readonly contestant: Contestant;
  readonly started: Started;
  readonly port: number;
}

/** `progress` is told of each run as it ends. */
export async function measure(
  stage: Stage,
  players: readonly Contestant[],
  scenarios: readonly Scenario[],
  settings: Settings,
  progress: (run: Run) => void,
): Promise<Run[]> {
  const cpus = processors();
  const balancerCpu = cpus[0]!;
  const loadCpu = cpus[1] ?? balancerCpu;
  const backends = await startBackends(stage, loadCpu);
  const ready: Player[] = [];
  for (const contestant of players) {
    ready.push(await startContestant(stage, contestant, balancerCpu, backends));
  }
  const runs: Run[] = [];
  for (const scenario of scenarios) {
    const load = (player: Player, seconds: number): Promise<string> => {
      const url = `http://127.0.0.1:${player.port}${scenario.path}`;
      const { connections } = settings;
      const shape = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency'];
      return stage.run(loadCpu, 'wrk', [...shape, ...scenario.wrk, url]);
    };
    if (settings.warmUpSeconds > 0) {
      for (const player of ready) await load(player, settings.warmUpSeconds);
    }
    for (let round = 1; round <= settings.rounds; round++) {
      for (const player of ready) {
        const run = await once(player, scenario, round, () => load(player, settings.seconds));
        runs.push(run);
        progress(run);
      }
    }
  }
  return runs;
}

async function startBackends(stage: Stage, cpu: number): Promise<number[]> {
  const ports = await freePorts(3);
  const [BACKEND1, BACKEND2, BACKEND3] = ports as [number, number, number];
  mkdirSync(join(stage.folder, 'answers'));
  for (const [name, size] of answers) stage.write(join('answers', name), Buffer.alloc(size, 'x'));
  const values = { FOLDER: stage.folder, BACKEND1, BACKEND2, BACKEND3 };
  const config = stage.write('backends.conf', fillIn('backends.conf', values));
  await untilServing(stage.start(cpu, 'nginx', ['-c', config]), BACKEND1);
  return ports;
}

async function startContestant(
  stage: Stage,
  contestant: Contestant,
  cpu: number,
  backends: readonly number[],
): Promise<Player> {
  const [port] = (await freePorts(1)) as [number];
  const config = writeConfig(stage, contestant, port, backends);
  const started = stage.start(cpu, ...split(contestant.command(config)));
  await untilServing(started, port);
  return { contestant, started, port };
}

const split = ([command, ...args]: readonly [string, ...string[]]): [string, string[]] => [
  command,
  args,
];

async function once(
  { contestant, started }: Player,
  scenario: Scenario,
  round: number,
  load: () => Promise<string>,
): Promise<Run> {
  const before = cpuMicroseconds(started.pid);
  const said = readWrk(await load());
  const used = cpuMicroseconds(started.pid) - before;
  if (started.child.exitCode !== null) {
    throw new Error(`${contestant.name} ended under load: ${started.output}`);
  }
  if (said.requests === 0) throw new Error(`${contestant.name} answered nothing`);
  return {
    scenario: scenario.id,
    contestant: contestant.id,
    round,
    cpuMicrosecondsPerRequest: used / said.requests,
    requestsPerSecond: said.requestsPerSecond,
    p50Microseconds: said.p50,
    p99Microseconds: said.p99,
    residentBytes: residentBytes(started.pid),
    errors: said.errors,
  };
}
