/**
 * A scenario as it is written, with what was typed over it, to one that can be run; or everything
 * that is wrong with it. What a value needs to know of others is checked here.
 */
import type { Config, PolicyName, PoolConfig } from '../core/config.ts';
import {
  capacityOf,
  type Happening,
  type Scenario,
  type ScenarioEvent,
  type Service,
  type Traffic,
} from '../simulate/scenario.ts';
import { type Recorded, readAccessLog } from './access-log.ts';
import { didYouMean, type Report, show } from './diagnostics.ts';
import type { NamedFiles } from './files.ts';
import type { Moment, ScenarioRate } from './scenario-quantities.ts';
import type { EventFile, ScenarioFile, ServiceFile } from './scenario-schema.ts';

const DEFAULT_SERVICE: Service = {
  meanMs: 10,
  distribution: 'exponential',
  concurrency: 8,
  errors: 0,
};
const DEFAULT_LOAD: ScenarioRate = { kind: 'load', share: 0.6 };
/** Where a backend works on any number at once, no part of what it can do says anything. */
const UNLIMITED_PER_SECOND = 100;
const DEFAULT_THINK_MS = 1000;
const DEFAULT_KEYS = 1000;
const DEFAULT_SEED = 1;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HALF_A_DAY_MS = DAY_MS / 2;
const COMPARED: readonly PolicyName[] = ['round_robin', 'least_request', 'adaptive'];

/** What the files that a scenario names have turned out to be. */
export interface ScenarioContext {
  readonly config: Config;
  readonly files: NamedFiles;
  /** Of each configuration that an event reloads, by its path; null: it was not good. */
  readonly reloads: ReadonlyMap<string, Config | null>;
  readonly report: Report;
}

/** Null: the report says why. */
export function makeScenario(file: ScenarioFile, context: ScenarioContext): Scenario | null {
  return new Making(file, context).make();
}

/** A function is left out: there is no request here that it could look at. */
const comparedWith = (policy: PolicyName): readonly PolicyName[] =>
  policy === 'function' ? COMPARED : [...new Set([policy, ...COMPARED])];

class Making {
  private readonly file: ScenarioFile;
  private readonly context: ScenarioContext;
  private readonly report: Report;
  private readonly service: Service;

  constructor(file: ScenarioFile, context: ScenarioContext) {
    this.file = file;
    this.context = context;
    this.report = context.report;
    this.service = serviceFrom(file.service, DEFAULT_SERVICE);
  }

  make(): Scenario | null {
    const pool = this.pool();
    if (pool === null) return null;
    const { file, report, service } = this;
    const names = this.names(pool);
    const services = new Map<string, Service>();
    for (const [name, each] of Object.entries(file.backends ?? {})) {
      this.checkName(name, names, ['backends', name], 'key');
      services.set(name, serviceFrom(each, service));
    }
    const recorded = this.recorded();
    const capacity = capacityOf(pool, (name) => limited(services.get(name) ?? service));
    const traffic = this.traffic(recorded, capacity);
    const events = this.events(pool, names, capacity, traffic.kind);
    if (report.diagnostics.length > 0) return null;
    const { start, keys, popularity = 'uniform' } = file.traffic ?? {};
    return {
      config: this.context.config,
      pool,
      policies: file.policies ?? comparedWith(pool.policy),
      seed: file.seed ?? DEFAULT_SEED,
      durationMs: this.durationMs(events, recorded),
      startsAtMs: start ?? null,
      traffic,
      keys: { count: recorded?.clients ?? keys ?? DEFAULT_KEYS, popularity },
      service,
      services,
      events,
    };
  }

  private pool(): PoolConfig | null {
    const { pools } = this.context.config;
    const named = this.file.pool ?? (pools.length === 1 ? pools[0].name : 'default');
    const pool = pools.find(({ name }) => name === named);
    if (pool !== undefined) return pool;
    const known = pools.map(({ name }) => name);
    const remedy = didYouMean(named, known) || `; write one of ${known.join(', ')}`;
    if (this.file.pool === undefined) {
      this.report.add(['pool'], `missing: there are several pools${remedy}`);
    } else this.report.add(['pool'], `there is no pool ${show(named)}${remedy}`);
    return null;
  }

  /** Of all backends that there are at any time. */
  private names(pool: PoolConfig): readonly string[] {
    const configs = [...this.context.reloads.values()].filter((each) => each !== null);
    const pools = [pool, ...configs.flatMap(({ pools }) => pools.filter(sameName(pool)))];
    return [...new Set(pools.flatMap(({ backends }) => backends.map(({ name }) => name)))];
  }

