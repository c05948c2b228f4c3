/** The figures of one benchmark for a program: all that is needed to judge and to repeat them. */
import type { Contestant, Skipped } from '../contestants/contestant.ts';
import type { FigureName } from '../figures.ts';
import { describeMachine } from '../machine.ts';
import type { Absence, Outcome, Run } from '../measure.ts';
import { git } from '../repository.ts';
import type { Scenario, Settings } from '../scenarios/scenario.ts';
import { type Result, results } from './results.ts';

export interface Report {
  readonly takenAt: string;
  readonly command: string;
  readonly commit: string;
  readonly uncommittedChanges: boolean;
  readonly machine: object;
  /** Open descriptors that each process could have. */
  readonly descriptorLimit: number;
  /** Of the minute before: what others did to the machine. */
  readonly loadAverage: number;
  readonly settings: Settings;
  readonly nginxPeakRequestsPerSecond: number | null;
  readonly scenarios: readonly {
    readonly id: string;
    readonly name: string;
    readonly compares: readonly FigureName[];
  }[];
  readonly contestants: readonly { readonly id: string; readonly name: string }[];
  readonly skipped: readonly Skipped[];
  readonly absences: readonly Absence[];
  readonly results: readonly Result[];
  readonly runs: readonly Run[];
}

/** What the report tells besides the outcome. */
export interface Circumstances {
  readonly settings: Settings;
  readonly descriptorLimit: number;
  readonly loadAverage: number;
  readonly scenarios: readonly Scenario[];
  readonly contestants: readonly Contestant[];
  readonly skipped: readonly Skipped[];
}

/** Of what has just been measured, in this process. */
export function reportOf(circumstances: Circumstances, outcome: Outcome): Report {
  const { settings, descriptorLimit, loadAverage, scenarios, contestants, skipped } = circumstances;
  const { runs, absences, nginxPeakRequestsPerSecond } = outcome;
  return {
    takenAt: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    commit: git('rev-parse', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain') !== '',
    machine: describeMachine(),
    descriptorLimit,
    loadAverage,
    settings,
    nginxPeakRequestsPerSecond,
    scenarios: scenarios.map(({ id, name, compares }) => ({ id, name, compares })),
    contestants: contestants.map(({ id, name }) => ({ id, name })),
    skipped,
    absences,
    results: results(runs),
    runs,
  };
}
