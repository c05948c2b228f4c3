/**
 * The measurement: in each scenario every contestant runs from beginning to end, pinned to one
 * processor, and is loaded in turns (A B A B), so that what else the machine does falls on all
 * alike.
 */
import { join } from 'node:path';
import { type Ports, startFiles, startTalker } from './backends/backends.ts';
import { type Contestant, isSkipped } from './contestants/contestant.ts';
import { contestants } from './contestants/contestants.ts';
import type { Figures } from './figures.ts';
import { freePorts, mostConnections, processors } from './machine.ts';
import { cpuMicroseconds, residentBytes } from './process-tree.ts';
import { wrk } from './scenarios/closed-loop.ts';
import type { Bench, Scenario, Settings } from './scenarios/scenario.ts';
import { type Stage, type Started, untilServing } from './stage.ts';

/** One contestant under one load, once. */
export interface Run {
  readonly scenario: string;
  readonly contestant: string;
  readonly round: number;
  readonly errors: number;
  readonly figures: Partial<Figures>;
}

/** A contestant that took no part in a scenario, or did not come through it. */
export interface Absence {
  readonly scenario: string;
  readonly contestant: string;
  readonly why: string;
  /** It should have. */
  readonly isFailure: boolean;
}

export interface Outcome {
  readonly runs: Run[];
  readonly absences: Absence[];
  /** Null: no scenario asked for it. */
  readonly nginxPeakRequestsPerSecond: number | null;
}

/** Told of each run, and of each absence, as it comes. */
export interface Progress {
  ran(run: Run): void;
  isAbsent(absence: Absence): void;
}

interface Player {
  readonly contestant: Contestant;
  readonly started: Started;
  readonly port: number;
}

/** All of one benchmark. */
export class Measurement implements Bench {
  readonly stage: Stage;
  readonly settings: Settings;
  readonly descriptors: number;
  readonly loadCpu: number;
  private readonly balancerCpu: number;
  private readonly progress: Progress;
  private readonly outcome: { runs: Run[]; absences: Absence[] } = { runs: [], absences: [] };
  private files: Promise<Ports> | null = null;
  private talker: Promise<Ports> | null = null;
  private peak: Promise<number> | null = null;

  constructor(stage: Stage, settings: Settings, descriptors: number, progress: Progress) {
    const cpus = processors();
    this.stage = stage;
    this.settings = settings;
    this.descriptors = descriptors;
    this.progress = progress;
    this.balancerCpu = cpus[0]!;
    this.loadCpu = cpus[1] ?? cpus[0]!;
  }

  /** Every scenario with everybody who can take part in it. */
  async measure(players: readonly Contestant[], scenarios: readonly Scenario[]): Promise<Outcome> {
    for (const scenario of scenarios) {
      const able = players.filter((each) => this.canTakePart(each, scenario));
      if (scenario.isFresh) await this.freshRuns(able, scenario);
      else await this.alternate(able, scenario);
    }
    return { ...this.outcome, nginxPeakRequestsPerSecond: await this.peak };
  }

  readonly nginxPeak = (): Promise<number> => {
    this.peak ??= this.measurePeak();
    return this.peak;
  };

  private canTakePart(contestant: Contestant, scenario: Scenario): boolean {
    const lacked = scenario.needs.find((need) => contestant.lacks.includes(need));
    if (lacked === undefined) return true;
    this.isAbsent(contestant, scenario, `it has no ${lacked}`, false);
    return false;
  }

  private isAbsent({ id }: Contestant, scenario: Scenario, why: string, isFailure: boolean): void {
    const absence = { scenario: scenario.id, contestant: id, why, isFailure };
    this.outcome.absences.push(absence);
    this.progress.isAbsent(absence);
  }

  /** Does something with a contestant; whoever fails is out of the scenario, the others go on. */
  private async attempt<T>(
    contestant: Contestant,
    scenario: Scenario,
    act: () => Promise<T>,
  ): Promise<T | null> {
    try {
      return await act();
    } catch (error) {
      this.isAbsent(contestant, scenario, String((error as Error).message), true);
      return null;
    }
  }

