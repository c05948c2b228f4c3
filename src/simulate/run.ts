/**
 * One policy in one scenario, from the first request to the last answer. It is run in steps, so
 * that whoever watches can say how far it is.
 */

import { goesByKey } from '../core/balancing/balancing.ts';
import { ln } from '../core/base/math.ts';
import { createRng, type Rng } from '../core/base/rng.ts';
import type { BackendConfig, PolicyName, PoolConfig } from '../core/config.ts';
import { NO_KEY } from '../core/http/hash-key.ts';
import type { Backend } from '../core/table/backend.ts';
import type { Log } from '../core/telemetry/log.ts';
import { REFUSED, SimBalancer } from './balancer.ts';
import { Population, uniform } from './draws.ts';
import { SimExchange } from './exchange.ts';
import { type Frame, Measure, type RunResult, type Said } from './measure.ts';
import type { Happening, Scenario } from './scenario.ts';
import { DONE } from './server.ts';
import { Timeline } from './timeline.ts';

/** Kinds of entries of the timeline, beside those of servers and balancer. */
const ARRIVAL = 3;
const CLIENT = 4;
const EVENT = 5;
const SAMPLE = 6;

/** The balancer runs for so long before the traffic begins: it knows by then who is up. */
const LEAD_MS = 3000;
/** 2026-01-01T00:00:00Z: the day on which everything happens. */
const DAY_MS = 1_767_225_600_000;
const MOST_BUCKETS = 150;
const SAMPLES_PER_BUCKET = 8;
/** A client that waits for answers, and got an error, does not ask again at once. */
const LEAST_PAUSE_MS = 100;
/** When the traffic has ended, what is under way may take so long: all its timeouts are over. */
const LATEST_END_MS = 600_000;
/** What the log says first is kept; the rest only counted. */
const MOST_SAID = 500;

/** Every backend that there is at any time: of the pool, then of the pools of reloads. */
function backendsOf({ pool, events }: Scenario): readonly BackendConfig[] {
  const found = new Map<string, BackendConfig>();
  const pools = [pool, ...events.flatMap((each) => (each.kind === 'reload' ? [each.pool] : []))];
  for (const { backends } of pools) {
    for (const backend of backends) {
      if (!found.has(backend.name)) found.set(backend.name, backend);
    }
  }
  return [...found.values()];
}

/** How the results of every policy are laid out. */
export function frameOf(scenario: Scenario): Frame {
  const { durationMs, events } = scenario;
  const starts = events.map(({ atMs }) => atMs).filter((atMs) => atMs > 0 && atMs < durationMs);
  const bucketMs = bucketOf(durationMs);
  return {
    phaseStartsMs: [...new Set([0, ...starts])],
    durationMs,
    bucketMs,
    buckets: Math.ceil(durationMs / bucketMs),
    backends: backendsOf(scenario).map(({ name }) => name),
  };
}

/** A round time, of which there are not too many. */
function bucketOf(durationMs: number): number {
  let unit = 1;
  for (;;) {
    for (const times of [1, 2, 5]) {
      if (durationMs / (unit * times) <= MOST_BUCKETS) return unit * times;
    }
    unit *= 10;
  }
}

/** One run. The same scenario and policy give the same result, bit by bit. */
export class Run {
  private readonly scenario: Scenario;
  private readonly policy: PolicyName;
  private readonly frame: Frame;
  private readonly timeline: Timeline;
  private readonly measure: Measure;
  private readonly balancer: SimBalancer;
  private readonly population: Population;
  /** Streams of their own: each policy gets the same requests, whatever it does with them. */
  private readonly arrivals: Rng;
  private readonly draws: Rng;
  private readonly usesKeys: boolean;
  /** Where each client has been last, if it stays there. */
  private readonly homes: (Backend | null)[] | null;
  private readonly said: Said[] = [];
  /** The pool as of the last reload, with everybody that may be in it. */
  private whole: PoolConfig;
  private readonly absent: Set<string>;
  private perSecond: number;
  private phase = 0;
  private replayed = 0;
  private trafficEnded = false;

