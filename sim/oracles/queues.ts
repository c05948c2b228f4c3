/**
 * What queueing theory knows of policies: times in mean service times, arrivals at random, service
 * times exponential unless said. Figures for a few servers are simulations themselves.
 */
import { hashText } from '../../src/core/base/hash.ts';
import type { PolicyName } from '../../src/core/config.ts';
import { type QueueingOptions, type QueueingResult, simulateQueues } from '../queueing.ts';
import type { Oracle } from './oracle.ts';

interface Case {
  readonly policy: PolicyName;
  readonly servers: number;
  readonly load: number;
  readonly changes?: Partial<QueueingOptions>;
}

/** Several oracles ask about the same run, one after the other. */
let last: { readonly of: Case; readonly result: QueueingResult } | null = null;

function run(of: Case): QueueingResult {
  const { policy, servers, load, changes } = of;
  if (last?.of === of) return last.result;
  const result = simulateQueues({
    policy,
    load,
    speeds: new Array(servers).fill(1),
    variation: 1,
    discipline: 'fifo',
    arrivals: 500_000,
    // Each has a draw of its own: else all of them would be off together.
    seed: hashText(JSON.stringify(of)),
    ...changes,
  });
  last = { of, result };
  return result;
}

const named = ({ policy, servers, load }: Case): string =>
  `${policy}, n = ${servers}, load ${load}`;

/** The mean time in the system. */
const time = (law: string, of: Case, published: number, open = 0.02): Oracle => ({
  kind: 'measured',
  about: `${law}: mean time; ${named(of)}`,
  published,
  open,
  measure: () => {
    const { meanTime, standardError } = run(of);
    return { value: meanTime, standardError };
  },
});

const quantile = (law: string, of: Case, q: number, published: number, open: number): Oracle => ({
  kind: 'measured',
  about: `${law}: p${100 * q} of time; ${named(of)}`,
  published,
  open,
  measure: () => {
    // In a batch there are too few late ones for its own quantile to be right on average.
    const { standardError } = run(of).estimate((sorted) => sorted[Math.floor(q * sorted.length)]);
    return { value: run(of).quantile(q), standardError };
  },
});

/** Which part of the servers has so many or more. */
const tail = (law: string, of: Case, length: number, published: number, open: number): Oracle => ({
  kind: 'measured',
  about: `${law}: servers with ${length} or more; ${named(of)}`,
  published,
  open,
  measure: () => run(of).tail(length),
});

/** Little: exchanges there are arrivals times time. */
const little = (of: Case): Oracle => ({
  kind: 'measured',
  about: `Little's law: number / (rate x time); ${named(of)}`,
  published: 1,
  open: 0.01,
  measure: () => {
    const { meanTime, meanNumber, standardError } = run(of);
    const value = meanNumber / (of.servers * of.load * meanTime);
    return { value, standardError: standardError / meanTime };
  },
});

const general = (
  load: number,
  variation: number,
  discipline: 'fifo' | 'sharing',
  published: number,
): Oracle => {
  const changes = { variation, discipline };
  const law = discipline === 'fifo' ? 'M/G/1' : 'M/G/1-PS';
  const of: Case = { policy: 'random', servers: 10, load, changes };
  return time(`${law}, variation ${variation}`, of, published, 0.025);
};

/** The busier, the longer it takes until chance evens out. */
const LONG = { arrivals: 2_000_000 };

const random = (load: number): Case => ({ policy: 'random', servers: 10, load });
const turns = (servers: number, load: number): Case => ({ policy: 'round_robin', servers, load });
const two = (servers: number, load: number): Case => ({ policy: 'least_request', servers, load });
const shortest = (servers: number, load: number): Case => ({
  policy: 'least_connections',
  servers,
  load,
});
/** Above 256 servers it looks at three. */
const three = (load: number): Case => ({
  policy: 'least_connections',
  servers: 500,
  load,
});

const R7 = random(0.7);
const T9: Case = { ...turns(10, 0.9), changes: LONG };
const S9 = two(100, 0.9);
const D9 = three(0.9);

/** Each server by itself, by chance. */
const alone: readonly Oracle[] = [
  time('M/M/1', random(0.5), 2),
  time('M/M/1', R7, 3.3333),
  quantile('M/M/1', R7, 0.5, 2.3105, 0.02),
  quantile('M/M/1', R7, 0.99, 15.351, 0.03),
  tail('M/M/1', R7, 2, 0.49, 0.01),
  tail('M/M/1', R7, 4, 0.2401, 0.02),
  little(R7),
  time('M/M/1', random(0.8), 5),
  time('M/M/1', { ...random(0.9), changes: LONG }, 10),
  general(0.7, 0, 'fifo', 2.1667),
  general(0.7, 4, 'fifo', 6.8333),
  general(0.7, 10, 'fifo', 13.833),
  general(0.5, 4, 'sharing', 2),
  general(0.7, 0, 'sharing', 3.3333),
  general(0.7, 1, 'sharing', 3.3333),
  general(0.7, 4, 'sharing', 3.3333),
  general(0.7, 10, 'sharing', 3.3333),
];

/** In turn: each server is E_n/M/1. */
const inTurn: readonly Oracle[] = [
  time('E_n/M/1', turns(2, 0.5), 1.618),
  time('E_n/M/1', turns(2, 0.7), 2.6006),
  time('E_n/M/1', turns(10, 0.5), 1.3246),
  time('E_n/M/1', turns(10, 0.7), 2.0198),
  time('E_n/M/1', T9, 5.6603),
  quantile('E_n/M/1', T9, 0.99, 26.066, 0.03),
  time('E_n/M/1', turns(100, 0.7), 1.8905),
  time('E_n/M/1', turns(100, 0.9), 5.2268),
];

/**
 * The supermarket model. Of ten and of a hundred servers without replacement the published times
 * are simulations; quantiles and queues, and all with three choices, are those of infinitely many.
 */
const choices: readonly Oracle[] = [
  time('supermarket, two choices', two(10, 0.5), 1.2856),
  time('supermarket, two choices', two(10, 0.7), 1.6783),
  time('supermarket, two choices', two(10, 0.9), 2.9933),
  time('supermarket, two choices', two(100, 0.7), 1.621),
  time('supermarket, two choices', S9, 2.6489),
  quantile('supermarket, two choices', S9, 0.5, 2.202, 0.03),
  quantile('supermarket, two choices', S9, 0.9, 5.287, 0.03),
  quantile('supermarket, two choices', S9, 0.99, 8.791, 0.03),
  tail('supermarket, two choices', S9, 2, 0.729, 0.01),
  tail('supermarket, two choices', S9, 3, 0.4783, 0.03),
  tail('supermarket, two choices', S9, 4, 0.2059, 0.08),
  little(S9),
  time('supermarket, three choices', three(0.7), 1.3568),
  time('supermarket, three choices', D9, 2.0279),
  tail('supermarket, three choices', D9, 2, 0.6561, 0.01),
  tail('supermarket, three choices', D9, 3, 0.2542, 0.03),
  tail('supermarket, three choices', D9, 4, 0.0148, 0.15),
  time('the shortest queue', shortest(10, 0.5), 1.0249),
  time('the shortest queue', shortest(10, 0.7), 1.1622),
  time('the shortest queue', shortest(10, 0.9), 1.9186),
  time('the shortest queue', shortest(100, 0.7), 1.0003),
  time('the shortest queue', shortest(100, 0.9), 1.0659),
];

export const queues: readonly Oracle[] = [...alone, ...inTurn, ...choices];
