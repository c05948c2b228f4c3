/** What routes must be together, and with their pools. */
import { parseRouteHost, parseRoutePath } from './addresses.ts';
import { didYouMean, formatPath, type Path, type Report, show } from './diagnostics.ts';
import { asList, asMapping, type Mapping, type PoolAt, understood } from './written.ts';

interface RouteAt {
  /** Empty: every host. */
  readonly hosts: readonly string[];
  readonly prefix: string;
  readonly path: Path;
}

/** Reports routes to nobody, routes that are never reached, and limits that are there twice. */
export function checkRoutes(root: Mapping, pools: readonly PoolAt[], report: Report): void {
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
export function checkStickyNames(root: Mapping, pools: readonly PoolAt[], report: Report): void {
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
