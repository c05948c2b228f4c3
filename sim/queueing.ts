/**
 * Queueing theory's world: exchanges arrive at random at a pool of servers, each of which does one
 * thing after another, or all at once a little. The policies are the product's, with its table
 * and schedules, and what they bring about has known answers (`oracles/`). Time is in mean
 * service times.
 */
import { type Policy, policies, type ReportedLoad } from '../src/core/balancing/balancing.ts';
import { LoadMeter } from '../src/core/balancing/load-meter.ts';
import { createRoundRobin } from '../src/core/balancing/round-robin.ts';
import type { Schedule } from '../src/core/balancing/schedule.ts';
import { ln } from '../src/core/base/math.ts';
import { createRng, type Rng } from '../src/core/base/rng.ts';
import type { PolicyName } from '../src/core/config.ts';
import { State, statesOf, Table } from '../src/core/table/table.ts';

export interface QueueingOptions {
  readonly policy: PolicyName;
  /** So much faster than others each server is; 1: as all. */
  readonly speeds: readonly number[];
  readonly weights?: readonly number[];
  /** Arrivals in a mean service time, per server (and hand); or what that is at a time. */
  readonly load: number | ((now: number) => number);
  /**
   * Of service times: variance over squared mean; 0: all equal, 1: exponential. `normal`: a normal
   * distribution whose deviation is its mean, without what is not above 0 (0.38).
   */
  readonly variation: number | 'normal';
  /** A server does one after the other, or all at once (processor sharing). */
  readonly discipline: 'fifo' | 'sharing';
  /**
   * One after the other: so many at once on each server; 1 unless set. All at once: what a server
   * of speed 1 has for all together, none of which gets more than 1.
   */
  readonly hands?: number;
  readonly arrivals: number;
  readonly seed: number;
  /** Servers that answer at once, with an error. */
  readonly broken?: ReadonlySet<number>;
  /** Of all answers, those that are errors, whoever gives them. */
  readonly mishaps?: number;
  /** Balancers that see only their own exchanges; each gets the same share of what arrives. */
  readonly balancers?: number;
  /** One after the other: this server does nothing for a while. */
  readonly pause?: { readonly server: number; readonly at: number; readonly lasts: number };
  /** Of what each server does meanwhile, so many are so much slower, others after a while. */
  readonly neighbours?: Neighbours;
  /** A mean service time, in the milliseconds of policies; 10 unless set. */
  readonly serviceMs?: number;
  /** Each balancer probes each server once in so long, one after the other; unless set, never. */
  readonly probesEvery?: number;
  /** Told of each exchange when it is over. */
  readonly watch?: (seen: Seen) => void;
}

/** Whom others on the same machines slow down. */
export interface Neighbours {
  /** Of the servers. */
  readonly share: number;
  readonly slowness: number;
  /** How long the same ones are slow. */
  readonly every: number;
}

/** An exchange that is over. */
export interface Seen {
  readonly server: number;
  readonly arrived: number;
  readonly time: number;
  readonly failed: boolean;
}

export interface QueueingResult {
  /** From arrival to departure. */
  readonly meanTime: number;
  /** Of `meanTime`, from 20 batches. */
  readonly standardError: number;
  /** Of the times of each of 20 batches, sorted: what `of` makes of them, on average. */
  readonly estimate: (of: (sorted: Float64Array) => number) => Estimate;
  readonly quantile: (q: number) => number;
  /** Which part of the servers has so many exchanges or more, 1 to 8, on average over time. */
  readonly tail: (exchanges: number) => Estimate;
  /** What arrived at each server, of all. */
  readonly shares: readonly number[];
  /** Exchanges in the system on average. */
  readonly meanNumber: number;
  /** Answers that were errors, of all. */
  readonly errors: number;
}

/** A figure from several batches. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** The mean of independent figures. */
export function estimateOf(figures: readonly number[]): Estimate {
  const value = mean(figures);
  const variance = figures.reduce((sum, each) => sum + square(each - value), 0);
  const { length } = figures;
  return { value, standardError: Math.sqrt(variance / (length - 1) / length) };
}

const STATES = statesOf(State.up);
/** Of the arrivals, not counted: the system fills. */
const WARM_UP = 0.2;
const BATCHES = 20;
/** Of what is above 0 of a normal distribution whose mean and deviation are 1. */
const NORMAL_MEAN = 1.2876;
/** Longest queue that `tail` tells apart. */
const LONGEST = 8;

