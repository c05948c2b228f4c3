/** What the values of a pool must be together. */
import { goesByKey, goesByReports, policies } from '../core/balancing/balancing.ts';
import type { PolicyName } from '../core/config.ts';
import { formatPath, type Path, type Report, show } from './diagnostics.ts';
import { certificateProblem, isPem, type NamedFiles } from './files.ts';
import { expectsNoBody } from './health.ts';
import { isInlinePage } from './normalise.ts';
import { backendUrl } from './pool.ts';
import { formatDuration, parseDuration } from './quantities.ts';
import { stickyProblems } from './sticky.ts';
import { asList, asMapping, type Mapping, type PoolAt, read, understood } from './written.ts';

/** Reports which values of a pool exclude, need or contradict each other. */
export function checkPool(root: Mapping, at: PoolAt, files: NamedFiles, report: Report): void {
  const { value: pool, path } = at;
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
  checkRetries(root, at, report);
  const isAlone = asList(pool.backends).length === 1;
  if (pool.hedge !== undefined && isAlone) report.add([...path, 'hedge'], NOBODY_BESIDE, 'key');
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
const NOBODY_BESIDE = 'there is no second backend to go to; add one, or remove the key';
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

const LOOKS_FOR_NOTHING =
  'looks for nothing: consecutive_failures, failure_ratio and slower_than are all off; turn one ' +
  'on, or remove the key';

function checkRetries(root: Mapping, pool: PoolAt, report: Report): void {
  const retries = asMapping(pool.value.retries);
  if (retries === null) return;
  const at = [...pool.path, 'retries'];
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
