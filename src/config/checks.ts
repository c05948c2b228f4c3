/**
 * What several values must be together. These checks read the configuration as it was written and
 * skip what is wrong in itself, so that they speak in the same run as the checks of single values.
 */
import type * as z from 'zod';
import { goesByKey, goesByReports, policies } from '../core/balancing/balancing.ts';
import { hostsOverlap } from '../core/base/listen-hosts.ts';
import type { PolicyName } from '../core/config.ts';
import { parseBindAddress, parseRouteHost, parseRoutePath } from './addresses.ts';
import { didYouMean, formatPath, type Path, type Report, show } from './diagnostics.ts';
import { certificateProblem, isPem, type NamedFiles } from './files.ts';
import { expectsNoBody } from './health.ts';
import { knownAt } from './issues.ts';
import { isMisspelt } from './keys.ts';
import { isInlinePage } from './normalise.ts';
import { backendUrl, poolKeys } from './pool.ts';
import { formatDuration, type Parsed, parseDuration, parseSize } from './quantities.ts';
import { stickyProblems } from './sticky.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** Reports what one key alone cannot show: keys that exclude, need or contradict each other. */
export function checkTogether(value: unknown, files: NamedFiles, report: Report): void {
  const root = asMapping(value);
  if (root === null) return;
  checkForm(root, report);
  checkListeners(root, report);
  const pools = poolsOf(root);
  for (const pool of pools) {
    checkPool(pool.value, pool.path, files, report);
    checkRetries(root, pool, report);
  }
  checkRoutes(root, pools, report);
  checkStickyNames(root, pools, report);
  checkLoops(root, pools, report);
  checkLimits(root, report);
  checkTableSize(root, pools, report);
}

const asMapping = (value: unknown): Mapping | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : null;

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a parser makes of a text; null for anything else: somebody else complains. */
function understood<T>(parse: (text: string) => Parsed<T>, value: unknown): T | null {
  if (typeof value !== 'string') return null;
  const result = parse(value);
  return 'value' in result ? result.value : null;
}

interface PoolAt {
  readonly name: string;
  readonly path: Path;
  readonly value: Mapping;
}

function poolsOf(root: Mapping): PoolAt[] {
  if (root.pools === undefined) return [{ name: 'default', path: [], value: root }];
  return Object.entries(asMapping(root.pools) ?? {}).flatMap(([name, pool]) => {
    const value = asMapping(pool);
    return value === null ? [] : [{ name, path: ['pools', name], value }];
  });
}

/** Short and full form: each key of one of them, never both. */
function checkForm(root: Mapping, report: Report): void {
  if (root.pools !== undefined) {
    const names = Object.keys(asMapping(root.pools) ?? {});
    const remedy =
      names.length === 1
        ? `move it to pools.${names[0]}`
        : 'move it into the pools that need it, under "pools"';
    for (const key of poolKeys) {
      if (root[key] !== undefined) {
        report.add([key], `belongs to a pool, and there is "pools"; ${remedy}`, 'key');
      }
    }
    const isEmpty = asMapping(root.pools) !== null && names.length === 0;
    if (isEmpty) report.add(['pools'], 'there is no pool in it; write NAME: with "backends" below');
    if (names.length > 1 && root.routes === undefined) {
      report.add(['pools'], SEVERAL, 'key');
    }
  } else if (root.backends === undefined) {
    const known = knownAt([]);
    const given = Object.keys(root);
    const isMeant = ['backends', 'pools'].some((key) => isMisspelt(key, given, known));
    if (!isMeant) report.addAt(null, '', NO_BACKENDS);
  }
  if (root.listeners === undefined) return;
  for (const key of ['port', 'address']) {
    if (root[key] === undefined) continue;
    report.add([key], 'there is "listeners"; move it to an item of that list', 'key');
  }
}

const SEVERAL = 'with several pools, "routes" must say which one gets which requests; add it';
const NO_BACKENDS = 'there are no backends; list at least one: backends: [http://localhost:9001]';