/** The same options give the same result, bit by bit. */
export function simulateQueues(options: QueueingOptions): QueueingResult {
  return new Queueing(options).run();
}

/** A job on a server. */
interface Job {
  readonly arrived: number;
  /** FIFO: when it leaves. Sharing: at which work done for each the server lets it go. */
  readonly ends: number;
  readonly balancer: number;
  /** Of the same balancer there when it came. */
  readonly others: number;
  /** Of all balancers. */
  readonly met: number;
}

class Server {
  /** Who leaves first is first. */
  readonly jobs: Job[] = [];
  readonly meter = new LoadMeter();
  private speed: number;
  private readonly isShared: boolean;
  private readonly hands: number;
  /** FIFO: when each hand is free. */
  private readonly free: number[];
  /** Sharing: how much work each job here has got since the beginning. */
  private given = 0;
  private givenAt = 0;

  constructor(speed: number, isShared: boolean, hands: number) {
    this.speed = speed;
    this.isShared = isShared;
    this.hands = hands;
    this.free = new Array<number>(hands).fill(0);
  }

  arrive(now: number, work: number, balancer: number, others: number): void {
    const { jobs } = this;
    this.giveUntil(now);
    const ends = this.isShared ? this.given + work : this.begin(now, work);
    let at = jobs.length;
    while (at > 0 && jobs[at - 1].ends > ends) at--;
    jobs.splice(at, 0, { arrived: now, ends, balancer, others, met: this.meter.begin() });
  }

  /** When it is done by the hand that is free first. */
  private begin(now: number, work: number): number {
    const { free } = this;
    const hand = free.indexOf(Math.min(...free));
    free[hand] = Math.max(free[hand], now) + work / this.speed;
    return free[hand];
  }

  /** Nothing happens here for a while. */
  pause(now: number, lasts: number): void {
    const { jobs, free } = this;
    jobs.splice(0, jobs.length, ...jobs.map((job) => ({ ...job, ends: job.ends + lasts })));
    free.forEach((at, hand) => {
      free[hand] = Math.max(at, now) + lasts;
    });
  }

  /** It is so fast from now on; who is served by a hand of his own ends as planned. */
  turn(now: number, speed: number): void {
    this.giveUntil(now);
    this.speed = speed;
  }

  /** When the next one leaves if nobody comes before. */
  nextAt(): number {
    const { jobs } = this;
    if (jobs.length === 0) return Number.POSITIVE_INFINITY;
    if (!this.isShared) return jobs[0].ends;
    return this.givenAt + (jobs[0].ends - this.given) / this.each;
  }

  /** Sharing: how fast each job is. */
  private get each(): number {
    return Math.min(1, (this.speed * this.hands) / this.jobs.length);
  }

  depart(now: number): Job {
    this.giveUntil(now);
    return this.jobs.shift()!;
  }

  private giveUntil(now: number): void {
    if (this.jobs.length > 0) this.given += (now - this.givenAt) * this.each;
    this.givenAt = now;
  }
}

interface Balancer {
  readonly table: Table;
  readonly policy: Policy;
  readonly schedule: Schedule;
}

class Queueing {
  private readonly options: QueueingOptions;
  private readonly rng: Rng;
  private readonly serviceMs: number;
  private readonly servers: Server[];
  private readonly balancers: Balancer[];
  private readonly times: number[] = [];
  private readonly arrived: number[];
  private now = 0;
  private inSystem = 0;
  private area = 0;
  private areaSince = 0;
  private errors = 0;
  /** By server: when the next exchange leaves it. */
  private readonly nextAt: Float64Array;
  /** By length: how many servers have so many exchanges or more, and that times time. */
  private readonly longer = new Float64Array(LONGEST + 1);
  private readonly longerFor = new Float64Array(LONGEST + 1);
  /** `longerFor` and the time, at the beginning of each batch and at the end. */
  private readonly marks: Float64Array[] = [];
  /** When the neighbours move. */
  private moveAt = 0;
  private probes = 0;

  constructor(options: QueueingOptions) {
    const { speeds, discipline, seed, balancers = 1, hands = 1 } = options;
    this.options = options;
    this.serviceMs = options.serviceMs ?? 10;
    this.rng = createRng(seed);
    this.servers = speeds.map((speed) => new Server(speed, discipline === 'sharing', hands));
    this.nextAt = new Float64Array(speeds.length).fill(Number.POSITIVE_INFINITY);
    this.arrived = speeds.map(() => 0);
    this.balancers = Array.from({ length: balancers }, () => this.balancer());
  }

