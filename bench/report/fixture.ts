/** A small report for tests. */
import type { Run } from '../measure.ts';
import type { Report } from './document.ts';
import { results } from './results.ts';

const run = (scenario: string, contestant: string, figures: Run['figures']): Run => ({
  scenario,
  contestant,
  round: 1,
  errors: 0,
  figures,
});

const runs: Run[] = [
  run('small', 'evenkeel', { cpuMicrosecondsPerRequest: 9, requestsPerSecond: 50_000 }),
  run('small', 'nginx', { cpuMicrosecondsPerRequest: 10, requestsPerSecond: 45_000 }),
  run('small', 'slow', { cpuMicrosecondsPerRequest: 80, requestsPerSecond: 5000 }),
  run('idle', 'evenkeel', { connections: 10_000, idleBytesPerConnection: 6144 }),
  run('idle', 'nginx', { connections: 10_000, idleBytesPerConnection: 512 }),
];

export const sampleReport: Report = {
  takenAt: '2026-02-03T04:05:06.000Z',
  command: 'npm run bench --',
  commit: '0123456789abcdef',
  uncommittedChanges: false,
  machine: { processor: 'A & B' },
  descriptorLimit: 20_000,
  loadAverage: 0,
  settings: {
    rounds: 1,
    seconds: 1,
    warmUpSeconds: 0,
    connections: 64,
    idleConnections: 10_000,
    settleMs: 0,
    rateFactor: 1,
    simultaneous: false,
  },
  nginxPeakRequestsPerSecond: null,
  scenarios: [
    { id: 'small', name: 'small GET', compares: ['cpuMicrosecondsPerRequest'] },
    { id: 'idle', name: 'idle connections', compares: ['idleBytesPerConnection'] },
  ],
  contestants: [
    { id: 'evenkeel', name: 'Evenkeel, Node 20' },
    { id: 'nginx', name: 'nginx 1.22' },
    { id: 'slow', name: 'slow, on something' },
  ],
  skipped: [],
  absences: [],
  results: results(runs),
  runs,
};