function checkListeners(root: Mapping, report: Report): void {
  const seen: { port: number; host: string; path: Path }[] = [];
  asList(root.listeners).forEach((item, i) => {
    const listener = asMapping(item);
    if (listener === null || typeof listener.port !== 'number') return;
    const { port } = listener;
    const host =
      listener.address === undefined ? '::' : understood(parseBindAddress, listener.address);
    if (host === null) return;
    const path = ['listeners', i];
    const other = seen.find((before) => before.port === port && hostsOverlap(before.host, host));
    if (other !== undefined) {
      const first = `${formatPath(other.path)}${report.onLine(other.path)}`;
      const what = port === 0 ? 'the same address' : `port ${port} on the same address`;
      report.add(path, `takes ${what} as ${first}; remove one, or change its port`);
    }
    seen.push({ port, host, path });
  });
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/** `localhost` is either of the other two. */
function isReached(host: string, by: string): boolean {
  const isEither = host === 'localhost' || by === 'localhost';
  return hostsOverlap(host, by) || (isEither && LOOPBACK.has(host));
}

/** A backend that is this balancer itself: a request would go round until connections run out. */
function checkLoops(root: Mapping, pools: readonly PoolAt[], report: Report): void {
  const { port = 8080, address } = root;
  const listeners = root.listeners === undefined ? [{ port, address }] : asList(root.listeners);
  const own: { host: string; port: unknown }[] = [];
  for (const item of listeners) {
    const listener = asMapping(item);
    const host = understood(parseBindAddress, listener?.address ?? '::');
    if (host !== null) own.push({ host, port: listener?.port });
  }
  for (const { path, value } of pools) {
    asList(value.backends).forEach((item, i) => {
      const backend = asMapping(item);
      const url = read(backendUrl, backend === null ? item : backend.url);
      if (url === null || !LOOPBACK.has(url.host)) return;
      if (!own.some(({ host, port }) => port === url.port && isReached(host, url.host))) return;
      const at = [...path, 'backends', i, ...(backend === null ? [] : ['url'])];
      const what = `port ${url.port} is where this balancer itself listens`;
      report.add(at, `${what}; requests would go round and round; write the backend's port`);
    });
  }
}

function checkPool(pool: Mapping, path: Path, files: NamedFiles, report: Report): void {
  checkBackendNames(pool, path, report);
  checkFunction(pool.policy, [...path, 'policy'], report);
  checkKeys(pool, path, report);
  checkBackups(pool, path, report);
  if (pool.queue !== undefined && !isLimited(pool)) report.add([...path, 'queue'], NO_LIMIT, 'key');
  const sticky = asMapping(pool.sticky);
  for (const [at, problem] of sticky === null ? [] : stickyProblems(sticky)) {
    report.add([...path, 'sticky', ...at], problem, 'key');
  }
  const health = asMapping(pool.health_check);
  if (health !== null) checkHealth(health, [...path, 'health_check'], report);
  const passive = asMapping(pool.passive_health);
  if (passive !== null) checkPassive(passive, [...path, 'passive_health'], report);
  for (const [status, page] of Object.entries(asMapping(pool.error_pages) ?? {})) {
    if (typeof page !== 'string' || isInlinePage(page)) continue;
    const result = page.trim() === '' ? { problem: NO_PAGE } : files.text(page);
    if ('problem' in result) report.add([...path, 'error_pages', status], result.problem);
  }
  const ca = asMapping(pool.tls)?.ca;
  if (typeof ca === 'string' && ca !== '') checkCa(ca, [...path, 'tls', 'ca'], files, report);
}

/** Has it, or one of its backends, a limit? */
function isLimited(pool: Mapping): boolean {
  return [pool, ...asList(pool.backends)].some((each) => {
    const { max_requests: requests, max_connections: connections } = asMapping(each) ?? {};
    return requests !== undefined || connections !== undefined;
  });
}

const NO_LIMIT =
  'nobody ever waits without "max_requests" or "max_connections"; add one, or remove this';
const BY_KEY = 'write policy: maglev, ring_hash or rendezvous';
const NO_PAGE = 'the path is empty; write the path of a file, or the text of the page';

/** One that does not answer at once is known by how it is written. */
function checkFunction(policy: unknown, path: Path, report: Report): void {
  if (typeof policy !== 'function') return;
  const kind = Object.prototype.toString.call(policy);
  if (kind === '[object Function]') {
    if (/^class\b/.test(String(policy))) report.add(path, A_CLASS);
    return;
  }
  const what = kind.includes('Generator') ? 'a generator' : 'an async function';
  report.add(path, `is ${what}; ${AT_ONCE}`);
}

const AT_ONCE =
  'a policy must answer at once: make it a plain function, and learn beforehand what it must know';
const A_CLASS = 'is a class; a policy is a function: (candidates, request) => candidates[0]';

/** For policies that go by a key. One that there is not is complained about elsewhere. */
function checkKeys(pool: Mapping, path: Path, report: Report): void {
  const { policy: given = 'round_robin' } = pool;
  const policy = typeof given === 'function' ? 'function' : given;
  if (typeof policy !== 'string' || !Object.hasOwn(policies, policy)) return;
  if (pool.load_probe !== undefined && !goesByReports(policy as PolicyName)) {
    const message = `has no meaning with policy: ${policy}; write policy: prequal, or remove this`;
    report.add([...path, 'load_probe'], message, 'key');
  }
  if (goesByKey(policy as PolicyName)) return;
  for (const key of ['hash_key', 'bounded_load']) {
    if (pool[key] === undefined) continue;
    const shown = typeof given === 'function' ? 'a policy function' : `policy: ${policy}`;
    const message = `has no meaning with ${shown}; ${BY_KEY}, or remove this`;
    report.add([...path, key], message, 'key');
  }
}

function checkCa(ca: string, path: Path, files: NamedFiles, report: Report): void {
  const pem = isPem(ca) ? { value: ca } : files.text(ca);
  const shown = isPem(ca) ? 'this text' : ca;
  const problem = 'problem' in pem ? pem.problem : certificateProblem(pem.value, shown);
  if (problem !== null) report.add(path, problem);
}

function checkBackendNames(pool: Mapping, path: Path, report: Report): void {
  const first = new Map<string, Path>();
  asList(pool.backends).forEach((item, i) => {
    const at = [...path, 'backends', i];
    const backend = asMapping(item);
    const url = read(backendUrl, backend === null ? item : backend.url);
    const given = backend?.name;
    if (given !== undefined && (typeof given !== 'string' || given === '')) return;
    const name = given ?? url?.hostAndPort;
    if (name === undefined) return;
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, at);
      return;
    }
    const where = `${formatPath(other)}${report.onLine([...other, 'name'])}`;
    if (given === undefined) {
      const what = `without a name this is ${show(name)}, as is ${where}`;
      report.add(backend === null ? at : [...at, 'url'], `${what}; remove one, or give it a name`);
    } else {
      report.add([...at, 'name'], `${show(name)} is the name of ${where}; choose another`);
    }
  });
}