  private balancer(): Balancer {
    const { policy, speeds, weights = speeds.map(() => 1) } = this.options;
    const table = new Table({ capacity: speeds.length, workers: 1 });
    const slots = weights.map((weight) => table.claim(weight, State.up)!);
    const order = createRoundRobin((bytes) => new ArrayBuffer(bytes));
    const schedule = order.rebuild(slots, weights);
    schedule.setStates(STATES);
    // Balancers that were started together do not go in step.
    schedule.setCursor(this.rng.below(schedule.length));
    const rng = this.rng.fork();
    const wallMs = (): number => this.now * this.serviceMs;
    const deps = { loads: table, rng, wallMs, warn: () => {}, boundedLoad: null, own: null };
    return { table, policy: policies[policy](deps), schedule };
  }

  run(): QueueingResult {
    const { arrivals, load, speeds, hands = 1 } = this.options;
    const places = speeds.length * hands;
    const warm = Math.floor(arrivals * WARM_UP);
    const batch = Math.floor((arrivals - warm) / BATCHES);
    for (let arrival = 0; arrival < arrivals; arrival++) {
      const rate = typeof load === 'number' ? load : load(this.now);
      const at = this.now + this.exponential() / (rate * places);
      this.disturb(at, arrival >= warm);
      this.probeUntil(at, arrival >= warm);
      this.departUntil(at, arrival >= warm);
      this.advance(at);
      if (arrival === warm) {
        this.area = 0;
        this.areaSince = this.now;
        this.arrived.fill(0);
        this.errors = 0;
      }
      if (arrival >= warm && (arrival - warm) % batch === 0) this.mark();
      this.arrive(arrival >= warm);
    }
    return this.result(arrivals - warm);
  }

  /** What befalls the servers before this arrival. */
  private disturb(until: number, isCounted: boolean): void {
    const { pause, neighbours, speeds } = this.options;
    if (pause !== undefined && pause.at >= this.now && pause.at < until) {
      this.departUntil(pause.at, isCounted);
      this.servers[pause.server].pause(pause.at, pause.lasts);
      this.plan(pause.server);
    }
    if (neighbours === undefined || until < this.moveAt) return;
    const at = this.moveAt;
    this.departUntil(at, isCounted);
    this.moveAt += neighbours.every;
    this.servers.forEach((server, i) => {
      const isSlow = this.rng.next() / 0x100000000 < neighbours.share;
      server.turn(at, isSlow ? speeds[i] / neighbours.slowness : speeds[i]);
      this.plan(i);
    });
  }

  /** The probes that are sent before this arrival, and answered at once. */
  private probeUntil(until: number, isCounted: boolean): void {
    const { servers, balancers, options } = this;
    const { probesEvery } = options;
    if (probesEvery === undefined) return;
    for (;;) {
      const at = (this.probes * probesEvery) / (servers.length * balancers.length);
      if (at > until) return;
      this.departUntil(at, isCounted);
      const balancer = this.probes % balancers.length;
      const turn = Math.floor(this.probes / balancers.length);
      // Balancers do not probe in step.
      const slot = (turn + 7 * balancer) % servers.length;
      const { inFlight, latencyUs } = reportOf(servers[slot].meter);
      balancers[balancer].table.probed.set(slot, inFlight, latencyUs, at * this.serviceMs);
      this.probes += 1;
    }
  }

  private advance(to: number): void {
    const { longer, longerFor } = this;
    const passed = to - this.now;
    this.area += passed * this.inSystem;
    for (let length = 1; length <= LONGEST; length++) longerFor[length] += passed * longer[length];
    this.now = to;
  }

  private mark(): void {
    const mark = this.longerFor.slice();
    mark[0] = this.now;
    this.marks.push(mark);
  }

  /** Something has changed on this server. */
  private plan(server: number): void {
    this.nextAt[server] = this.servers[server].nextAt();
  }

