/**
 * What a world is like, drawn from its seed. Swarm testing: each fault is absent, rare or frequent,
 * so that some worlds are full of one kind and free of another. One world in ten is calm: there
 * everything must be exactly right.
 */

import { goesByKey, policies } from '../src/core/balancing/balancing.ts';
import { createRng, type Rng } from '../src/core/base/rng.ts';
import type {
  CircuitBreakerConfig,
  HedgeConfig,
  PassiveHealthConfig,
  PolicyName,
  QueueConfig,
  RetriesConfig,
  StickyConfig,
} from '../src/core/config.ts';
import { BACKUP } from '../src/core/health/levels.ts';
import type { Range, Ratio, SimNetworkOptions } from './network.ts';

/** What a backend may do to one request instead of answering it well. */
export const MISDEEDS = [
  'reset', // RST instead of an answer
  'close', // FIN instead of an answer
  'hang', // no answer, ever
  'cut-reset', // a part of the answer, then RST
  'cut-close', // a part of the answer, then FIN
  'cut-hang', // a part of the answer, then nothing
  'garbage', // no HTTP at all
  'two-lengths', // framing that can be read in two ways
  'bad-chunk', // a chunk whose size is not a number
  'unasked-switch', // 101 to a request that asked for none
  'many-interims', // more 1xx than anybody needs
  'length-short', // more bytes of body than Content-Length says
  'length-long', // fewer, and then it waits for the next request
  'extra-now', // a second answer right behind the first
  'extra-late', // a second answer when the first is long over
  'reset-after', // RST right after the last byte
  'deaf', // reads no more of the request
  'die', // the whole process dies
] as const;
export type Misdeed = (typeof MISDEEDS)[number];

/** What a client may do to one of its connections. */
export const PRANKS = [
  'abort', // RST at some moment
  'half-close', // FIN after the last request
  'slow', // bytes come in drops
  'deaf', // reads nothing for a while
  'vanish', // RST in the middle of a request
  'truncate', // FIN in the middle of a request
  'ambiguous', // Content-Length and Transfer-Encoding at once
  'bad-chunk', // a chunk whose size is not a number
] as const;
export type Prank = (typeof PRANKS)[number];

/** What may befall the world as a whole. */
export const CALAMITIES = [
  'kill', // a backend's process dies and comes back
  'reset-all', // all connections of a backend are reset
  'refuse', // a backend refuses for a while
  'black-hole', // nothing from or to a backend arrives for a while
  'black-hole-client', // the same for a client
  'hang', // a backend answers nothing for a while
  'backlog', // a backend accepts nobody for a while: its queue is full
  'backlog-ours', // the same for the balancer
] as const;
export type Calamity = (typeof CALAMITIES)[number];

/** What an operator may do to a balancer that runs. */
export const OPERATIONS = ['drain', 'reload', 'reweigh', 'reload-refused'] as const;

/** What may happen to the names of backends. */
export const NAME_CHANGES = [
  'moves', // a backend goes to another address, and its name follows some time later
  'swaps', // two names change their addresses
  'turns', // the addresses of a name come in another order
  'forgets', // a name has nothing left but an address where nobody is
  'fails', // a name cannot be looked up for a while
  'lingers', // every look-up takes long, for a while
] as const;
export type NameChange = (typeof NAME_CHANGES)[number];