function checkBackups(pool: Mapping, path: Path, report: Report): void {
  const backends = asList(pool.backends);
  backends.forEach((item, i) => {
    const backend = asMapping(item);
    if (backend?.backup !== true || backend.priority === undefined) return;
    report.add([...path, 'backends', i, 'priority'], NO_PRIORITY, 'key');
  });
  const isBackup = (item: unknown): boolean => asMapping(item)?.backup === true;
  if (backends.length === 0 || !backends.every(isBackup)) return;
  report.add([...path, 'backends'], ALL_BACKUPS, 'key');
}

const NO_PRIORITY =
  'a backup comes after all priorities; remove this, or "backup" to have exchanges spill over';
const ALL_BACKUPS = 'all of them are backups, of nobody; remove "backup" from at least one';

function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> | null {
  const result = schema.safeParse(value);
  return result.success ? result.data : null;
}

function checkHealth(health: Mapping, path: Path, report: Report): void {
  const interval =
    health.interval === undefined ? 5000 : understood(parseDuration, health.interval);
  const timeout = understood(parseDuration, health.timeout);
  if (interval !== null && interval > 0 && timeout !== null && timeout >= interval) {
    const which = health.interval === undefined ? ', the default' : '';
    const limit = `the interval (${formatDuration(interval)}${which})`;
    const remedy = `write a shorter timeout, or interval: ${formatDuration(timeout * 2)}`;
    const message = `${show(health.timeout)} is not below ${limit}; ${remedy}`;
    report.add([...path, 'timeout'], message);
  }
  const down = understood(parseDuration, health.down_interval);
  if (interval !== null && down !== null && down > 0 && down < interval) {
    const remedy = `write ${formatDuration(interval)} or more, or remove this`;
    report.add(
      [...path, 'down_interval'],
      `${show(health.down_interval)} is below the interval; ${remedy}`,
    );
  }
  if (health.expected_body !== undefined) {
    const isHead = health.method === 'HEAD';
    const hasNone = isHead || expectsNoBody(health.expected_status);
    if (hasNone) report.add([...path, 'expected_body'], isHead ? NO_BODY : BODILESS, 'key');
  }
  if (health.type !== 'tcp') return;
  for (const key of ['path', 'method', 'host', 'headers', 'expected_status', 'expected_body']) {
    if (health[key] === undefined) continue;
    const message = 'a tcp probe only connects; remove this key, or write type: http';
    report.add([...path, key], message, 'key');
  }
}

