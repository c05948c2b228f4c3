import { describe, expect, it } from 'vitest';
import { flagOf, scenarioOf } from './simulate-flags.ts';

describe('flags of simulate', () => {
  it('say what a scenario file would say', () => {
    const flags = {
      rate: '2000/s',
      for: '5m',
      start: '11:58',
      service: '5ms',
      concurrency: '4',
      policies: 'round_robin, adaptive',
      seed: '42',
      slow: ['server-3=5x@12:00', 'server-1=1.5@1m-2m'],
      down: ['server-2@30s', 'a-b@1m-90s'],
    };
    expect(scenarioOf(flags)).toEqual({
      value: {
        policies: ['round_robin', 'adaptive'],
        seed: 42,
        traffic: { rate: '2000/s', for: '5m', start: '11:58' },
        service: { time: '5ms', concurrency: 4 },
        events: [
          { at: '12:00', backend: 'server-3', slower: 5 },
          { at: '1m', backend: 'server-1', slower: 1.5 },
          { at: '2m', backend: 'server-1', slower: 1 },
          { at: '30s', backend: 'server-2', down: true },
          { at: '1m', backend: 'a-b', down: true },
          { at: '90s', backend: 'a-b', down: false },
        ],
      },
      typed: [
        '--slow server-3=5x@12:00',
        '--slow server-1=1.5@1m-2m',
        '--slow server-1=1.5@1m-2m',
        '--down server-2@30s',
        '--down a-b@1m-90s',
        '--down a-b@1m-90s',
      ],
    });
  });

  it('that are not there say nothing', () => {
    expect(scenarioOf({})).toEqual({ value: { traffic: {}, service: {} }, typed: [] });
  });

  it('leave what is no number to who knows what it should be', () => {
    expect(scenarioOf({ seed: 'x', clients: '1.5' })).toEqual({
      value: { seed: 'x', traffic: { clients: '1.5' }, service: {} },
      typed: [],
    });
  });

  it.each([
    [
      { slow: ['server-3'] },
      '--slow: "server-3" does not say who gets how slow when; write server-3=5x@2m',
    ],
    [{ slow: ['server-3=fast@2m'] }, '--slow: "server-3=fast@2m" does not say'],
    [{ down: ['server-3'] }, '--down: "server-3" does not say who is down when; write server-3@2m'],
  ])('%o', (flags, problem) => {
    expect(scenarioOf(flags)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('are what mistakes are called by', () => {
    const typed = ['--slow a=5x@1m', '--down b@2m'];
    const keys = ['traffic.rate', 'policies[1]', 'seed', 'events[1].at'];
    expect(keys.map((key) => flagOf(key, typed))).toEqual([
      '--rate',
      '--policies',
      '--seed',
      '--down b@2m',
    ]);
  });
});
