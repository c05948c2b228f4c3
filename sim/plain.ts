/**
 * The plainest world there is, and others told by what is different in them: short enough to be
 * read, and to be typed.
 */
import { BENIGN, type Ratio } from './network.ts';
import { MISDEEDS, PRANKS, type SimOptions } from './options.ts';

const NEVER: Ratio = [0, 1];

const never = <T extends string>(kinds: readonly T[]): Record<T, Ratio> =>
  Object.fromEntries(kinds.map((kind) => [kind, NEVER] as const)) as Record<T, Ratio>;

/** One client, one backend, nothing is limited and nothing goes wrong. */
export const PLAIN: SimOptions = {
  calm: false,
  policy: 'round_robin',
  boundedLoad: null,
  sticky: null,
  clients: 1,
  backends: 1,
  weights: [1],
  levels: [0],
  slowStartMs: 0,
  named: false,
  namesChangeEveryMs: null,
  health: null,
  panic: false,
  maxRequests: 0,
  queue: { size: 1000, timeoutMs: 20_000, order: 'fifo' },
  network: BENIGN,
  misdeeds: never(MISDEEDS),
  pranks: never(PRANKS),
  calamities: [],
  calamityEveryMs: [2000, 12_000],
  operatorEveryMs: null,
  idleCloseMs: null,
  workMs: [0, 5],
  thinkMs: [0, 10],
  largestBody: 300,
  pipelining: 1,
  responseHeadMs: 20_000,
  idleMs: 20_000,
  tunnelIdleMs: 45_000,
  clientHeadMs: 10_000,
  clientKeepAliveMs: 30_000,
  drainMs: 10_000,
  idlePerBackend: 64,
  maxConnections: null,
  maxConnectionsPerClient: null,
  maxBufferBytes: null,
  rateLimit: null,
  stopsEarly: false,
  passive: null,
  workers: 1,
  workerDiesEveryMs: null,
  clockJumps: null,
  circuit: null,
  maxBackendConnections: 0,
  retries: null,
  hedge: null,
  mergeWindowMs: 0,
};

/** Options that are made of many, each of which may be plain or not. */
export const GROUPS = ['misdeeds', 'pranks', 'network'] as const;

type Values = Readonly<Record<string, unknown>>;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What is not plain in this group. */
function differing(group: Values, plain: Values): Values {
  const entries = Object.entries(group).filter(([name, value]) => !same(value, plain[name]));
  return Object.fromEntries(entries);
}

/** What is different in this world, as `worldOf` reads it. */
export function differences(options: SimOptions): Values {
  const of: Record<string, unknown> = differing(
    options as unknown as Values,
    plainOf(options.backends) as unknown as Values,
  );
  // Of how many backends the lists tell must not be guessed.
  if (options.backends !== PLAIN.backends) of.backends = options.backends;
  else delete of.backends;
  for (const name of GROUPS) {
    const group = differing(options[name] as Values, PLAIN[name] as Values);
    if (Object.keys(group).length === 0) delete of[name];
    else of[name] = group;
  }
  return of;
}

/** As one line of JSON: numbers without end, which it lacks, are 1e999, which it reads so. */
export const inOneLine = (options: SimOptions): string =>
  JSON.stringify(differences(options), (_, value) => (value === Infinity ? ENDLESS : value))
    .split(`"${ENDLESS}"`)
    .join('1e999');

const ENDLESS = '(endless)';

/** A plain world with so many backends. */
const plainOf = (backends: number): SimOptions => ({
  ...PLAIN,
  backends,
  weights: new Array(backends).fill(1),
  levels: new Array(backends).fill(0),
});

/** The names of what is different, as `workers` and `misdeeds.reset`, in their order. */
export function namesOf(different: Values): string[] {
  const groups: readonly string[] = GROUPS;
  return Object.entries(different).flatMap(([name, value]) =>
    groups.includes(name)
      ? Object.keys(value as Values).map((part) => `${name}.${part}`)
      : name === 'calamities'
        ? (value as readonly string[]).map((part) => `${name}.${part}`)
        : [name],
  );
}

/** The world that differs so from the plain one; a text says what is wrong with that. */
export function worldOf(different: unknown): SimOptions | string {
  if (!isRecord(different)) return 'the options are no JSON object';
  const backends = different.backends ?? PLAIN.backends;
  if (!Number.isInteger(backends) || Number(backends) < 1 || Number(backends) > 200) {
    return `backends: ${JSON.stringify(backends)} is no number from 1 to 200`;
  }
  const plain = plainOf(Number(backends)) as unknown as Values;
  const options: Record<string, unknown> = { ...plain };
  for (const [name, value] of Object.entries(different)) {
    const problem = problemOf(name, value, plain);
    if (problem !== null) return problem;
    options[name] = isGroup(name) ? { ...PLAIN[name], ...(value as Values) } : value;
  }
  for (const name of ['weights', 'levels']) {
    const { length } = options[name] as readonly number[];
    if (length !== backends) return `${name}: ${length} for ${backends} backends`;
  }
  return options as unknown as SimOptions;
}

const isGroup = (name: string): name is (typeof GROUPS)[number] =>
  (GROUPS as readonly string[]).includes(name);

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function problemOf(name: string, value: unknown, plain: Values): string | null {
  if (!Object.hasOwn(plain, name)) {
    return `${name}: there is no such option; there are ${Object.keys(plain).join(', ')}`;
  }
  const like = plain[name];
  // Null says that there is none of it, and not what it would look like.
  if (like === null) return null;
  const alike = typeof value === typeof like && Array.isArray(value) === Array.isArray(like);
  if (!alike || value === null) {
    return `${name}: ${JSON.stringify(value)} is nothing like ${JSON.stringify(like)}`;
  }
  if (!isGroup(name)) return null;
  for (const [part, own] of Object.entries(value as Values)) {
    const problem = problemOf(part, own, like as Values);
    if (problem !== null) return `${name}.${problem}`;
  }
  return null;
}