  private async alternate(able: readonly Contestant[], scenario: Scenario): Promise<void> {
    const ready = await this.each(able, (contestant) =>
      this.attempt(contestant, scenario, async () => {
        const player = await this.start(contestant, scenario);
        await scenario.warmUp(this.target(player), this);
        return player;
      }),
    );
    let playing = ready.filter((player) => player !== null);
    for (let round = 1; round <= this.settings.rounds; round++) {
      const came = await this.each(playing, async (player) => {
        const { contestant } = player;
        const run = await this.attempt(contestant, scenario, () =>
          this.once(player, scenario, round),
        );
        if (run === null) await this.stage.stop(player.started);
        return run === null ? null : player;
      });
      playing = came.filter((player) => player !== null);
    }
    await Promise.all(playing.map(({ started }) => this.stage.stop(started)));
  }

  private async freshRuns(able: readonly Contestant[], scenario: Scenario): Promise<void> {
    const failed = new Set<Contestant>();
    for (let round = 1; round <= this.settings.rounds; round++) {
      await this.each(able, async (contestant) => {
        if (failed.has(contestant)) return;
        const run = await this.attempt(contestant, scenario, async () => {
          const player = await this.start(contestant, scenario);
          try {
            await scenario.warmUp(this.target(player), this);
            return await this.once(player, scenario, round);
          } finally {
            await this.stage.stop(player.started);
          }
        });
        if (run === null) failed.add(contestant);
      });
    }
  }

  /** One after the other, or all at once where nobody looks at the figures. */
  private async each<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
    if (this.settings.simultaneous) return Promise.all(all.map(act));
    const results: R[] = [];
    for (const one of all) results.push(await act(one));
    return results;
  }

  private async once(player: Player, scenario: Scenario, round: number): Promise<Run> {
    const { contestant, started } = player;
    const { pid } = started;
    const before = cpuMicroseconds(pid);
    const { requests, errors, figures } = await scenario.run(this.target(player), this);
    const used = cpuMicroseconds(pid) - before;
    if (started.child.exitCode !== null || started.child.signalCode !== null) {
      throw new Error(`it ended under load: ${started.output.trim()}`);
    }
    const measured: Partial<Figures> = { ...figures, residentBytes: residentBytes(pid) };
    if (figures.requestsPerSecond !== undefined && requests === 0) {
      throw new Error('it answered nothing');
    }
    const run: Run = {
      scenario: scenario.id,
      contestant: contestant.id,
      round,
      errors,
      figures:
        requests === 0 ? measured : { cpuMicrosecondsPerRequest: used / requests, ...measured },
    };
    this.outcome.runs.push(run);
    this.progress.ran(run);
    return run;
  }

  private target({ port, started }: Player): { port: number; pid: number } {
    return { port, pid: started.pid };
  }

  private async start(
    contestant: Contestant,
    scenario: Pick<Scenario, 'needs' | 'backends' | 'isBulk'>,
  ): Promise<Player> {
    const { stage } = this;
    const [port] = (await freePorts(1)) as [number];
    const log = join(stage.folder, `${contestant.id}-${port}-access.log`);
    const setup = {
      port,
      backends: await this.backends(scenario.backends),
      folder: stage.folder,
      write: (name: string, content: string) => stage.write(name, content),
      accessLog: scenario.needs.includes('access log') ? log : null,
      isBulk: scenario.isBulk,
      connections: mostConnections(this.descriptors),
    };
    const started = stage.start(this.balancerCpu, contestant.command(setup));
    try {
      await untilServing(started, port);
    } catch (error) {
      await stage.stop(started);
      throw error;
    }
    return { contestant, started, port };
  }

  private backends(kind: Scenario['backends']): Promise<Ports> {
    if (kind === 'files') {
      this.files ??= startFiles(this.stage, this.loadCpu);
      return this.files;
    }
    this.talker ??= startTalker(this.stage, this.loadCpu);
    return this.talker;
  }

  private async measurePeak(): Promise<number> {
    const nginx = contestants().find(({ id }) => id === 'nginx')!;
    if (isSkipped(nginx)) throw new Error(`nginx's peak is the yardstick: ${nginx.why}`);
    const player = await this.start(nginx, { needs: [], backends: 'files', isBulk: false });
    const { warmUpSeconds, seconds } = this.settings;
    if (warmUpSeconds > 0) await wrk(player, this, {}, warmUpSeconds);
    const report = await wrk(player, this, {}, seconds);
    await this.stage.stop(player.started);
    return report.requests / report.seconds;
  }
}
