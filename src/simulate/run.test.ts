import { describe, expect, it } from 'vitest';
import { configOf, ran, scenarioOf, sharesOf } from '../../test/fixtures/scenario.ts';
import { allEndCodes } from '../core/telemetry/end-code.ts';
import { frameOf, Run } from './run.ts';
import type { Scenario } from './scenario.ts';

describe('a run', () => {
  it('gives the same result for the same seed, and another one for another', () => {
    const scenario = scenarioOf({
      events: [{ atMs: 5000, kind: 'slower', backend: 'server-3', factor: 5 }],
    });
    const first = JSON.stringify(ran(scenario));
    expect(JSON.stringify(ran(scenario))).toBe(first);
    expect(JSON.stringify(ran({ ...scenario, seed: 2 }))).not.toBe(first);
  });

  it('gives the same result in steps', () => {
    const scenario = scenarioOf();
    const run = new Run(scenario, 'round_robin', frameOf(scenario));
    let untilMs = 0;
    do untilMs += 77;
    while (!run.advance(untilMs));
    expect(run.result()).toEqual(ran(scenario));
  });

  it('gives each policy the same requests', () => {
    const results = (['round_robin', 'random', 'adaptive', 'maglev'] as const).map((policy) =>
      ran(
        scenarioOf({
          policies: [policy],
          traffic: { kind: 'open', perSecond: 30, arrivals: 'poisson' },
        }),
      ),
    );
    const [first] = results;
    // Nobody waits: a request takes as long wherever it goes.
    for (const { total } of results) {
      expect([total.requests, total.p50, total.p99]).toEqual([
        first.total.requests,
        first.total.p50,
        first.total.p99,
      ]);
    }
  });

  it('agrees with Erlang where the answer is known: M/M/4 at 0.6', () => {
    const { total } = ran(
      scenarioOf(
        {
          durationMs: 2_000_000,
          traffic: { kind: 'open', perSecond: 240, arrivals: 'poisson' },
        },
        configOf(1, { health_check: undefined }),
      ),
    );
    // P(wait) = C(4, 2.4) = 0.28704, and then an exponential time of rate 400 - 240 a second.
    const inSystem = (ms: number): number => {
      const [mu, rate, wait] = [0.1, 0.16, 0.28704];
      const served = Math.exp(-mu * ms);
      const waited = (mu / (mu - rate)) * (Math.exp(-rate * ms) - Math.exp(-mu * ms));
      return (1 - wait) * served + wait * (served + waited);
    };
    expect(inSystem(total.p50)).toBeCloseTo(0.5, 2);
    expect(inSystem(total.p99)).toBeGreaterThan(0.008);
    expect(inSystem(total.p99)).toBeLessThan(0.012);
  });

  it('lets as many come as the rate says, and changes it', () => {
    const { phases } = ran(
      scenarioOf({
        traffic: { kind: 'open', perSecond: 100, arrivals: 'constant' },
        events: [
          { atMs: 4000, kind: 'rate', perSecond: 0 },
          { atMs: 6000, kind: 'rate', perSecond: 300 },
        ],
      }),
    );
    const [before, none, after] = phases.map(({ requests }) => requests);
    expect(before).toBe(399);
    // What was on its way when the rate became nothing still comes.
    expect(none).toBeLessThanOrEqual(1);
    expect(after).toBeGreaterThan(1195);
    expect(after).toBeLessThanOrEqual(1200);
  });

  it('lets clients wait for their answers: Little says how many', () => {
    const traffic = { kind: 'closed', clients: 6, thinkMs: 0 } as const;
    const { total, inFlight } = ran(scenarioOf({ traffic }));
    expect(Math.max(...inFlight.slice(1))).toBe(6);
    // 12 places for 6 clients: each is always being served, 100 a second for each.
    expect(total.requests / 10).toBeGreaterThan(540);
    expect(total.requests / 10).toBeLessThan(660);
  });

  it('lets clients that got an error wait a little before they ask again', () => {
    const traffic = { kind: 'closed', clients: 6, thinkMs: 0 } as const;
    const events = [1, 2, 3].map((n) => {
      return { atMs: 1000, kind: 'down', backend: `server-${n}`, isDown: true } as const;
    });
    const [, down] = ran(scenarioOf({ traffic, events })).phases;
    expect(down.answered).toBe(0);
    expect(down.requests / 6).toBeGreaterThan(85);
    expect(down.requests / 6).toBeLessThanOrEqual(91);
  });

  it('replays what was recorded, each at its time', () => {
    const timesMs = Float64Array.of(0, 10, 4000, 9999);
    const keys = Int32Array.of(0, 1, 0, 1);
    const result = ran(
      scenarioOf({
        traffic: { kind: 'replay', timesMs, keys },
        keys: { count: 2, popularity: 'uniform' },
      }),
    );
    const counts = result.sentPerBackend[0].map((_, bucket) =>
      result.sentPerBackend.reduce((sum, of) => sum + of[bucket], 0),
    );
    expect([counts[0], counts[40], counts[99]]).toEqual([2, 1, 1]);
    expect(result.total.requests).toBe(4);
  });

  it('measures what comes, not what has been answered in time', () => {
    // Twice what they can do: who comes last waits as long as all before have been let.
    const traffic = { kind: 'open', perSecond: 2400, arrivals: 'poisson' } as const;
    const result = ran(scenarioOf({ traffic }, configOf(3, { health_check: undefined })));
    expect(result.total.answered).toBe(result.total.requests);
    expect(result.p50.at(-1)).toBeGreaterThan(8000);
  });
});

