import { expect, it } from 'vitest';
import type { Run } from '../measure.ts';
import { results } from './results.ts';

const run = (contestant: string, round: number, cpu: number, errors = 0): Run => ({
  scenario: 'small',
  contestant,
  round,
  errors,
  figures: { cpuMicrosecondsPerRequest: cpu },
});

it('takes ratios within a round, and then their median', () => {
  const runs = [
    ...[run('evenkeel', 1, 10), run('nginx', 1, 10)],
    ...[run('evenkeel', 2, 30, 2), run('nginx', 2, 20)],
    ...[run('evenkeel', 3, 22), run('nginx', 3, 20)],
  ];
  const [evenkeel] = results(runs);
  expect(evenkeel).toMatchObject({ contestant: 'evenkeel', rounds: 3, errors: 2 });
  expect(evenkeel!.figures.cpuMicrosecondsPerRequest).toEqual({ median: 22, least: 10, most: 30 });
  expect(evenkeel!.ratios.nginx?.cpuMicrosecondsPerRequest).toEqual({
    median: 1.1,
    least: 1,
    most: 1.5,
  });
});

it('pairs rounds by their number, also when one is missing', () => {
  const runs = [run('evenkeel', 1, 10), run('evenkeel', 2, 30), run('nginx', 2, 10)];
  const [evenkeel] = results(runs);
  expect(evenkeel!.ratios.nginx?.cpuMicrosecondsPerRequest?.median).toBe(3);
});

it('knows no ratio to somebody who was not there', () => {
  const [evenkeel] = results([run('evenkeel', 1, 10)]);
  expect(evenkeel!.ratios).toEqual({});
  expect(evenkeel!.figures.p99Microseconds).toBeUndefined();
});
