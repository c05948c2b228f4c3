/**
 * What several values must be together. These checks read the configuration as it was written and
 * skip what is wrong in itself, so that they speak in the same run as the checks of single values.
 */
import { hostsOverlap } from '../core/base/listen-hosts.ts';
import { parseBindAddress } from './addresses.ts';
import { formatPath, type Path, type Report } from './diagnostics.ts';
import type { NamedFiles } from './files.ts';
import { knownAt } from './issues.ts';
import { isMisspelt } from './keys.ts';
import { backendUrl, poolKeys } from './pool.ts';
import { checkPool } from './pool-checks.ts';
import { parseSize } from './quantities.ts';
import { checkRoutes, checkStickyNames } from './route-checks.ts';
import { asList, asMapping, type Mapping, type PoolAt, read, understood } from './written.ts';

/** Reports what one key alone cannot show: keys that exclude, need or contradict each other. */
export function checkTogether(value: unknown, files: NamedFiles, report: Report): void {
  const root = asMapping(value);
  if (root === null) return;
  checkForm(root, report);
  checkListeners(root, report);
  const pools = poolsOf(root);
  for (const pool of pools) checkPool(root, pool, files, report);
  checkRoutes(root, pools, report);
  checkStickyNames(root, pools, report);
  checkLoops(root, pools, report);
  checkLimits(root, report);
  checkTableSize(root, pools, report);
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
