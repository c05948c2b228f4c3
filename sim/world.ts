/**
 * One pretended world: everybody in it, what is known of each request, and the ears of the
 * checkers. What happens in it is up to its inhabitants; `run.ts` lets it happen.
 */
import type { Alarm } from '../src/core/base/clock.ts';
import type { Phase } from '../src/core/base/failure.ts';
import { createRng, type Rng } from '../src/core/base/rng.ts';
import type { Exchange } from '../src/core/engine/exchange.ts';
import type { PolicyFunction } from '../src/core/policy-function.ts';
import { endCode } from '../src/core/telemetry/end-code.ts';
import type { EventFields, ExchangeRecord, Log } from '../src/core/telemetry/log.ts';
import { Backend } from './backend.ts';
import { type SimBalancer, startSimBalancer } from './balancer.ts';
import type { Checker } from './checkers/checker.ts';
import { Client } from './client.ts';
import { createSimClock, type SimClock } from './clock.ts';
import { erraticFunction } from './erratic-function.ts';
import { Journal } from './journal.ts';
import { Names } from './names.ts';
import { createSimNetwork, type Range, type Ratio, type SimNetwork } from './network.ts';
import { drawOptions, pick, type SimOptions } from './options.ts';
import type { Request } from './request.ts';
import type { Visits } from './visits.ts';
import type { Extra } from './wiretap.ts';

export interface Violation {
  readonly checker: string;
  readonly sentence: string;
}

/** Makes a checker that reports what it finds through `fail`. */
export type CheckerFactory = (world: World, fail: (sentence: string) => void) => Checker;

export class World {
  readonly options: SimOptions;
  readonly clock: SimClock;
  readonly rng: Rng;
  readonly network: SimNetwork;
  readonly journal: Journal;
  readonly backends: readonly Backend[];
  readonly clients: readonly Client[];
  readonly names: Names;
  readonly balancer: SimBalancer;
  /** By nonce, in the order of their making. */
  readonly requests = new Map<string, Request>();
  /** Backend connections that carry an answer too many. */
  readonly poisoned = new Set<number>();
  /** With `policy: function`; else null. */
  readonly choose: PolicyFunction | null;
  /** What came over them, by the balancer's port. */
  readonly extras = new Map<number, Extra>();
  /** Act two: nothing is done wrong any more, and nothing new is begun. */
  healed = false;
  /** When that began; null: not yet. */
  healedMs: number | null = null;
  /** Backends that are drained by hand: they stay out until they are removed and added again. */
  readonly drainedSinceMs = new Map<Backend, number>();
  /** Act three: who comes then; null: it is not yet, or never. */
  visits: Visits | null = null;
  /** How many the operator has asked for and heard nothing of. */
  reloads = 0;
  /** The balancer has been asked to stop. */
  stopping = false;
  /** It has said that it stopped. */
  stopped = false;
  violation: Violation | null = null;
  exchanges = 0;
  /** Faults that hit a request on its way. */
  hits = 0;
  /** How often exchanges ended in which way, by end code. */
  readonly ends = new Map<string, number>();
  /** How often was reached what `coverage.ts` looks for. */
  readonly marks = new Map<string, number>();
  private readonly checkers: readonly Checker[];
  private connections = 0;

  /** `options`: what it is like, instead of what the seed says. */
  constructor(
    seed: number,
    factories: readonly CheckerFactory[],
    print: PrintLine | null,
    options: SimOptions | null = null,
  ) {
    const rng = createRng(seed);
    const drawn = drawOptions(rng.fork());
    this.options = options ?? drawn;
    this.rng = rng.fork();
    this.clock = createSimClock();
    this.journal = new Journal(this.clock, print);
    const { network } = this.options;
    this.network = createSimNetwork({ clock: this.clock, rng: rng.fork(), options: network });
    this.network.onFault = (what, ends) => this.broken(what, ends);
    this.checkers = factories.map((make) => this.hire(make));
    const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
    this.backends = count(this.options.backends).map((number) => new Backend(this, number));
    this.clients = count(this.options.clients).map((number) => new Client(this, number));
    this.choose = this.options.policy === 'function' ? erraticFunction(rng.fork()) : null;
    this.names = new Names(this);
    this.balancer = startSimBalancer({
      clock: this.clock,
      rng: rng.fork(),
      network: this.network,
      options: this.options,
      choose: this.choose,
      backends: this.backends,
      resolver: this.names.resolver,
      log: this.log(),
      extraOf: (port) => this.extras.get(port),
      reusedDirty: (port) => this.tell((each) => each.reusedDirty?.(port)),
      dialled: (address, open) => this.tell((each) => each.dialled?.(address, open)),
      limited: (client, isWithin) => this.tell((each) => each.limited?.(client, isWithin)),
      picked: (slot) => this.tell((each) => each.picked?.(slot)),
      died: (address) => this.orphan(address),
    });
  }

