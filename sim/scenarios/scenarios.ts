/** What may befall a pool: one of its servers, all of them, or more than they can do. */
import type { HealthCheckConfig, PassiveHealthConfig, QueueConfig } from '../../src/core/config.ts';
import type { Scenario } from './scenario.ts';
import type { Mood } from './server.ts';
import type { Stage } from './stage.ts';

const SECOND = 1000;

/** `passive_health: {}`. */
const PASSIVE: PassiveHealthConfig = {
  consecutiveFailures: 5,
  failureRatio: 0.5,
  minimumRequests: 20,
  intervalMs: 10_000,
  slowerThan: 0,
  ejectionMs: 10_000,
  maxEjectionMs: 300_000,
  maxEjected: 0.5,
};

/** `health_check: {path: /health}`. */
const ACTIVE: HealthCheckConfig = {
  kind: 'http',
  method: 'GET',
  path: '/health',
  host: null,
  intervalMs: 5000,
  downIntervalMs: 5000,
  timeoutMs: 2000,
  headers: [],
  expectedStatus: [[200, 299]],
  expectedBody: null,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
};

/** Ten servers of four hands; what goes wrong does so at once and stays for 20 s. */
const usual = { load: 0.5, warmUpMs: 5 * SECOND, lastsMs: 20 * SECOND };
const last = ({ servers }: Stage) => servers[servers.length - 1];

/** The last server is so from now on. */
const turns = (change: (stage: Stage) => void) => (stage: Stage) =>
  stage.at(0, () => change(stage));
const fails = turns((stage) => {
  last(stage).mood = 'failing';
});
const hangs = turns((stage) => {
  last(stage).mood = 'hanging';
});

/** Twenty servers of two hands behind twenty balancers: each sees a twentieth of what comes. */
const many = { ...usual, servers: 20, hands: 2, balancers: 20, load: 0.65 };
const SLOWER = 1 / 3;

/** Twice what all servers can do. */
const overload = { ...usual, load: 2, warmUpMs: 2 * SECOND, lastsMs: 10 * SECOND };

/** `max_requests: 4`, as many as a server has hands, and who waits. */
const waiting = (queue: QueueConfig) => ({ pool: { queue }, backend: { maxRequests: 4 } });

function flap(stage: Stage): void {
  const [downMs, upMs] = [2 * SECOND, 4 * SECOND];
  for (let at = 0; at < usual.lastsMs; at += downMs + upMs) {
    stage.at(at, () => last(stage).die());
    stage.at(at + downMs, () => last(stage).start());
  }
}

/** Each time a fifth of all, drawn anew. */
function slowOthers(stage: Stage): void {
  for (let at = -usual.warmUpMs; at < usual.lastsMs; at += 2 * SECOND) {
    stage.at(at, () => {
      for (const server of stage.servers) server.speed = stage.rng.chance(1, 5) ? SLOWER : 1;
    });
  }
}

export const scenarios: readonly Scenario[] = [
  { ...usual, name: 'well', title: 'all are well, load 0.7', load: 0.7 },
  {
    ...usual,
    name: 'one_slow',
    title: 'one of ten takes ten times as long',
    act: turns((stage) => {
      last(stage).speed = 0.1;
    }),
  },
  {
    ...usual,
    name: 'all_slow',
    title: 'all take three times as long',
    load: 0.3,
    act: turns(({ servers }) => {
      for (const server of servers) server.speed = 1 / 3;
    }),
  },
  { ...usual, name: 'one_fails', title: 'one of ten answers 500 at once', act: fails },
  {
    ...usual,
    name: 'one_fails_passive',
    title: 'the same, with `passive_health: {}`',
    pool: { passiveHealth: PASSIVE },
    act: fails,
  },
  { ...usual, name: 'one_hangs', title: 'one of ten takes all and answers nothing', act: hangs },
  {
    ...usual,
    name: 'one_hangs_passive',
    title: 'the same, with `passive_health: {}`',
    pool: { passiveHealth: PASSIVE },
    act: hangs,
  },
  {
    ...usual,
    name: 'black_hole',
    title: 'the network swallows all from and to one of ten',
    act: turns((stage) => stage.network.blackHole(last(stage).address)),
  },
  {
    ...usual,
    name: 'one_pauses',
    title: 'one of ten does nothing for a second',
    act: turns((stage) => last(stage).pause(SECOND)),
  },
  {
    ...usual,
    name: 'flapping',
    title: 'one of ten dies every 6 s, for 2 s, with a health check',
    pool: { healthCheck: ACTIVE },
    act: flap,
  },
  {
    ...many,
    name: 'twenty_balancers',
    title: 'twenty balancers, a fifth of twenty servers always takes three times as long',
    bad: (server) => server >= 16,
    act: ({ servers }) => {
      for (const server of servers.slice(16)) server.speed = SLOWER;
    },
  },
  {
    ...many,
    name: 'twenty_moving',
    title: 'the same, others every 2 s',
    bad: () => false,
    act: slowOthers,
  },
];

/** All servers are so for a while, and every GET may be tried again. */
const breaks = (mood: Mood) =>
  turns(({ servers }) => {
    for (const server of servers) server.mood = mood;
  });

export const storms: readonly Scenario[] = [
  { ...usual, name: 'retry_storm', title: 'all reset all that comes', act: breaks('resetting') },
  {
    ...usual,
    name: 'retry_storm_half',
    title: 'all reset half of what comes',
    act: breaks('resetting_half'),
  },
];

export const overloads: readonly Scenario[] = [
  { ...overload, name: 'overload', title: 'no `max_requests`' },
  {
    ...overload,
    name: 'overload_none',
    title: '`max_requests`, nobody waits (`size: 0`)',
    ...waiting({ size: 0, timeoutMs: 1000, order: 'fifo' }),
  },
  {
    ...overload,
    name: 'overload_fifo',
    title: '`max_requests`, `size: 100`, `order: fifo`',
    ...waiting({ size: 100, timeoutMs: 1000, order: 'fifo' }),
  },
  {
    ...overload,
    name: 'overload_long',
    title: '`max_requests`, `size: 10000`, `order: fifo`, `timeout: 1s`',
    ...waiting({ size: 10_000, timeoutMs: 1000, order: 'fifo' }),
  },
  {
    ...overload,
    name: 'overload_adaptive',
    title: '`max_requests`, `size: 100`, `order: adaptive`',
    ...waiting({ size: 100, timeoutMs: 1000, order: 'adaptive' }),
  },
  {
    ...overload,
    name: 'overload_adaptive_short',
    title: '`max_requests`, `size: 10`, `order: adaptive`',
    ...waiting({ size: 10, timeoutMs: 1000, order: 'adaptive' }),
  },
];