  private checkName(
    name: string,
    names: readonly string[],
    path: readonly (string | number)[],
    part: 'key' | 'value',
  ): void {
    if (names.includes(name)) return;
    const few = names.length > 12 ? [...names.slice(0, 12), '...'] : names;
    const remedy = didYouMean(name, names) || `; there are ${few.join(', ')}`;
    this.report.add(path, `no backend is called ${show(name)}${remedy}`, part);
  }

  private recorded(): Recorded | null {
    const path = this.file.traffic?.replay;
    if (path === undefined) return null;
    const read = this.context.files.text(path);
    const recorded = 'value' in read ? readAccessLog(read.value, path) : read;
    if ('value' in recorded) return recorded.value;
    this.report.add(['traffic', 'replay'], recorded.problem);
    return null;
  }

  private traffic(recorded: Recorded | null, capacity: number): Traffic {
    const { rate, clients, think, replay, arrivals } = this.file.traffic ?? {};
    const kinds = Object.entries({ rate, clients, replay }).filter(
      ([, each]) => each !== undefined,
    );
    if (kinds.length > 1) {
      const [[first], [second]] = kinds;
      this.report.add(['traffic', second], `${second} and ${first} exclude each other; remove one`);
    }
    if (think !== undefined && clients === undefined) {
      this.report.add(
        ['traffic', 'think'],
        'only `clients` think; write clients: 64, or remove it',
      );
    }
    if (arrivals !== undefined && (clients ?? replay) !== undefined) {
      const which = clients === undefined ? 'replay' : 'clients';
      this.report.add(['traffic', 'arrivals'], `goes with rate, not with ${which}; remove it`);
    }
    if (recorded !== null) return { kind: 'replay', ...recorded };
    if (clients !== undefined) {
      return { kind: 'closed', clients, thinkMs: think ?? DEFAULT_THINK_MS };
    }
    const perSecond = perSecondOf(rate ?? DEFAULT_LOAD, capacity);
    const comesLater = this.file.events?.some((event) => event.rate !== undefined) === true;
    if (perSecond === 0 && !comesLater) {
      this.report.add(['traffic', 'rate'], 'no request would come; write a rate above 0');
    }
    return { kind: 'open', perSecond, arrivals: arrivals ?? 'poisson' };
  }

  private durationMs(events: readonly ScenarioEvent[], recorded: Recorded | null): number {
    const asked = this.file.traffic?.for;
    if (asked !== undefined) return asked;
    if (recorded !== null) return Math.max(1000, Math.ceil(recorded.timesMs.at(-1)! + 1));
    return (events.at(-1)?.atMs ?? 0) + MINUTE_MS;
  }

  // ---- events -----------------------------------------------------------------------------------

  private events(
    pool: PoolConfig,
    names: readonly string[],
    capacity: number,
    traffic: Traffic['kind'],
  ): ScenarioEvent[] {
    const made = (this.file.events ?? []).flatMap((event, at): EventAt[] => {
      const atMs = this.momentMs(event.at, at);
      const happening = this.happening(event, at, pool, capacity);
      if (happening === null) return [];
      if ('backend' in happening) {
        this.checkName(happening.backend, names, ['events', at, 'backend'], 'value');
      }
      if (happening.kind === 'rate' && traffic !== 'open') {
        this.report.add(['events', at, 'rate'], `goes with traffic.rate alone; remove it`);
      }
      return atMs === null ? [] : [{ event: { ...happening, atMs }, at }];
    });
    const ordered = made.sort(
      (a, b) => a.event.atMs - b.event.atMs || Number(isEnd(b.event)) - Number(isEnd(a.event)),
    );
    if (made.length === this.file.events?.length) this.checkEnds(ordered);
    return ordered.map(({ event }) => event);
  }

  /** What ends must have begun. `events`: in order. */
  private checkEnds(events: readonly EventAt[]): void {
    const lasting = new Set<string>();
    for (const { event, at } of events) {
      if (event.kind !== 'slower' && event.kind !== 'down' && event.kind !== 'hangs') continue;
      const { kind, backend } = event;
      const state = `${kind} ${backend}`;
      if (!isEnd(event)) lasting.add(state);
      else if (!lasting.delete(state)) {
        const what = kind === 'hangs' ? 'does not hang' : `is not ${kind}`;
        const isBegun = events.some(({ event: other }) => {
          return other.kind === kind && other.backend === backend && !isEnd(other);
        });
        const remedy = isBegun ? 'write a later time' : 'remove it, or let it begin before';
        const problem = `${backend} ${what} before that, so this ends nothing; ${remedy}`;
        this.report.add(['events', at, 'at'], problem);
      }
    }
  }

