import { describe, expect, it } from 'vitest';
import {
  parseMoment,
  parseScenarioRate,
  parseServiceTime,
  parseTimeOfDay,
} from './scenario-quantities.ts';

describe('a rate of requests', () => {
  it.each([
    ['2000/s', 2000],
    [0, 0],
    ['90/min', 1.5],
    ['1800/h', 0.5],
    ['0.5/s', 0.5],
    ['0', 0],
  ])('%s', (given, perSecond) => {
    expect(parseScenarioRate(given)).toEqual({ value: { kind: 'per_second', perSecond } });
  });

  it('is a load where it is a percentage', () => {
    expect(parseScenarioRate('60%')).toEqual({ value: { kind: 'load', share: 0.6 } });
  });

  it.each([
    [
      'fast',
      '"fast" is not a rate; write requests such as 2000/s or 90/min, or a load such as 60%',
    ],
    [-5, '-5 is not a rate; write requests such as 2000/s or 90/min, or a load such as 60%'],
    [50, '50 has no unit; write 50/s, or 50% of what the backends can do'],
    ['2000000/s', '"2000000/s" is too much; the most is 1000000/s'],
    ['2000%', '"2000%" is out of range; the most is 1000%'],
  ])('is not %s', (given, problem) => {
    expect(parseScenarioRate(given)).toEqual({ problem });
  });
});

describe('a moment', () => {
  it('is since the beginning, or by the clock', () => {
    expect(parseMoment('2m')).toEqual({ value: { kind: 'since', ms: 120_000 } });
    expect(parseMoment('9:05')).toEqual({ value: { kind: 'clock', ms: 32_700_000 } });
    expect(parseMoment('12:00:30')).toEqual({ value: { kind: 'clock', ms: 43_230_000 } });
  });

  it.each([
    ['24:00', '"24:00" is no time of day; write one from 00:00 to 23:59:59'],
    ['2', '"2" has no unit; write 2s'],
    ['noon', '"noon" is not a duration; write a number and a unit: 500ms, 5s, 1m or 2h'],
  ])('is not %s', (given, problem) => {
    expect(parseMoment(given)).toEqual({ problem });
  });
});

describe('a time of day', () => {
  it('is no duration', () => {
    expect(parseTimeOfDay('2m')).toHaveProperty('problem');
    expect(parseTimeOfDay('23:59:59')).toEqual({ value: 86_399_000 });
  });
});

describe('a service time', () => {
  it('may be finer than a millisecond', () => {
    expect(['0.25ms', '5ms', '1.5s'].map(parseServiceTime)).toEqual([
      { value: 0.25 },
      { value: 5 },
      { value: 1500 },
    ]);
  });

  it.each([
    ['0ms', '"0ms" is too short; write a time such as 5ms or 0.2ms'],
    ['5', '"5" has no unit; write 5ms'],
    ['0.2', '"0.2" has no unit; write 0.2ms'],
  ])('is not %s', (given, problem) => {
    expect(parseServiceTime(given)).toEqual({ problem });
  });
});