export interface HealthOptions {
  readonly kind: 'http' | 'tcp';
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface ClockJumps {
  readonly everyMs: Range;
  readonly mostMs: number;
}

export interface RateLimitOptions {
  /** One request each so many milliseconds; whole. */
  readonly eachMs: number;
  readonly burst: number;
  readonly key: 'client_address' | 'all';
}

export interface SimOptions {
  readonly calm: boolean;
  readonly policy: PolicyName;
  /** For policies that go by a key; null: no bound. */
  readonly boundedLoad: number | null;
  /** Clients keep a cookie of the balancer's, or have a session of their own; null: neither. */
  readonly sticky: StickyConfig | null;
  readonly clients: number;
  readonly backends: number;
  /** Weights of the backends, in order. */
  readonly weights: readonly number[];
  /** Of each: its priority, or `BACKUP`. */
  readonly levels: readonly number[];
  /** 0: backends that come back get their share at once. */
  readonly slowStartMs: number;
  /** Backends are named, and the first address of the name is dead. */
  readonly named: boolean;
  /** How often something happens to a name; null: never. */
  readonly namesChangeEveryMs: Range | null;
  readonly health: HealthOptions | null;
  readonly panic: boolean;
  /** Of every backend; 0: any number. */
  readonly maxRequests: number;
  readonly queue: QueueConfig;
  readonly network: Partial<SimNetworkOptions>;
  readonly misdeeds: Readonly<Record<Misdeed, Ratio>>;
  readonly pranks: Readonly<Record<Prank, Ratio>>;
  readonly calamities: readonly Calamity[];
  readonly calamityEveryMs: Range;
  /** Null: no operator. */
  readonly operatorEveryMs: Range | null;
  /** After so long a backend closes an idle connection; null: never. */
  readonly idleCloseMs: Range | null;
  /** From a request's end to its answer. */
  readonly workMs: Range;
  /** Between a client's connections. */
  readonly thinkMs: Range;
  readonly largestBody: number;
  /** Requests on their way at once on one connection. */
  readonly pipelining: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
  readonly tunnelIdleMs: number;
  readonly clientHeadMs: number;
  readonly clientKeepAliveMs: number;
  readonly drainMs: number;
  readonly idlePerBackend: number;
  readonly maxConnections: number | null;
  readonly maxConnectionsPerClient: number | null;
  readonly maxBufferBytes: number | null;
  readonly rateLimit: RateLimitOptions | null;
  /** The balancer is asked to stop while exchanges are in flight. */
  readonly stopsEarly: boolean;
  readonly passive: PassiveHealthConfig | null;
  /** Threads that carry the traffic; 1: the control thread does. */
  readonly workers: number;
  /** How often one of them dies or hangs; null: never. */
  readonly workerDiesEveryMs: Range | null;
  /** How often the wall clock is set, and by how much at most, either way; null: never. */
  readonly clockJumps: ClockJumps | null;
  readonly circuit: CircuitBreakerConfig | null;
  /** To every backend; 0: any number. */
  readonly maxBackendConnections: number;
  readonly retries: RetriesConfig | null;
  readonly hedge: HedgeConfig | null;
  /** Changes of the pool are merged so long, as those of a large one are; 0: never. */
  readonly mergeWindowMs: number;
}

/** Exchanges may have to wait for a backend. */
export const isLimited = ({ maxRequests, maxBackendConnections }: SimOptions): boolean =>
  maxRequests > 0 || maxBackendConnections > 0;

const NEVER: Ratio = [0, 1];

/** What the world of this seed is like. */
export const optionsOf = (seed: number): SimOptions => drawOptions(createRng(seed).fork());

/** The options of the world of this generator. */
export function drawOptions(rng: Rng): SimOptions {
  const calm = rng.chance(1, 10);
  const backends = 1 + rng.below(5);
  const network = drawNetwork(rng, calm);
  const equal = rng.chance(1, 2);
  const slow = rng.chance(1, 3);
  const policy = pick(rng, POLICIES);
  const named = !calm && rng.chance(1, 3);
  return {
    calm,
    policy,
    boundedLoad: goesByKey(policy) && rng.chance(1, 2) ? pick(rng, BOUNDS) : null,
    sticky: rng.chance(1, 3) ? drawSticky(rng) : null,
    clients: 2 + rng.below(5),
    backends,
    weights: Array.from({ length: backends }, () => (equal ? 1 : 1 + rng.below(5))),
    levels: drawLevels(rng, backends),
    slowStartMs: rng.chance(1, 3) ? pick(rng, [1000, 5000, 30_000]) : 0,
    named,
    namesChangeEveryMs: named && rng.chance(2, 3) ? pick<Range>(rng, NAME_TIMES) : null,
    health: drawHealth(rng, calm),
    panic: rng.chance(1, 4),
    maxRequests: rng.chance(1, 3) ? 1 + rng.below(3) : 0,
    queue: drawQueue(rng, calm),
    network,
    misdeeds: drawRatios(rng, MISDEEDS, calm),
    pranks: drawRatios(rng, PRANKS, calm),
    calamities: calm ? [] : CALAMITIES.filter(() => rng.chance(1, 2)),
    calamityEveryMs: rng.chance(1, 2) ? [200, 2000] : [2000, 12_000],
    operatorEveryMs: !calm && rng.chance(1, 2) ? [1000, 15_000] : null,
    idleCloseMs: !calm && rng.chance(1, 3) ? pick<Range>(rng, IDLE_CLOSES) : null,
    workMs: slow ? [0, 200] : [0, 5],
    thinkMs: pick<Range>(rng, THINKS),
    largestBody: largestBody(rng, network),
    pipelining: 1 + rng.below(4),
    responseHeadMs: 2000 + rng.below(18_000),
    idleMs: 2000 + rng.below(18_000),
    tunnelIdleMs: 5000 + rng.below(40_000),
    clientHeadMs: 1000 + rng.below(10_000),
    clientKeepAliveMs: 1000 + rng.below(30_000),
    drainMs: 500 + rng.below(10_000),
    idlePerBackend: rng.chance(1, 3) ? 1 : 64,
    maxConnections: !calm && rng.chance(1, 8) ? 2 : null,
    maxConnectionsPerClient: !calm && rng.chance(1, 8) ? 1 : null,
    maxBufferBytes: !calm && rng.chance(1, 8) ? 20_000 : null,
    stopsEarly: !calm && rng.chance(1, 4),
    rateLimit: !calm && rng.chance(1, 4) ? drawRateLimit(rng) : null,
    passive: !calm && rng.chance(1, 2) ? drawPassive(rng) : null,
    workers: rng.chance(1, 3) ? 2 + rng.below(3) : 1,
    workerDiesEveryMs: !calm && rng.chance(1, 2) ? pick<Range>(rng, WORKER_DEATHS) : null,
    clockJumps: rng.chance(1, 3) ? pick(rng, CLOCK_JUMPS) : null,
    circuit: !calm && rng.chance(1, 4) ? drawCircuit(rng) : null,
    maxBackendConnections: rng.chance(1, 4) ? 1 + rng.below(4) : 0,
    retries: !calm && rng.chance(1, 2) ? drawRetries(rng) : null,
    hedge: !calm && rng.chance(1, 2) ? pick(rng, HEDGES) : null,
    mergeWindowMs: pick(rng, [0, 0, 100, 2000]),
  };
}

const drawCircuit = (rng: Rng): CircuitBreakerConfig => ({
  failureRatio: pick(rng, [0.1, 0.5, 1]),
  minimumRequests: 1 + rng.below(10),
  intervalMs: pick(rng, [500, 5000]),
  openMs: pick(rng, [100, 2000]),
});

/** All at one level in every other world. */
function drawLevels(rng: Rng, backends: number): number[] {
  const some = pick(rng, [[0], [0], [0, 1, 2], [0, 0, 1, BACKUP], [0, BACKUP]]);
  return Array.from({ length: backends }, () => pick(rng, some));
}

const POLICIES = Object.keys(policies) as PolicyName[];

const BOUNDS: readonly number[] = [1.01, 1.25, 2];

function drawSticky(rng: Rng): StickyConfig {
  const drain = rng.chance(1, 2);
  if (rng.chance(1, 2)) {
    const secret = rng.chance(1, 2) ? 'what nobody guesses' : null;
    return { kind: 'cookie', cookie: 'lb', maxAgeMs: null, secret, drain };
  }
  const key = { kind: 'header', name: 'x-session' } as const;
  const rest = { idleMs: 3_600_000, sessions: 1000, drain };
  return { kind: 'sessions', key, learn: rng.chance(1, 2), ...rest };
}

const drawRateLimit = (rng: Rng): RateLimitOptions => ({
  eachMs: pick(rng, [1, 20, 100, 1000]),
  burst: 1 + rng.below(20),
  key: rng.chance(1, 2) ? 'client_address' : 'all',
});

const IDLE_CLOSES: readonly Range[] = [
  [0, 2],
  [0, 1000],
  [1000, 5000],
];

/** Of a time server's step, of daylight saving done wrong, of a board without a battery. */
const CLOCK_JUMPS: readonly ClockJumps[] = [
  { everyMs: [500, 5000], mostMs: 100 },
  { everyMs: [500, 5000], mostMs: 8000 },
  { everyMs: [2000, 20_000], mostMs: 3_600_000 },
  { everyMs: [2000, 20_000], mostMs: 100_000_000_000 },
];

const NAME_TIMES: readonly Range[] = [
  [500, 4000],
  [5000, 20_000],
];

const WORKER_DEATHS: readonly Range[] = [
  [500, 3000],
  [5000, 30_000],
];

const THINKS: readonly Range[] = [
  [0, 10],
  [0, 1000],
  [500, 5000],
];

function drawHealth(rng: Rng, calm: boolean): HealthOptions | null {
  if (rng.chance(1, 3)) return null;
  // In a calm world also a probe that comes in drops must be in time.
  if (calm) return { kind: rng.chance(1, 4) ? 'tcp' : 'http', intervalMs: 4000, timeoutMs: 3900 };
  const intervalMs = 500 + rng.below(4500);
  const timeoutMs = 200 + rng.below(intervalMs - 300);
  return { kind: rng.chance(1, 4) ? 'tcp' : 'http', intervalMs, timeoutMs };
}

/** In a calm world everybody is served in the end. */
function drawQueue(rng: Rng, calm: boolean): QueueConfig {
  if (calm) return { size: 1000, timeoutMs: 600_000, order: 'fifo' };
  return {
    size: pick(rng, [0, 1, 3, 1000]),
    timeoutMs: pick(rng, [20, 1000, 20_000]),
    order: pick(rng, ['fifo', 'adaptive']),
  };
}

/** Eager enough to eject somebody in a short life. */
function drawPassive(rng: Rng): PassiveHealthConfig {
  const ejectionMs = 500 + rng.below(5000);
  return {
    consecutiveFailures: pick(rng, [0, 1, 2, 3, 5]),
    failureRatio: pick(rng, [0, 0.1, 0.3]),
    minimumRequests: 1 + rng.below(10),
    intervalMs: 500 + rng.below(5000),
    slowerThan: pick(rng, [0, 1.5, 5]),
    ejectionMs,
    maxEjectionMs: ejectionMs * (1 + rng.below(10)),
    maxEjected: pick(rng, [0.1, 0.5, 1]),
  };
}

const HEDGES: readonly HedgeConfig[] = [
  { afterMs: 1, quantile: null },
  { afterMs: 50, quantile: null },
  { afterMs: 0, quantile: 0.8 },
];

function drawRetries(rng: Rng): RetriesConfig {
  const backoffMs = pick(rng, [1, 25, 1000]);
  return {
    attempts: 1 + rng.below(5),
    // Of what backends of this world answer.
    statuses: pick(rng, [[], [500], [404, 500], [500, 503]]),
    onTimeout: rng.chance(1, 2),
    attemptTimeoutMs: pick(rng, [Number.POSITIVE_INFINITY, 100, 2000]),
    backoffMs,
    maxBackoffMs: backoffMs * pick(rng, [1, 10]),
  };
}

function drawRatios<T extends string>(
  rng: Rng,
  kinds: readonly T[],
  calm: boolean,
): Record<T, Ratio> {
  const entries = kinds.map((kind) => [kind, calm ? NEVER : level(rng)] as const);
  return Object.fromEntries(entries) as Record<T, Ratio>;
}

/** Absent, rare or frequent. */
function level(rng: Rng): Ratio {
  return pick<Ratio>(rng, [NEVER, NEVER, [1, 100], [1, 25]]);
}

function drawNetwork(rng: Rng, calm: boolean): Partial<SimNetworkOptions> {
  const latency = (): Range => pick<Range>(rng, LATENCIES);
  const benign: Partial<SimNetworkOptions> = {
    latencyForthMs: latency(),
    latencyBackMs: latency(),
    delivery: pick(rng, ['whole', 'whole', 'random', 'random', 'random', 'random', 'bytes']),
    relayChance: pick<Ratio>(rng, [NEVER, [1, 2], [1, 1]]),
    sendBufferBytes: pick(rng, [1024, 16 * 1024, 256 * 1024]),
  };
  if (calm) return benign;
  return {
    ...benign,
    acceptDelayMs: pick<Range>(rng, ACCEPT_DELAYS),
    resetChance: pick<Ratio>(rng, [NEVER, NEVER, [1, 2000], [1, 200]]),
    resetDropsChance: pick<Ratio>(rng, [NEVER, [1, 2], [1, 1]]),
    halfCloseLossChance: pick<Ratio>(rng, [NEVER, NEVER, NEVER, [1, 50]]),
    clogChance: pick<Ratio>(rng, [NEVER, NEVER, [1, 500], [1, 50]]),
    clogMs: pick<Range>(rng, CLOGS),
    closeDelayMs: pick<Range>(rng, CLOSE_DELAYS),
  };
}

const LATENCIES: readonly Range[] = [
  [0, 0],
  [0.1, 0.1],
  [0.05, 3],
  [1, 60],
];

const ACCEPT_DELAYS: readonly Range[] = [
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 20],
  [0, 3000],
];

const CLOGS: readonly Range[] = [
  [1, 100],
  [100, 15_000],
];

const CLOSE_DELAYS: readonly Range[] = [
  [0, 0],
  [0, 5],
  [0, 500],
];

/** Every byte by itself is dear: then bodies are small. */
function largestBody(rng: Rng, network: Partial<SimNetworkOptions>): number {
  if (network.delivery === 'bytes') return 300;
  return pick(rng, [2000, 2000, 20_000, 150_000]);
}

/** One of them, each equally likely. */
export function pick<T>(rng: Rng, from: readonly T[]): T {
  return from[rng.below(from.length)];
}
