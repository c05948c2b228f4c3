/**
 * What is to be simulated: traffic, how backends serve it, what happens meanwhile, and with which
 * policies. `src/config` makes it of a file and of what was typed. Times are milliseconds since the
 * traffic began.
 */
import type { Config, PolicyName, PoolConfig } from '../core/config.ts';

/** Each of them is described where it is drawn, in `draws.ts`. */
export type Distribution = 'constant' | 'exponential' | 'lognormal' | 'pareto';

/** How a backend serves requests. */
export interface Service {
  /** Mean time for one request, once its turn has come. */
  readonly meanMs: number;
  readonly distribution: Distribution;
  /** Requests it works on at once; the others wait there, in turn. Infinity: all of them. */
  readonly concurrency: number;
  /** Of its answers, those that are a 500; 0 to 1. */
  readonly errors: number;
}

/**
 * - `open`: requests come whether or not those before have been answered;
 * - `closed`: so many clients, each of which waits for its answer, and then thinks;
 * - `replay`: at these times, ascending, each from this client (an index into `keys`).
 */
export type Traffic =
  | { readonly kind: 'open'; readonly perSecond: number; readonly arrivals: Arrivals }
  | { readonly kind: 'closed'; readonly clients: number; readonly thinkMs: number }
  | { readonly kind: 'replay'; readonly timesMs: Float64Array; readonly keys: Int32Array };

/** `poisson`: independent of each other; `constant`: one every so often. */
export type Arrivals = 'poisson' | 'constant';

/** Who asks: what a policy that goes by a key, or a cookie, tells apart. */
export interface Keys {
  readonly count: number;
  /** `zipf`: the n-th of them asks 1/n times as often as the first. */
  readonly popularity: 'uniform' | 'zipf';
}

export type Happening =
  /** Its times are so many times those of its service. */
  | { readonly kind: 'slower'; readonly backend: string; readonly factor: number }
  /** It refuses connections, and breaks those that it has. */
  | { readonly kind: 'down'; readonly backend: string; readonly isDown: boolean }
  /** It takes requests and answers none. */
  | { readonly kind: 'hangs'; readonly backend: string; readonly hangs: boolean }
  | { readonly kind: 'errors'; readonly backend: string; readonly share: number }
  /** As an operator asks for it. */
  | { readonly kind: 'drain'; readonly backend: string }
  /** A reload that adds it, or takes it out. */
  | { readonly kind: 'member'; readonly backend: string; readonly isIn: boolean }
  /** A reload of another configuration; its policy does not count. */
  | { readonly kind: 'reload'; readonly pool: PoolConfig; readonly file: string }
  | { readonly kind: 'rate'; readonly perSecond: number };

export type ScenarioEvent = Happening & { readonly atMs: number };

/** Complete and consistent: every backend that is named is in the pool. */
export interface Scenario {
  /** Where `pool` is from; its other pools and its routes do not matter. */
  readonly config: Config;
  readonly pool: PoolConfig;
  readonly policies: readonly PolicyName[];
  readonly seed: number;
  readonly durationMs: number;
  /** The time of day at which the traffic begins, in milliseconds; null: times count from 0. */
  readonly startsAtMs: number | null;
  readonly traffic: Traffic;
  readonly keys: Keys;
  readonly service: Service;
  /** By name; those that are not here serve as `service` says. */
  readonly services: ReadonlyMap<string, Service>;
  /** Ascending. */
  readonly events: readonly ScenarioEvent[];
}

/** How this backend serves. */
export const serviceOf = ({ service, services }: Scenario, backend: string): Service =>
  services.get(backend) ?? service;

/**
 * Requests that those which get traffic while all is well can answer in a second. Infinity: one of
 * them works on any number at once.
 */
export function capacityOf({ backends }: PoolConfig, of: (backend: string) => Service): number {
  const ordinary = backends.filter(({ backup }) => !backup);
  const used = ordinary.length > 0 ? ordinary : backends;
  return used.reduce((sum, { name }) => {
    const { concurrency, meanMs } = of(name);
    return sum + (concurrency * 1000) / meanMs;
  }, 0);
}