const NO_BODY = 'an answer to HEAD has no body; remove this, or write method: GET';
const BODILESS =
  'answers of the expected status have no body; remove this, or write expected_status: 200';

function checkRateLimits(route: Mapping, path: Path, report: Report): void {
  const seen: (readonly [string, Path])[] = [];
  asList(route.rate_limits).forEach((item, i) => {
    const limit = asMapping(item);
    if (limit === null) return;
    const at = [...path, 'rate_limits', i];
    const { key = 'client_address' } = limit;
    if (key === 'all' && limit.keys !== undefined) report.add([...at, 'keys'], ONE_KEY, 'key');
    const what = JSON.stringify([key, limit.rate]);
    const other = seen.find(([before]) => before === what);
    if (other !== undefined) {
      const where = `${formatPath(other[1])}${report.onLine(other[1])}`;
      report.add(at, `has the key and the rate of ${where}; remove one of them`);
    }
    seen.push([what, at]);
  });
}

const ONE_KEY = 'with "key: all" there is only one key; remove this';
function checkPassive(passive: Mapping, path: Path, report: Report): void {
  const { consecutive_failures: row = 5, failure_ratio: ratio = 0.5, slower_than: slow } = passive;
  if (row === 0 && ratio === 0 && (slow ?? 0) === 0) report.add(path, LOOKS_FOR_NOTHING, 'key');
  if (typeof slow === 'number' && slow > 0 && slow < 1.5) {
    const message = `${slow} ejects those that are hardly slower; write 1.5 or more, or 0`;
    report.add([...path, 'slower_than'], message);
  }
  const first = understood(parseDuration, passive.ejection_time ?? '10s');
  const most = understood(parseDuration, passive.max_ejection_time ?? '5m');
  if (first === null || most === null || most <= 0 || first <= most) return;
  const key = passive.max_ejection_time === undefined ? 'ejection_time' : 'max_ejection_time';
  const lengths = `ejection_time (${formatDuration(first)}) is above max_ejection_time`;
  report.add([...path, key], `${lengths} (${formatDuration(most)}); lower one or raise the other`);
}

const NOBODY_BESIDE = 'there is no second backend to go to; add one, or remove the key';

function checkRetries(root: Mapping, { path, value }: PoolAt, report: Report): void {
  const isAlone = asList(value.backends).length === 1;
  if (value.hedge !== undefined && isAlone) report.add([...path, 'hedge'], NOBODY_BESIDE, 'key');
  const retries = asMapping(value.retries);
  if (retries === null) return;
  const at = [...path, 'retries'];
  const first = understood(parseDuration, retries.backoff ?? '25ms');
  const most = understood(parseDuration, retries.max_backoff ?? '250ms');
  if (first !== null && most !== null && most > 0 && first > most) {
    const key = retries.max_backoff === undefined ? 'backoff' : 'max_backoff';
    const lengths = `backoff (${formatDuration(first)}) is above max_backoff`;
    report.add([...at, key], `${lengths} (${formatDuration(most)}); lower one or raise the other`);
  }
  const attempt = understood(parseDuration, retries.attempt_timeout);
  const response = understood(parseDuration, asMapping(root.timeouts)?.response ?? '60s');
  if (attempt === null || response === null || attempt <= response) return;
  const what = `timeouts.response (${formatDuration(response)}) ends an attempt before that`;
  report.add([...at, 'attempt_timeout'], `${what}; lower this, or raise timeouts.response`);
}

const LOOKS_FOR_NOTHING =
  'looks for nothing: consecutive_failures, failure_ratio and slower_than are all off; turn one ' +
  'on, or remove the key';

interface RouteAt {
  /** Empty: every host. */
  readonly hosts: readonly string[];
  readonly prefix: string;
  readonly path: Path;
}

function checkRoutes(root: Mapping, pools: readonly PoolAt[], report: Report): void {
  const names = poolNames(root, pools);
  const earlier: RouteAt[] = [];
  asList(root.routes).forEach((item, i) => {
    const route = asMapping(item);
    if (route === null) return;
    const path = ['routes', i];
    const { pool } = route;
    if (typeof pool === 'string' && !names.includes(pool)) {
      const known = names.length === 0 ? '' : `; the pools are ${names.join(', ')}`;
      const hint = didYouMean(pool, names) || known;
      report.add([...path, 'pool'], `there is no pool ${show(pool)}${hint}`);
    }
    checkRateLimits(route, path, report);
    const at = readRoute(route, path);
    if (at === null) return;
    const covering = earlier.find((before) => covers(before, at));
    if (covering !== undefined) {
      const where = `${formatPath(covering.path)}${report.onLine(covering.path)}`;
      report.add(path, `is never reached: ${where} takes all of it; put this one first`);
    }
    earlier.push(at);
  });
}

