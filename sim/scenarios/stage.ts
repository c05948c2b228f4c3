/**
 * Where a scenario is played: servers, balancers and those who ask them, on a pretended network and
 * clock. The balancers are the product's: engine, control thread and table.
 */
import type { Clock } from '../../src/core/base/clock.ts';
import { createRng, type Rng } from '../../src/core/base/rng.ts';
import type { Config, PolicyName } from '../../src/core/config.ts';
import { Controller } from '../../src/core/control/controller.ts';
import { Engine } from '../../src/core/engine/engine.ts';
import { Table } from '../../src/core/table/table.ts';
import type { Log } from '../../src/core/telemetry/log.ts';
import { createSimClock, type SimClock } from '../clock.ts';
import { LISTEN_PORT } from '../default-config.ts';
import { createSimNetwork, createSimResolver, type SimNetwork } from '../network.ts';
import { Clients } from './clients.ts';
import { RESPONSE_MS, scenarioConfig } from './config.ts';
import { type Outcome, type Scenario, SERVICE_MS } from './scenario.ts';
import { Server } from './server.ts';

const RESOURCES = { descriptors: 100_000, memoryBytes: 1_073_741_824, workers: 1 };
/** Until a balancer listens. */
const START_MS = 10;
/** After the end, until nobody can be waiting for anything. */
const AFTERWARDS_MS = 2 * RESPONSE_MS;

export class Stage {
  readonly clock: SimClock = createSimClock();
  readonly rng: Rng;
  readonly network: SimNetwork;
  readonly servers: readonly Server[];
  readonly clients: readonly Clients[];
  private readonly scenario: Scenario;
  private readonly tookMs: number[] = [];
  private readonly refusedMs: number[] = [];
  private good = 0;
  private exchanges = 0;

  constructor(scenario: Scenario, policy: PolicyName, seed: number) {
    const { servers = 10, hands = 4, balancers = 1 } = scenario;
    const rng = createRng(seed);
    this.scenario = scenario;
    this.rng = rng.fork();
    this.network = createSimNetwork({ clock: this.clock, rng: rng.fork() });
    const world = {
      clock: this.clock,
      rng: rng.fork(),
      network: this.network,
      reports: policy === 'prequal',
    };
    this.servers = count(servers).map((number) => new Server(world, number, hands));
    const addresses = this.servers.map(({ address }) => address);
    const config = scenarioConfig(scenario, policy, addresses);
    const perSecond = (scenario.load * this.capacity) / balancers;
    this.clients = count(balancers).map((number) => {
      const address = `10.9.0.${number}`;
      startBalancer(this, config, address, rng.fork());
      return new Clients({
        clock: this.clock,
        rng: rng.fork(),
        transport: this.network.transport(`10.8.0.${number}`),
        balancer: { address, port: LISTEN_PORT, tls: null },
        perSecond,
        ended: (askedMs, status) => this.ended(askedMs, status),
      });
    });
  }

  /** What all servers together can do while all is well; exchanges per second. */
  get capacity(): number {
    const { servers = 10, hands = 4 } = this.scenario;
    return (servers * hands * 1000) / SERVICE_MS;
  }

  /** So long after the figures have begun. */
  at(ms: number, act: () => void): void {
    this.clock.wakeAt(START_MS + this.scenario.warmUpMs + ms, act);
  }

  play(policy: PolicyName): Outcome {
    const { scenario, clock, servers } = this;
    const endMs = START_MS + scenario.warmUpMs + scenario.lastsMs;
    this.clock.run(START_MS);
    for (const clients of this.clients) clients.begin();
    scenario.act?.(this);
    clock.run(START_MS + scenario.warmUpMs);
    for (const server of servers) server.arrived = 0;
    clock.run(endMs);
    for (const clients of this.clients) clients.stop();
    clock.run(endMs + AFTERWARDS_MS);
    return this.outcome(policy);
  }

  private ended(askedMs: number, status: number): void {
    if (askedMs < START_MS + this.scenario.warmUpMs) return;
    const tookMs = this.clock.nowMs() - askedMs;
    this.exchanges += 1;
    this.tookMs.push(status === 200 ? tookMs : Number.POSITIVE_INFINITY);
    if (status === 200) this.good += 1;
    if (status === 503) this.refusedMs.push(tookMs);
  }

  private outcome(policy: PolicyName): Outcome {
    const { servers, scenario } = this;
    const { bad = (server) => server === servers.length - 1 } = scenario;
    // Whoever still waits has waited in vain.
    for (const { waiting } of this.clients) {
      for (const { askedMs } of waiting) this.ended(askedMs, 0);
    }
    const tries = servers.reduce((sum, { arrived }) => sum + arrived, 0);
    const atBad = servers.reduce((sum, { arrived }, i) => sum + (bad(i) ? arrived : 0), 0);
    return {
      policy,
      exchanges: this.exchanges,
      quantile: quantiles(this.tookMs),
      refusedQuantile: quantiles(this.refusedMs),
      errors: 1 - this.good / this.exchanges,
      refused: this.refusedMs.length / this.exchanges,
      badShare: atBad / tries,
      goodput: (this.good * 1000) / scenario.lastsMs / this.capacity,
      amplification: tries / this.exchanges,
    };
  }
}

function quantiles(times: readonly number[]): (q: number) => number {
  const sorted = Float64Array.from(times).sort();
  return (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

const SILENT: Log = { exchange: () => {}, event: () => {} };

interface BalancerWorld {
  readonly clock: Clock;
  readonly network: SimNetwork;
}

function startBalancer(
  { clock, network }: BalancerWorld,
  config: Config,
  address: string,
  rng: Rng,
): void {
  const transport = network.transport(address);
  const table = new Table({ capacity: config.tableSize, workers: 1 });
  const deps = { transport, clock, table, log: SILENT };
  const engine = new Engine({ ...deps, rng: rng.fork(), config, resources: RESOURCES });
  const resolver = createSimResolver(clock, new Map());
  const controller = new Controller({ ...deps, rng: rng.fork(), resolver, engine });
  engine.control = controller;
  controller.start(config, () => {});
}

/** Plays it once. The same seed gives the same outcome, bit by bit. */
export function play(scenario: Scenario, policy: PolicyName, seed: number): Outcome {
  return new Stage(scenario, policy, seed).play(policy);
}