describe('what happens in a run', () => {
  const at = (atMs: number, happening: object): Scenario['events'] =>
    [{ atMs, ...happening }] as unknown as Scenario['events'];
  const messages = (scenario: Scenario): string[] =>
    ran(scenario).said.map(({ message }) => message);

  it('a backend that gets slower drags round_robin along, not adaptive', () => {
    const events = at(5000, { kind: 'slower', backend: 'server-3', factor: 5 });
    const [turns, adapts] = (['round_robin', 'adaptive'] as const).map(
      (policy) => ran(scenarioOf({ policies: [policy], events })).phases[1],
    );
    expect(turns.p99).toBeGreaterThan(20 * adapts.p99);
    expect(sharesOf(turns)[2]).toBeGreaterThan(0.15);
    expect(sharesOf(adapts)[2]).toBeLessThan(0.05);
  });

  it('a backend that goes down costs nobody an answer, and comes back', () => {
    const scenario = scenarioOf({
      events: [
        { atMs: 3000, kind: 'down', backend: 'server-2', isDown: true },
        { atMs: 5000, kind: 'down', backend: 'server-2', isDown: false },
      ],
    });
    const { phases, total, said } = ran(scenario);
    expect(total.errors).toEqual([]);
    expect(total.retries).toBeGreaterThan(0);
    expect(sharesOf(phases[1])[1]).toBeLessThan(0.01);
    expect(sharesOf(phases[2])[1]).toBeGreaterThan(0.2);
    const [suspect] = said;
    expect(suspect.message).toBe(
      'server-2 is suspect: web:9002 refused the connection (2 of 3 up)',
    );
    expect(said.some(({ message }) => message.startsWith('server-2 is up'))).toBe(true);
  });

  it('a backend that hangs is found out by probes', () => {
    const events = at(3000, { kind: 'hangs', backend: 'server-1', hangs: true });
    const traffic = { kind: 'open', perSecond: 300, arrivals: 'poisson' } as const;
    const { total, said } = ran(scenarioOf({ events, traffic }));
    expect(said.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(
        'server-1 is down: 3 probes failed, the last because GET /health took',
      ),
    );
    // What waited there is tried elsewhere.
    expect(total.retries).toBeGreaterThan(100);
    expect(total.errors).toEqual([]);
  });

  it('nobody is left: requests fail, and say so', () => {
    const events = [1, 2, 3].flatMap((n) =>
      at(5000, { kind: 'down', backend: `server-${n}`, isDown: true }),
    );
    const { phases } = ran(scenarioOf({ events }));
    expect(phases[1].answered).toBe(0);
    expect(phases[1].errors.map(([how]) => how)).toContain('no_backend');
  });

  it('requests fail by the end codes of the log', () => {
    const events = [1, 2, 3].flatMap((n) =>
      at(5000, { kind: 'hangs', backend: `server-${n}`, hangs: true }),
    );
    const { errors } = ran(scenarioOf({ events })).total;
    const codes = errors.map(([how]) => how);
    expect(codes).toContain('backend_timeout_head');
    expect(allEndCodes()).toEqual(expect.arrayContaining(codes));
  });

  it('a backend that fails is ejected where passive health is on', () => {
    const events = at(3000, { kind: 'errors', backend: 'server-1', share: 1 });
    const config = configOf(3, {
      passive_health: { ejection_time: '1h', max_ejection_time: '1h' },
    });
    const { total, said } = ran(scenarioOf({ events }, config));
    expect(said[0].message).toContain('server-1 is ejected for ');
    expect(total.errors).toEqual([['status_500', 5]]);
  });

  it('an answer that says no is asked for elsewhere, as often as the budget pays', () => {
    const events = [{ atMs: 0, kind: 'errors', backend: 'server-2', share: 0.3 }] as const;
    const plain = ran(scenarioOf({ events })).total;
    const config = configOf(3, { retries: { on: [500] } });
    const retried = ran(scenarioOf({ events }, config)).total;
    const number = ({ errors }: typeof plain): number => errors.reduce((n, [, k]) => n + k, 0);
    expect(number(plain)).toBeGreaterThan(20);
    expect(number(retried)).toBeLessThan(number(plain) / 10);
    expect(retried.retries).toBeGreaterThan(20);
  });

  it('a backend that is slow is not waited for longer than an attempt may take', () => {
    const events = [{ atMs: 0, kind: 'slower', backend: 'server-2', factor: 100 }] as const;
    const config = configOf(3, { retries: { attempt_timeout: '100ms' } });
    const { total } = ran(scenarioOf({ events, policies: ['least_request'] }, config));
    expect(total.retries).toBeGreaterThan(5);
    expect(total.p99).toBeLessThan(500);
  });

  it('a backend is drained, as an operator asks', () => {
    const { phases } = ran(
      scenarioOf({ events: at(5000, { kind: 'drain', backend: 'server-2' }) }),
    );
    expect(sharesOf(phases[1])).toEqual([0.5, 0, 0.5]);
  });

  it('a backend is added by a reload, with slow start, and another one removed', () => {
    const events: Scenario['events'] = [
      { atMs: 3000, kind: 'member', backend: 'server-3', isIn: true },
      { atMs: 8000, kind: 'member', backend: 'server-1', isIn: false },
    ];
    const { phases } = ran(scenarioOf({ events }, configOf(3, { slow_start: '5s' })));
    expect(sharesOf(phases[0])).toEqual([0.5, 0.5, 0]);
    const [, , growing] = sharesOf(phases[1]);
    expect(growing).toBeGreaterThan(0.1);
    expect(growing).toBeLessThan(0.28);
    expect(sharesOf(phases[2])[0]).toBe(0);
  });

  it('a reload brings other backends, and keeps the policy that is compared', () => {
    const [pool] = configOf(2, {
      policy: 'random',
      backends: [{ url: 'http://new:1', name: 'new' }],
    }).pools;
    const { phases, said } = ran(
      scenarioOf({ events: at(5000, { kind: 'reload', pool, file: 'other.yaml' }) }),
    );
    expect(sharesOf(phases[1])).toEqual([0, 0, 0, 1]);
    expect(said.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('the new configuration is in use: '),
    );
  });

  it('who finds no room waits, and is turned away in the end', () => {
    const backends = [{ url: 'http://web:1', name: 'server-1', max_requests: 2 }];
    const config = configOf(1, { backends, queue: { size: 50, timeout: '200ms' } });
    const traffic = { kind: 'open', perSecond: 400, arrivals: 'poisson' } as const;
    const { total, inFlightPerBackend } = ran(scenarioOf({ traffic }, config));
    expect(Math.max(...inFlightPerBackend[0])).toBeLessThanOrEqual(2);
    expect(total.errors.map(([how]) => how)).toEqual(['overloaded']);
    expect(total.answered / 10).toBeGreaterThan(180);
  });

  it('a pool that fails as a whole is left alone for a while, with a circuit breaker', () => {
    const config = configOf(3, { circuit_breaker: { interval: '1s', open_time: '3s' } });
    const events = [1, 2, 3].map((n) => {
      return { atMs: 3000, kind: 'errors', backend: `server-${n}`, share: 1 } as const;
    });
    const { phases } = ran(scenarioOf({ events }, config));
    const errors = new Map(phases[1].errors);
    expect([...errors.keys()]).toEqual(['circuit_open', 'status_500']);
    expect(errors.get('circuit_open')).toBeGreaterThan(errors.get('status_500')!);
  });

  it('how many a backend is good for is found out, with adaptive max_requests', () => {
    const config = configOf(1, { max_requests: 'adaptive', queue: { size: 1000, timeout: '1s' } });
    const traffic = { kind: 'open', perSecond: 380, arrivals: 'poisson' } as const;
    const { total, said } = ran(scenarioOf({ traffic, durationMs: 30_000 }, config));
    expect(total.errors).toEqual([]);
    expect(said[0].message).toMatch(/^server-1 gets no more than \d+ requests at once for now: /);
  });

  it('clients stay where they were in a sticky pool', () => {
    const config = configOf(3, { sticky: { cookie: 'lb' } });
    const { total } = ran(
      scenarioOf(
        {
          keys: { count: 1, popularity: 'uniform' },
          service: { meanMs: 1, distribution: 'constant', concurrency: 64, errors: 0 },
        },
        config,
      ),
    );
    expect(Math.max(...sharesOf(total))).toBeGreaterThan(0.99);
  });

  it('keys go where a hash sends them, popular ones more often', () => {
    const keys = { count: 3, popularity: 'zipf' } as const;
    const traffic = { kind: 'open', perSecond: 200, arrivals: 'poisson' } as const;
    const { total } = ran(scenarioOf({ policies: ['maglev'], keys, traffic }));
    for (const share of sharesOf(total)) {
      const sums = [0, 6, 3, 2, 9, 8, 5, 11].map((each) => each / 11);
      expect(Math.min(...sums.map((sum) => Math.abs(sum - share)))).toBeLessThan(0.02);
    }
  });

  it('every policy there is can be simulated', () => {
    for (const policy of [
      'least_connections',
      'peak_ewma',
      'prequal',
      'ring_hash',
      'rendezvous',
    ] as const) {
      const { total } = ran(scenarioOf({ policies: [policy], durationMs: 2000 }));
      expect([policy, total.errors, total.answered]).toEqual([policy, [], total.requests]);
    }
  });

  it('says nothing while all is well', () => {
    expect(messages(scenarioOf())).toEqual([]);
  });
});

describe('the frame of a scenario', () => {
  it('has a phase for each time at which something happens', () => {
    const rate = { kind: 'rate', perSecond: 1 } as const;
    const events = [0, 2000, 2000, 3000, 10_000].map((atMs) => ({ ...rate, atMs }));
    expect(frameOf(scenarioOf({ events })).phaseStartsMs).toEqual([0, 2000, 3000]);
  });

  it.each([
    [10_000, 100, 100],
    [60_000, 500, 120],
    [300_000, 2000, 150],
    [50, 1, 50],
  ])('%d ms are shown in steps of %d ms, %d of them', (durationMs, bucketMs, buckets) => {
    expect(frameOf(scenarioOf({ durationMs }))).toMatchObject({ bucketMs, buckets });
  });
});