  constructor(scenario: Scenario, policy: PolicyName, frame: Frame) {
    this.scenario = scenario;
    this.policy = policy;
    this.frame = frame;
    const { seed, traffic, keys, pool, startsAtMs, events } = scenario;
    this.timeline = new Timeline(DAY_MS + (startsAtMs ?? 0) - LEAD_MS);
    this.measure = new Measure(frame);
    const rng = createRng(seed);
    this.arrivals = rng.fork();
    this.draws = rng.fork();
    this.population = new Population(keys, rng.fork());
    this.perSecond = traffic.kind === 'open' ? traffic.perSecond : 0;
    this.usesKeys = goesByKey(policy);
    this.homes = pool.sticky === null ? null : new Array<null>(keys.count).fill(null);
    this.whole = pool;
    const firsts = events.filter((each) => each.kind === 'member');
    const isFirst = (at: number): boolean =>
      firsts.findIndex(({ backend }) => backend === firsts[at].backend) === at;
    this.absent = new Set(
      firsts.filter(({ isIn }, at) => isIn && isFirst(at)).map(({ backend }) => backend),
    );
    this.balancer = new SimBalancer(
      {
        scenario,
        timeline: this.timeline,
        rng: rng.fork(),
        measure: this.measure,
        log: this.log(),
        backends: backendsOf(scenario),
        ended: (exchange, error, by) => this.ended(exchange, error, by),
      },
      this.pool(),
    );
    this.begin();
  }

  /** How far it is: milliseconds since the traffic began. */
  get atMs(): number {
    return this.timeline.nowMs() - LEAD_MS;
  }

  /** Goes on to this time of the traffic. True: it is over, and there is a result. */
  advance(untilMs: number): boolean {
    const { timeline, scenario } = this;
    const endMs = scenario.durationMs;
    this.runUntil(Math.min(untilMs, endMs) + LEAD_MS);
    if (untilMs < endMs) return false;
    this.trafficEnded = true;
    const latestMs = endMs + LEAD_MS + LATEST_END_MS;
    while (this.balancer.openExchanges > 0 && timeline.nowMs() < latestMs) {
      this.runUntil(timeline.nowMs() + 100);
    }
    return true;
  }

  result(): RunResult {
    return this.measure.result(this.policy, this.said);
  }

  private begin(): void {
    const { timeline, scenario, frame } = this;
    const { traffic, events, durationMs } = scenario;
    events.forEach(({ atMs }, at) => {
      if (atMs < durationMs) timeline.put(LEAD_MS + atMs, EVENT, at, 0);
    });
    const sampleMs = frame.bucketMs / SAMPLES_PER_BUCKET;
    timeline.put(LEAD_MS + sampleMs / 2, SAMPLE, 0, 0);
    if (traffic.kind === 'closed') {
      for (let client = 0; client < traffic.clients; client++) {
        const atMs = LEAD_MS + this.exponential() * traffic.thinkMs;
        timeline.put(atMs, CLIENT, client, 0);
      }
    } else this.planArrival(LEAD_MS);
  }

  private runUntil(untilMs: number): void {
    const { timeline, balancer } = this;
    while (timeline.take(untilMs)) {
      const { kind, index, serial } = timeline;
      if (kind === DONE) {
        const job = balancer.jobAt(index, serial);
        job?.server?.finish(job);
      } else if (kind === ARRIVAL) this.arrive();
      else if (kind === CLIENT) this.ask(index);
      else if (kind === REFUSED) {
        const job = balancer.jobAt(index, serial);
        if (job instanceof SimExchange) job.refused();
      } else if (kind === SAMPLE) this.sample();
      else this.happen(this.scenario.events[index]);
    }
  }

  // ---- traffic ----------------------------------------------------------------------------------

  private planArrival(fromMs: number): void {
    const { traffic } = this.scenario;
    if (traffic.kind === 'replay') {
      const { timesMs } = traffic;
      if (this.replayed === timesMs.length) return;
      this.timeline.put(LEAD_MS + timesMs[this.replayed], ARRIVAL, 0, 0);
    } else if (traffic.kind === 'open' && this.perSecond > 0) {
      const gaps = traffic.arrivals === 'poisson' ? this.exponential() : 1;
      this.timeline.put(fromMs + (gaps * 1000) / this.perSecond, ARRIVAL, 0, 0);
    }
  }

  private exponential(): number {
    return -ln(uniform(this.arrivals));
  }

