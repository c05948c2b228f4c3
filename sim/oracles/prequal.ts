/**
 * The comparison of policies that Prequal was published with (Wydrowski et al., NSDI 2024, 5.2): a
 * hundred clients, which are balancers here, before a hundred replicas that share their machines
 * with others. Whoever waits for 5 s has waited in vain.
 *
 * The other load of those machines was real and is not published. Here a replica has one and a half
 * times what it was allotted, and now and then, while others are busy there, six tenths. How often
 * and how long, is such that taking turns, which learns nothing, comes out as in the paper; what
 * the others make of the same world is what is compared. The paper's weights from measured load,
 * YARP's and C3's rules and its linear combinations are no policies of ours.
 */
import type { PolicyName } from '../../src/core/config.ts';
import { type QueueingResult, simulateQueues } from '../queueing.ts';
import type { Oracle } from './oracle.ts';

const REPLICAS = 100;
const CLIENTS = 100;
/** What a replica is allotted, in cores; a request keeps one busy. */
const CORES = 4;
const SERVICE_MS = 75;
const TIMEOUT_MS = 5000;
/** Of what is allotted: what there is if nobody else needs it, and if others do. */
const ROOM = 1.5;
const THROTTLED = 0.6;
const THROTTLED_SHARE = 0.2;
const THROTTLED_MS = 30_000;
/** Every client asks every replica, so that there are four probes for each request. */
const PROBES_MS = 500;
const ARRIVALS = 300_000;
const SEED = 1;

/** Percent of what all replicas are allotted. */
type Load = 70 | 90;

const runs = new Map<string, QueueingResult>();

function run(policy: PolicyName, load: Load): QueueingResult {
  const known = runs.get(`${policy} ${load}`);
  if (known !== undefined) return known;
  const result = simulateQueues({
    policy,
    load: load / 100,
    speeds: new Array(REPLICAS).fill(ROOM),
    hands: CORES,
    variation: 'normal',
    discipline: 'sharing',
    balancers: CLIENTS,
    serviceMs: SERVICE_MS,
    // Nobody else looks at what probes bring.
    ...(policy === 'prequal' && { probesEvery: PROBES_MS / SERVICE_MS }),
    neighbours: {
      share: THROTTLED_SHARE,
      slowness: ROOM / THROTTLED,
      every: THROTTLED_MS / SERVICE_MS,
    },
    arrivals: ARRIVALS,
    seed: SEED,
  });
  runs.set(`${policy} ${load}`, result);
  return result;
}

/** Milliseconds until the answer. */
export const latencyMs = (policy: PolicyName, load: Load, q: number): number =>
  run(policy, load).quantile(q) * SERVICE_MS;

/** In the paper's words. */
const RULES = {
  prequal: 'Prequal',
  least_connections: 'LeastLoaded',
  round_robin: 'RoundRobin',
} as const;
type Rule = keyof typeof RULES;

const what = (load: Load, says: string): string => `Prequal's table, load ${load} %: ${says}`;

const latency = (load: Load, rule: Rule, q: number, published: number, factor: number): Oracle => ({
  kind: 'similar',
  about: what(load, `p${100 * q} of ${rule} (${RULES[rule]}), ms`),
  published,
  factor,
  measure: () => latencyMs(rule, load, q),
});

const inVain = (load: Load, rule: Rule, q: number): Oracle => ({
  kind: 'exact',
  about: what(load, `p${100 * q} of ${rule} (${RULES[rule]})`),
  published: 'in vain',
  measure: () => {
    const ms = latencyMs(rule, load, q);
    return ms >= TIMEOUT_MS ? 'in vain' : `${ms.toFixed(0)} ms`;
  },
});

const ranking = (load: Load): Oracle => ({
  kind: 'exact',
  about: what(load, 'best first, by p99'),
  published: 'prequal, least_connections, round_robin',
  measure: () =>
    (Object.keys(RULES) as Rule[])
      .map((rule) => [rule, latencyMs(rule, load, 0.99)] as const)
      .sort(([, a], [, b]) => a - b)
      .map(([rule]) => rule)
      .join(', '),
});

/** How much worse it gets with a load that the throttled ones cannot carry. */
const growth = (rule: Rule, published: number, factor: number): Oracle => ({
  kind: 'similar',
  about: `Prequal's table: p99 of ${rule} (${RULES[rule]}), load 90 % to load 70 %`,
  published,
  factor,
  measure: () => latencyMs(rule, 90, 0.99) / latencyMs(rule, 70, 0.99),
});

export const prequal: readonly Oracle[] = [
  latency(70, 'round_robin', 0.9, 4984, 2),
  inVain(70, 'round_robin', 0.99),
  latency(70, 'least_connections', 0.9, 343, 5),
  latency(70, 'least_connections', 0.99, 1804, 2.5),
  latency(70, 'prequal', 0.9, 149, 1.5),
  latency(70, 'prequal', 0.99, 281, 1.5),
  ranking(70),
  inVain(90, 'round_robin', 0.9),
  inVain(90, 'round_robin', 0.99),
  latency(90, 'least_connections', 0.9, 940, 2.5),
  latency(90, 'least_connections', 0.99, 2654, 2.5),
  latency(90, 'prequal', 0.9, 152, 1.5),
  latency(90, 'prequal', 0.99, 286, 1.5),
  ranking(90),
  growth('least_connections', 1.47, 1.5),
  growth('prequal', 1.02, 1.2),
];