  private momentMs({ kind, ms }: Moment, at: number): number | null {
    const { start, for: lasts } = this.file.traffic ?? {};
    if (kind === 'clock' && start === undefined) {
      const remedy =
        'say when traffic begins (traffic.start, --start 11:58), or write a time since then: 2m';
      this.report.add(['events', at, 'at'], `is a time of day; ${remedy}`);
      return null;
    }
    const atMs = kind === 'since' ? ms : (ms - start! + DAY_MS) % DAY_MS;
    if (atMs < (lasts ?? (kind === 'clock' ? HALF_A_DAY_MS : Number.POSITIVE_INFINITY)))
      return atMs;
    // By the clock it may be both: before it begins, or long after that.
    const problem =
      kind === 'since' || atMs < HALF_A_DAY_MS
        ? 'is after the traffic has ended; make that longer (traffic.for, --for), or this earlier'
        : 'is before the traffic begins; begin that earlier (traffic.start, --start)';
    this.report.add(['events', at, 'at'], problem);
    return null;
  }

  private happening(
    event: EventFile,
    at: number,
    pool: PoolConfig,
    capacity: number,
  ): Happening | null {
    const { at: _, backend, ...rest } = event;
    const [what, ...others] = Object.keys(rest).filter(
      (key) => rest[key as keyof typeof rest] !== undefined,
    );
    if (what === undefined || others.length > 0) {
      const problem =
        what === undefined
          ? 'nothing happens; write one of slower, down, hangs, errors, drain, added, removed, ' +
            'reload, rate'
          : `${what} and ${others[0]} are two events; begin another item with "- "`;
      this.report.add(what === undefined ? ['events', at] : ['events', at, others[0]], problem);
      return null;
    }
    if (what === 'rate') return { kind: 'rate', perSecond: perSecondOf(event.rate!, capacity) };
    if (what === 'reload') return this.reloading(event.reload!, at, pool);
    if (backend === undefined) {
      this.report.add(['events', at], `${what} says not whom; write backend: NAME`);
      return null;
    }
    const befallen = befalls(event, backend);
    if (befallen === null) this.report.add(['events', at, what], 'means nothing; write true');
    return befallen;
  }

  private reloading(path: string, at: number, pool: PoolConfig): Happening | null {
    const config = this.context.reloads.get(path) ?? null;
    if (config === null) return null;
    const found = config.pools.find(sameName(pool));
    if (found !== undefined) return { kind: 'reload', pool: found, file: path };
    this.report.add(['events', at, 'reload'], `${path} has no pool ${show(pool.name)}`);
    return null;
  }
}

/** `at`: its place in the file. */
interface EventAt {
  readonly event: ScenarioEvent;
  readonly at: number;
}

/** Is from now on as it was? At the same moment, what ends goes before what begins. */
function isEnd(event: ScenarioEvent): boolean {
  if (event.kind === 'slower') return event.factor === 1;
  return (event.kind === 'down' && !event.isDown) || (event.kind === 'hangs' && !event.hangs);
}

const sameName =
  (pool: PoolConfig) =>
  ({ name }: PoolConfig): boolean =>
    name === pool.name;

function befalls(event: EventFile, backend: string): Happening | null {
  const { slower, down, hangs, errors, drain, added, removed } = event;
  if (slower !== undefined) return { kind: 'slower', backend, factor: slower };
  if (down !== undefined) return { kind: 'down', backend, isDown: down };
  if (hangs !== undefined) return { kind: 'hangs', backend, hangs };
  if (errors !== undefined) return { kind: 'errors', backend, share: errors };
  if (added === true) return { kind: 'member', backend, isIn: true };
  if (removed === true) return { kind: 'member', backend, isIn: false };
  return drain === true ? { kind: 'drain', backend } : null;
}

function serviceFrom(file: ServiceFile | undefined, otherwise: Service): Service {
  return {
    meanMs: file?.time ?? otherwise.meanMs,
    distribution: file?.distribution ?? otherwise.distribution,
    concurrency: file?.concurrency ?? otherwise.concurrency,
    errors: file?.errors ?? otherwise.errors,
  };
}

/** What cannot be said of one that works on any number at once is assumed. */
const limited = (service: Service): Service =>
  Number.isFinite(service.concurrency)
    ? service
    : { ...service, concurrency: (UNLIMITED_PER_SECOND * service.meanMs) / 1000 };

const perSecondOf = (rate: ScenarioRate, capacity: number): number =>
  rate.kind === 'load' ? rate.share * capacity : rate.perSecond;