  private arrive(): void {
    if (this.trafficEnded) return;
    const { traffic } = this.scenario;
    const client =
      traffic.kind === 'replay' ? traffic.keys[this.replayed++] : this.population.next();
    this.planArrival(this.timeline.nowMs());
    this.ask(client);
  }

  private ask(client: number): void {
    if (this.trafficEnded) return;
    const nowMs = this.timeline.nowMs();
    const exchange = this.balancer.takeExchange();
    const { hashes } = this.population;
    const at = client % hashes.length;
    exchange.client = client;
    exchange.key = this.usesKeys ? hashes[at] : NO_KEY;
    exchange.draw = uniform(this.draws);
    exchange.luck = this.draws.next() / 0x100000000;
    exchange.phase = this.phase;
    exchange.bucket = this.measure.bucketOf(nowMs - LEAD_MS);
    this.measure.arrived(exchange);
    exchange.begin(nowMs, this.homes === null ? null : this.homes[at]);
  }

  private ended(exchange: SimExchange, error: string | null, by: Backend | null): void {
    const nowMs = this.timeline.nowMs();
    const { client, arrivedMs } = exchange;
    this.measure.ended(exchange, nowMs - arrivedMs, error);
    const { homes } = this;
    if (homes !== null && by !== null) homes[client % homes.length] = by;
    const { traffic } = this.scenario;
    if (traffic.kind !== 'closed') return;
    const pauseMs = traffic.thinkMs * this.exponential();
    const least = error === null ? 0 : LEAST_PAUSE_MS;
    this.timeline.put(nowMs + Math.max(pauseMs, least), CLIENT, client, 0);
  }

  private sample(): void {
    const { balancer, timeline, frame } = this;
    const nowMs = timeline.nowMs();
    this.measure.sample(nowMs - LEAD_MS, balancer.openExchanges, balancer.inFlight);
    const nextMs = nowMs + frame.bucketMs / SAMPLES_PER_BUCKET;
    if (nextMs < LEAD_MS + this.scenario.durationMs) timeline.put(nextMs, SAMPLE, 0, 0);
  }

  // ---- what happens meanwhile -------------------------------------------------------------------

  private happen(event: Scenario['events'][number]): void {
    const starts = this.frame.phaseStartsMs;
    while (this.phase + 1 < starts.length && starts[this.phase + 1] <= event.atMs) this.phase++;
    if ('backend' in event) this.happenTo(event);
    else if (event.kind === 'rate') this.setRate(event.perSecond);
    else {
      this.whole = event.pool;
      this.reload();
    }
  }

  private happenTo(event: Extract<Happening, { readonly backend: string }>): void {
    const { balancer } = this;
    const server = balancer.servers.find(({ name }) => name === event.backend)!;
    switch (event.kind) {
      case 'slower':
        server.setSlowness(event.factor);
        break;
      case 'down':
        server.setDown(event.isDown);
        break;
      case 'hangs':
        server.setHangs(event.hangs);
        break;
      case 'errors':
        server.errors = event.share;
        break;
      case 'drain':
        balancer.control.drain(this.whole.name, event.backend);
        break;
      case 'member':
        if (event.isIn) this.absent.delete(event.backend);
        else this.absent.add(event.backend);
        this.reload();
    }
  }

  private setRate(perSecond: number): void {
    const stood = this.perSecond === 0;
    this.perSecond = perSecond;
    if (stood) this.planArrival(this.timeline.nowMs());
  }

  private pool(): PoolConfig {
    const backends = this.whole.backends.filter(({ name }) => !this.absent.has(name));
    return { ...this.whole, name: this.scenario.pool.name, policy: this.policy, backends };
  }

  private reload(): void {
    this.balancer.control.reload(this.balancer.configWith(this.pool()), ({ problem }) => {
      if (problem !== null) throw new Error(`a simulated reload was refused: ${problem}`);
    });
  }

  private log(): Log {
    return {
      exchange: () => {},
      event: (level, _, message) => {
        const { atMs, said } = this;
        const isLoud = level === 'warn' || level === 'error';
        if (level === 'debug' || (atMs < 0 && !isLoud) || said.length >= MOST_SAID) return;
        said.push({ atMs, level, message: this.balancer.wording(message) });
      },
    };
  }
}