  /** What the worker at this address had not logged will never be. */
  private orphan(address: string): void {
    this.note('balancer', `lost what was in flight at ${address}`);
    for (const request of this.requests.values()) {
      if (request.at === address && request.logged === 0) request.orphaned = true;
    }
  }

  private hire(make: CheckerFactory): Checker {
    const checker = make(this, (sentence) => {
      this.violation ??= { checker: checker.name, sentence };
    });
    return checker;
  }

  private log(): Log {
    return {
      exchange: (record: ExchangeRecord) => this.onLogged(record),
      event: (level, event, message, _fields?: EventFields) => {
        this.mark(`event ${event}`);
        this.note('balancer', `${level} ${event}: ${message}`);
      },
    };
  }

  private onLogged(record: ExchangeRecord): void {
    this.exchanges += 1;
    const end = endCode(record.failure);
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    this.mark(`end ${end}`);
    const nonce = /^\/(r\d+)/.exec(record.target)?.[1] ?? '';
    const request = this.requests.get(nonce) ?? null;
    if (request !== null) request.logged += 1;
    const { method, target, status, backend, attempts, failure } = record;
    const cause = failure === null ? '' : `: ${failure.cause}`;
    const what = `${method} ${target} ${status} ${backend ?? '-'} ${attempts} ${end}${cause}`;
    this.note('log', what);
    this.tell((each) => each.logged?.(request, record));
  }

  // ---- what its inhabitants need --------------------------------------------------------------

  note(who: string, what: string): void {
    this.journal.note(who, what);
  }

  /** Lets every checker hear something. */
  tell(hear: (checker: Checker) => void): void {
    for (const checker of this.checkers) hear(checker);
  }

  /** Something was done to a request on its way. */
  hit(request: Request | null, what: string): void {
    this.hits += 1;
    this.note('fault', request === null ? what : `${what} hits ${request.nonce}`);
    if (request !== null) this.markHit(request, what);
  }

  private markHit(request: Request, what: string): void {
    if (request.logged === 0) this.mark(`${this.phaseOf(request)} ${what}`);
  }

  /** The network did something between these two, and to what is between them. */
  private broken(what: string, ends: readonly string[]): void {
    const client = this.clients.find(({ address }) => ends.includes(address));
    if (client !== undefined) {
      for (const request of client.waiting.slice(0, 1)) this.markHit(request, what);
      return;
    }
    this.hitAll(what, ({ attempts }) =>
      (attempts.current.backend?.addresses ?? []).some((address) => ends.includes(address)),
    );
  }

  /** The same was done to all these exchanges. */
  hitAll(what: string, isHit: (exchange: Exchange) => boolean): void {
    for (const exchange of this.balancer.live) {
      if (isHit(exchange)) this.mark(`${exchange.phase} ${what}`);
    }
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  /** Where the story of a request is; until its head has been understood, that it comes. */
  private phaseOf({ target }: Request): Phase {
    return this.balancer.live.find(({ head }) => head.target === target)?.phase ?? 'accept';
  }

  nextConnection(): number {
    this.connections += 1;
    return this.connections;
  }

  after(delayMs: number, act: () => void): Alarm {
    return this.clock.wakeAt(this.clock.nowMs() + delayMs, act);
  }

  drawMs([leastMs, mostMs]: Range): number {
    if (mostMs <= leastMs) return leastMs;
    return leastMs + this.rng.below((mostMs - leastMs) * 1000 + 1) / 1000;
  }

  chance(ratio: Ratio): boolean {
    return ratio[0] > 0 && this.rng.chance(ratio[0], ratio[1]);
  }

  pick<T>(from: readonly T[]): T {
    return pick(this.rng, from);
  }

  /** What the balancer has open, of all that runs. */
  open(): { readonly exchanges: number; readonly tunnels: number; readonly connections: number } {
    const sum = { exchanges: 0, tunnels: 0, connections: 0 };
    for (const engine of this.balancer.engines) {
      const { exchanges, tunnels, connections } = engine.open();
      sum.exchanges += exchanges;
      sum.tunnels += tunnels;
      sum.connections += connections;
    }
    return sum;
  }

  /** Requests that are on their way. */
  pending(): readonly Request[] {
    return this.clients.flatMap((client) => client.waiting);
  }
}

export type PrintLine = (line: string) => void;