const poolNames = (root: Mapping, pools: readonly PoolAt[]): readonly string[] =>
  root.pools === undefined
    ? pools.map((pool) => pool.name)
    : Object.keys(asMapping(root.pools) ?? {});

function readRoute(route: Mapping, path: Path): RouteAt | null {
  const written = route.host === undefined ? [] : [route.host].flat();
  const hosts = written.map((host) => understood(parseRouteHost, host));
  const prefix = route.path === undefined ? '/' : understood(parseRoutePath, route.path);
  if (prefix === null || hosts.some((host) => host === null)) return null;
  if (route.host !== undefined && hosts.length === 0) return null;
  return { hosts: hosts as string[], prefix, path };
}

/** Two pools whose routes share a host would overwrite each other's cookie there. */
function checkStickyNames(root: Mapping, pools: readonly PoolAt[], report: Report): void {
  const earlier: { cookie: unknown; hosts: string[]; path: Path }[] = [];
  for (const { name, path, value } of pools) {
    const cookie = asMapping(value.sticky)?.cookie;
    if (cookie === undefined) continue;
    const at = [...path, 'sticky', 'cookie'];
    const hosts = hostsOf(root, name);
    const other = earlier.find(
      (before) => before.cookie === cookie && shareHost(before.hosts, hosts),
    );
    if (other !== undefined) {
      const where = `${formatPath(other.path)}${report.onLine(other.path)}`;
      const what = `${show(cookie)} is the cookie of ${where}, and both pools serve the same host`;
      report.add(at, `${what}; choose another name`);
    }
    earlier.push({ cookie, hosts, path: at });
  }
}

/** Of all routes to this pool; `*`: any host. */
function hostsOf(root: Mapping, pool: string): string[] {
  return asList(root.routes).flatMap((item, i) => {
    const route = asMapping(item);
    const at = route?.pool === pool ? readRoute(route, ['routes', i]) : null;
    if (at === null) return [];
    return at.hosts.length === 0 ? ['*'] : at.hosts;
  });
}

const shareHost = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((a) => others.some((b) => [a, b].includes('*') || takesHost(a, b) || takesHost(b, a)));

/** Does every request of `later` match `earlier` already? */
function covers(earlier: RouteAt, later: RouteAt): boolean {
  const above = earlier.prefix === '/' ? '/' : `${earlier.prefix}/`;
  if (later.prefix !== earlier.prefix && !later.prefix.startsWith(above)) return false;
  if (earlier.hosts.length === 0) return true;
  return (
    later.hosts.length > 0 &&
    later.hosts.every((host) => earlier.hosts.some((pattern) => takesHost(pattern, host)))
  );
}

/** `*.example.com` takes every name below example.com, however deep. */
const takesHost = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));

function checkLimits(root: Mapping, report: Report): void {
  const limits = asMapping(root.limits);
  if (limits === null) return;
  const line = sizeOr(limits.request_line, '8KiB');
  const head = sizeOr(limits.head, '32KiB');
  if (line === null || head === null || line <= head) return;
  const shown = (value: unknown, fallback: string): string =>
    value === undefined ? `${fallback}, the default` : String(value);
  const lines = `request_line (${shown(limits.request_line, '8KiB')})`;
  const heads = `head (${shown(limits.head, '32KiB')})`;
  const key = limits.request_line === undefined ? 'head' : 'request_line';
  report.add(['limits', key], `${lines} is above ${heads}; lower request_line or raise head`);
}

function sizeOr(value: unknown, fallback: string): number | null {
  const given = value ?? fallback;
  if (typeof given !== 'string' && typeof given !== 'number') return null;
  const result = parseSize(given);
  return 'value' in result ? result.value : null;
}

function checkTableSize(root: Mapping, pools: readonly PoolAt[], report: Report): void {
  const size = root.table_size;
  if (typeof size !== 'number' || size < 1) return;
  const backends = pools.reduce((sum, pool) => sum + asList(pool.value.backends).length, 0);
  if (size >= backends) return;
  const remedy = `write ${backends} or more, or remove the key`;
  report.add(['table_size'], `${size} is too small for the ${backends} backends here; ${remedy}`);
}