  private departUntil(until: number, isCounted: boolean): void {
    const { servers, nextAt: planned, longer } = this;
    for (;;) {
      let next = 0;
      let nextAt = planned[0];
      for (let i = 1; i < planned.length; i++) {
        if (planned[i] >= nextAt) continue;
        next = i;
        nextAt = planned[i];
      }
      if (nextAt > until) return;
      this.advance(nextAt);
      const { length } = servers[next].jobs;
      if (length <= LONGEST) longer[length] -= 1;
      const job = servers[next].depart(nextAt);
      this.plan(next);
      const { mishaps = 0 } = this.options;
      const failed = mishaps > 0 && this.rng.next() / 0x100000000 < mishaps;
      this.leave(next, job, nextAt, failed);
      this.inSystem -= 1;
      if (isCounted) this.times.push(nextAt - job.arrived);
    }
  }

  private arrive(isCounted: boolean): void {
    const index = this.rng.below(this.balancers.length);
    const { table, policy, schedule } = this.balancers[index];
    const slot = policy.pick(schedule, [], -1);
    const others = table.busy(slot);
    table.enter(slot, table.generation(slot), STATES);
    this.arrived[slot] += 1;
    if (this.options.broken?.has(slot)) {
      this.errors += 1;
      const job = { arrived: this.now, ends: this.now, balancer: index, others, met: 0 };
      this.leave(slot, job, this.now, true);
      if (isCounted) this.times.push(0);
      return;
    }
    this.inSystem += 1;
    const server = this.servers[slot];
    server.arrive(this.now, this.work(), index, others);
    this.plan(slot);
    const { length } = server.jobs;
    if (length <= LONGEST) this.longer[length] += 1;
  }

  private leave(slot: number, job: Job, now: number, failed: boolean): void {
    const { table, policy } = this.balancers[job.balancer];
    const time = now - job.arrived;
    const { meter } = this.servers[slot];
    if (!failed) meter.end(job.met, time * this.serviceMs);
    policy.observe?.({
      slot,
      outcome: failed ? 'failed' : 'answered',
      elapsedMs: time * this.serviceMs,
      others: job.others,
      retryAfterMs: 0,
      load: policy.readsReports === true ? reportOf(meter) : NO_REPORT,
    });
    table.leave(slot);
    this.options.watch?.({ server: slot, arrived: job.arrived, time, failed });
  }

  private exponential(): number {
    return -ln((this.rng.next() + 1) / 0x100000000);
  }

  /** Mean 1. Above 1: of two exponentials, the longer as much rarer (balanced means). */
  private work(): number {
    const { variation } = this.options;
    if (variation === 0) return 1;
    if (variation === 1) return this.exponential();
    if (variation === 'normal') return this.normal();
    const p = (1 + Math.sqrt((variation - 1) / (variation + 1))) / 2;
    const isShort = this.rng.next() / 0x100000000 < p;
    return this.exponential() / (2 * (isShort ? p : 1 - p));
  }

  /** Of Marsaglia's polar method; mean 1 without what is not above 0. */
  private normal(): number {
    for (;;) {
      const x = this.rng.next() / 0x80000000 - 1;
      const y = this.rng.next() / 0x80000000 - 1;
      const s = x * x + y * y;
      if (s >= 1 || s === 0) continue;
      const work = 1 + x * Math.sqrt((-2 * ln(s)) / s);
      if (work > 0) return work / NORMAL_MEAN;
    }
  }

  private result(counted: number): QueueingResult {
    const { times } = this;
    this.mark();
    const size = Math.floor(times.length / BATCHES);
    const batches = Array.from({ length: BATCHES }, (_, i) =>
      times.slice(i * size, (i + 1) * size),
    );
    const { value, standardError } = estimateOf(batches.map(mean));
    const sorted = Float64Array.from(times).sort();
    return {
      meanTime: value,
      standardError,
      estimate: (of) => estimateOf(batches.map((batch) => of(Float64Array.from(batch).sort()))),
      quantile: (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))],
      tail: (exchanges) => this.tail(exchanges),
      shares: this.arrived.map((count) => count / counted),
      meanNumber: this.area / (this.now - this.areaSince),
      errors: this.errors / counted,
    };
  }

  private tail(exchanges: number): Estimate {
    const { marks, servers } = this;
    const parts = marks.slice(1).map((mark, i) => {
      const time = (mark[0] - marks[i][0]) * servers.length;
      return (mark[exchanges] - marks[i][exchanges]) / time;
    });
    return estimateOf(parts);
  }
}

const reportOf = (meter: LoadMeter): ReportedLoad => ({
  inFlight: meter.inFlight,
  latencyUs: Math.round(meter.latencyMs() * 1000),
});

const NO_REPORT: ReportedLoad = { inFlight: -1, latencyUs: 0 };

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const square = (value: number): number => value * value;
