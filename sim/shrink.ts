/**
 * Makes a failing run small: one thing after another is made plain, as long as the same promise is
 * still broken, until nothing more can be; then the run is made short. What is left is what the
 * failure needs.
 */
import { CALAMITIES, type SimOptions } from './options.ts';
import { GROUPS, PLAIN } from './plain.ts';
import { type RunResult, runSeed } from './run.ts';
import type { Violation } from './world.ts';

export interface Failing {
  readonly seed: number;
  /** Null: what the seed says. */
  readonly options: SimOptions | null;
  readonly forMs: number | null;
}

export interface Shrunk {
  /** As before, or one of the next: other options need other luck. */
  readonly seed: number;
  readonly options: SimOptions;
  /** How long its safety act lasts; null: as long as that of any other. */
  readonly forMs: number | null;
  readonly result: RunResult;
  /** How many worlds were tried. */
  readonly runs: number;
}

/** So many seeds are tried with each world. */
const TRIES = 6;

type Simpler = (options: SimOptions) => SimOptions | null;

/** Null: this run breaks no promise. */
export function shrink(failing: Failing, tries = TRIES): Shrunk | null {
  const result = runSeed(failing.seed, { ...failing, print: null });
  if (result.violation === null) return null;
  const search = new Search(failing, result, tries);
  while (SIMPLER.filter((simpler) => search.simplify(simpler)).length > 0);
  search.shorten();
  return search.found;
}

class Search {
  found: Shrunk;
  private readonly first: number;
  private readonly violation: Violation;
  private readonly tries: number;
  private runs = 1;
  /** Worlds in which the promise is kept. */
  private readonly sound = new Set<string>();

  constructor({ seed, forMs }: Failing, result: RunResult, tries: number) {
    this.first = seed;
    this.violation = result.violation!;
    this.tries = tries;
    this.found = { seed, options: result.options, forMs, result, runs: 1 };
  }

  /** As often as it can be done. False: it cannot. */
  simplify(simpler: Simpler): boolean {
    let done = false;
    for (;;) {
      const options = simpler(this.found.options);
      if (options === null || !this.breaks(options, this.found.forMs)) return done;
      done = true;
    }
  }

  /** To the shortest safety act, by halves and by quarters. */
  shorten(): void {
    const { options, result } = this.found;
    if (!this.breaks(options, Math.ceil(result.safetyMs))) return;
    const shorter = (part: number): boolean => {
      const forMs = this.found.forMs!;
      const now = Math.floor(forMs * part);
      return now > 0 && now < forMs && this.breaks(options, now);
    };
    while (shorter(0.5) || shorter(0.75));
    this.breaks(options, Math.ceil(this.found.result.safetyMs));
  }

  /** Does such a world break the same promise? Then it is what has been found. */
  private breaks(options: SimOptions, forMs: number | null): boolean {
    const key = `${forMs} ${JSON.stringify(options)}`;
    if (this.sound.has(key)) return false;
    const { seed: last } = this.found;
    const others = Array.from({ length: this.tries }, (_, i) => this.first + i);
    for (const seed of [last, ...others.filter((other) => other !== last)]) {
      const result = runSeed(seed, { options, forMs, print: null });
      this.runs += 1;
      if (result.violation === null || !isSame(result.violation, this.violation)) continue;
      this.found = { seed, options, forMs, result, runs: this.runs };
      return true;
    }
    this.sound.add(key);
    return false;
  }
}

/** The same checker; of assertions the same one. */
const isSame = (one: Violation, other: Violation): boolean =>
  one.checker === other.checker &&
  (one.checker !== 'assertions' || one.sentence.split('\n')[0] === other.sentence.split('\n')[0]);

const isPlain = (value: unknown, plain: unknown): boolean =>
  value === undefined || JSON.stringify(value) === JSON.stringify(plain);

type Values = Readonly<Record<string, unknown>>;

const groupPlain =
  (name: (typeof GROUPS)[number]): Simpler =>
  (options) => {
    const group = options[name] as Values;
    const plain = PLAIN[name] as Values;
    const some = Object.keys(plain).some((part) => !isPlain(group[part], plain[part]));
    return some ? { ...options, [name]: plain } : null;
  };

const partPlain =
  (name: (typeof GROUPS)[number], part: string): Simpler =>
  (options) => {
    const group = options[name] as Values;
    const plain = (PLAIN[name] as Values)[part];
    if (isPlain(group[part], plain)) return null;
    return { ...options, [name]: { ...group, [part]: plain } };
  };

const withPlain =
  (name: keyof SimOptions): Simpler =>
  (options) =>
    isPlain(options[name], PLAIN[name]) ? null : { ...options, [name]: PLAIN[name] };

const without =
  (calamity: (typeof CALAMITIES)[number]): Simpler =>
  ({ calamities, ...rest }) => {
    if (!calamities.includes(calamity)) return null;
    return { ...rest, calamities: calamities.filter((each) => each !== calamity) };
  };

const withBackends = (options: SimOptions, backends: number): SimOptions => ({
  ...options,
  backends,
  weights: options.weights.slice(0, backends),
  levels: options.levels.slice(0, backends),
});

const backendsTo =
  (fewer: (backends: number) => number): Simpler =>
  (options) =>
    options.backends === 1 ? null : withBackends(options, fewer(options.backends));

/** Every backend is like any other. */
const allLike =
  (name: 'weights' | 'levels', value: number): Simpler =>
  (options) =>
    options[name].every((each) => each === value)
      ? null
      : { ...options, [name]: options[name].map(() => value) };

/** Nearer to the plain number: numbers of which less is easier to read. */
const less =
  (
    name: 'clients' | 'workers' | 'pipelining' | 'largestBody',
    by: (n: number) => number,
  ): Simpler =>
  (options) => {
    const now = options[name];
    const fewer = Math.max(PLAIN[name], by(now));
    return fewer < now ? { ...options, [name]: fewer } : null;
  };

const half = (n: number): number => n >> 1;
const oneLess = (n: number): number => n - 1;

/** They have lists of their length. */
const TOGETHER: readonly string[] = ['backends', 'weights', 'levels'];
const isWhole = (name: string): boolean =>
  !TOGETHER.includes(name) && !(GROUPS as readonly string[]).includes(name);

/** In this order: what hides most comes first. */
const SIMPLER: readonly Simpler[] = [
  ...GROUPS.map(groupPlain),
  ...(Object.keys(PLAIN) as (keyof SimOptions)[]).filter(isWhole).map(withPlain),
  ...GROUPS.flatMap((name) => Object.keys(PLAIN[name]).map((part) => partPlain(name, part))),
  ...CALAMITIES.map(without),
  allLike('weights', PLAIN.weights[0]),
  allLike('levels', PLAIN.levels[0]),
  backendsTo(() => 1),
  backendsTo(oneLess),
  less('clients', oneLess),
  less('workers', oneLess),
  less('pipelining', oneLess),
  less('largestBody', half),
];
