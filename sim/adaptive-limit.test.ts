/**
 * `max_requests: adaptive` against a backend of finite parallelism: what is served, what waits and
 * who is turned away, under twice the load it can carry, under less, and when it changes.
 */
import { describe, expect, it } from 'vitest';
import { ln } from '../src/core/base/math.ts';
import { createRng } from '../src/core/base/rng.ts';
import { AdaptiveLimit, FIRST_LIMIT } from '../src/core/resilience/adaptive-limit.ts';
import { createSimClock } from './clock.ts';

const QUEUE_SIZE = 1000;

interface Server {
  /** So many at once; more wait inside it. */
  parallel: number;
  /** What one takes there, on average; exponential. */
  serviceMs: number;
}

/** What a stretch of time has shown. */
interface Stretch {
  readonly goodput: number;
  readonly refused: number;
  readonly arrived: number;
  /** In the backend, of those that were answered; ms. */
  readonly meanMs: number;
  readonly limits: readonly number[];
}

/** Exchanges arrive at random at one backend, wait for room, and are refused when too many wait. */
class World {
  readonly clock = createSimClock();
  readonly rng = createRng(11);
  readonly server: Server;
  readonly limit = new AdaptiveLimit({ min: 4, max: 1000 });
  perSecond = 0;
  private readonly inside: number[] = [];
  private working = 0;
  private queue = 0;
  private answers = 0;
  private headMs = 0;
  private served = 0;
  private refused = 0;
  private arrived = 0;
  private timesMs = 0;
  private limits: number[] = [];

  constructor(server: Server) {
    this.server = server;
    this.tick();
  }

  private exponential(mean: number): number {
    return -ln((this.rng.next() + 1) / 0x100000000) * mean;
  }

  private get inFlight(): number {
    return this.inside.length + this.working;
  }

  /** As the control thread does. */
  private tick(): void {
    this.clock.wakeAt(this.clock.nowMs() + 100, () => {
      const { answers, headMs } = this;
      this.answers = this.headMs = 0;
      this.limit.look(this.clock.nowMs(), { answers, headMs }, this.inFlight);
      this.limits.push(this.limit.limit);
      this.serve();
      this.tick();
    });
  }

  private arrive(): void {
    this.arrived++;
    if (this.queue >= QUEUE_SIZE) this.refused++;
    else this.queue++;
    this.serve();
    this.clock.wakeAt(this.clock.nowMs() + this.exponential(1000 / this.perSecond), () =>
      this.arrive(),
    );
  }

  private serve(): void {
    for (; this.queue > 0 && this.inFlight < this.limit.limit; this.queue--) {
      this.inside.push(this.clock.nowMs());
    }
    while (this.inside.length > 0 && this.working < this.server.parallel) {
      this.work(this.inside.shift()!);
    }
  }

  private work(sinceMs: number): void {
    this.working++;
    const { clock } = this;
    clock.wakeAt(clock.nowMs() + this.exponential(this.server.serviceMs), () => {
      const tookMs = clock.nowMs() - sinceMs;
      this.working--;
      this.answers++;
      this.served++;
      this.headMs += Math.round(tookMs);
      this.timesMs += tookMs;
      this.serve();
    });
  }

  /** What it can serve at most. */
  get peak(): number {
    return (1000 * this.server.parallel) / this.server.serviceMs;
  }

  /** Such a multiple of what the server can do arrives from now on. */
  begin(load: number): this {
    this.perSecond = load * this.peak;
    if (this.arrived === 0) this.arrive();
    return this;
  }

  run(forMs: number): Stretch {
    this.served = this.refused = this.arrived = this.timesMs = 0;
    this.limits = [];
    this.clock.run(this.clock.nowMs() + forMs);
    return {
      goodput: this.served / (forMs / 1000) / this.peak,
      refused: this.refused,
      arrived: this.arrived,
      meanMs: this.timesMs / this.served,
      limits: this.limits,
    };
  }
}

const SERVERS: readonly [string, Server][] = [
  ['does one thing at a time', { parallel: 1, serviceMs: 10 }],
  ['does ten', { parallel: 10, serviceMs: 10 }],
  ['does ten slowly', { parallel: 10, serviceMs: 200 }],
  ['does a hundred', { parallel: 100, serviceMs: 50 }],
];

/** Room for what the randomness of a stretch does to its throughput. */
const NOISE = 0.05;

describe.each(SERVERS)('a backend that %s', (_, server) => {
  const full = (parallel: number): number => 2 * parallel + 15;

  it('gives at least 90 % of what it can under twice its load, for ever', () => {
    const world = new World({ ...server }).begin(2);
    world.run(60_000);
    for (let minute = 0; minute < 5; minute++) {
      const { goodput, meanMs, refused, arrived, limits } = world.run(60_000);
      expect(goodput).toBeGreaterThan(0.9);
      // It is full, and no fuller: the other half knows at once that there is no room.
      expect(meanMs).toBeLessThan((full(server.parallel) / server.parallel) * server.serviceMs);
      expect(refused / arrived).toBeLessThan(0.5 + NOISE);
      const mean = limits.reduce((sum, limit) => sum + limit, 0) / limits.length;
      expect(mean).toBeLessThan(full(server.parallel));
    }
    expect(world.limit.holdsBack).toBe(true);
  });

  it('turns nobody away under 70 % of its load, from the first moment', () => {
    const world = new World({ ...server }).begin(0.7);
    const { refused, goodput } = world.run(300_000);
    expect(refused).toBe(0);
    expect(goodput).toBeGreaterThan(0.7 - NOISE);
  });
});

/** After ten seconds, and so many answers as it takes to look. */
const SOON_MS = 15_000;

describe('under twice the load of a backend that does twenty at once in 10 ms', () => {
  const busy = (): World => {
    const world = new World({ parallel: 20, serviceMs: 10 }).begin(2);
    world.run(30_000);
    return world;
  };

  it.each([
    ['three times slower', { serviceMs: 30 }],
    ['three times faster', { serviceMs: 3.3 }],
    ['able to do five times as much', { parallel: 100 }],
    ['able to do a fifth', { parallel: 4 }],
  ])('the limit fits 15 s after it has become %s', (_, changes) => {
    const world = busy();
    Object.assign(world.server, changes);
    world.begin(2);
    world.run(SOON_MS);
    const { goodput, meanMs } = world.run(SOON_MS);
    const { parallel, serviceMs } = world.server;
    expect(goodput).toBeGreaterThan(0.9);
    expect(meanMs).toBeLessThan(((2 * parallel + 15) / parallel) * serviceMs);
  });

  it('nobody is held back any more half a minute after the load has gone', () => {
    const world = busy();
    expect(world.limit.holdsBack).toBe(true);
    world.begin(0.5);
    world.run(35_000);
    expect(world.limit.holdsBack).toBe(false);
    expect(world.run(60_000).refused).toBe(0);
  });

  it('a sudden rush within what it can do is let through', () => {
    const world = new World({ parallel: 100, serviceMs: 50 }).begin(0.05);
    world.run(60_000);
    expect(world.limit.limit).toBeLessThan(2 * FIRST_LIMIT + 1);
    world.begin(0.8);
    const { refused, arrived } = world.run(10_000);
    expect(refused / arrived).toBeLessThan(0.01);
  });
});
