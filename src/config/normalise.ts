/** From checked values to the frozen `Config` that every other room sees. */
import type {
  AdaptiveLimitConfig,
  BackendConfig,
  Config,
  ErrorPage,
  FunctionModule,
  HealthCheckConfig,
  LimitsConfig,
  ListenerConfig,
  PassiveHealthConfig,
  PoolConfig,
  ProbeConfig,
  QueueConfig,
  RetriesConfig,
  RouteConfig,
  TimeoutsConfig,
} from '../core/config.ts';
import { FIRST_LIMIT } from '../core/resilience/adaptive-limit.ts';
import { toCircuitBreaker } from './circuit-breaker.ts';
import { queue } from './concurrency.ts';
import { isPem, type NamedFiles } from './files.ts';
import type { CheckedErrorPage, CheckedPool } from './pool.ts';
import { toRateLimit } from './rate-limits.ts';
import type { CheckedConfig } from './schema.ts';
import { toSticky } from './sticky.ts';

/**
 * Both forms end here. The values and the files they name have been checked. `module`: where they
 * were exported.
 */
export function normalise(
  checked: CheckedConfig,
  files: NamedFiles,
  module: FunctionModule | null,
): Config {
  const pools = writtenPools(checked).map(([name, pool]) => toPool(name, pool, files));
  const backends = pools.reduce((sum, pool) => sum + pool.backends.length, 0);
  return deepFreeze({
    listeners: toListeners(checked),
    routes: toRoutes(checked, pools),
    pools,
    trustedProxies: checked.trusted_proxies,
    timeouts: toTimeouts(checked.timeouts),
    limits: toLimits(checked.limits),
    log: checked.log,
    shutdown: { delayMs: checked.shutdown_delay, timeoutMs: checked.shutdown_timeout },
    workers: checked.workers,
    tableSize: checked.table_size ?? Math.max(4096, 4 * backends),
    functions: pools.some(({ choose }) => choose !== null) ? module : null,
  });
}

function writtenPools(checked: CheckedConfig): [string, CheckedPool][] {
  if (checked.pools !== undefined) return Object.entries(checked.pools);
  return [['default', { ...checked, backends: checked.backends ?? [] }]];
}

function toListeners(checked: CheckedConfig): ListenerConfig[] {
  const written = checked.listeners ?? [{ port: checked.port ?? 8080, address: checked.address }];
  return written.map(({ port, address }) => {
    const host = address ?? null;
    const shown = host === null ? '*' : host.includes(':') ? `[${host}]` : host;
    return { address: `${shown}:${port}`, host, port };
  });
}

function toRoutes(checked: CheckedConfig, pools: readonly PoolConfig[]): RouteConfig[] {
  if (checked.routes === undefined) {
    return [{ hosts: [], pathPrefix: '/', pool: pools[0].name, rateLimits: [] }];
  }
  return checked.routes.map(({ host, path, pool, rate_limits: limits }) => ({
    hosts: [...new Set(host ?? [])],
    pathPrefix: path,
    pool,
    rateLimits: limits.map(toRateLimit),
  }));
}

function toPool(name: string, pool: CheckedPool, files: NamedFiles): PoolConfig {
  const { host, tls } = pool;
  return {
    name,
    ...toPolicy(pool.policy),
    hashKey: pool.hash_key ?? { kind: 'client_address' },
    boundedLoad: pool.bounded_load ?? null,
    sticky: pool.sticky === undefined ? null : toSticky(pool.sticky),
    backends: pool.backends.map((written) => toBackend(written, pool)),
    queue: toQueue(pool.queue ?? queue.parse({})),
    healthCheck: pool.health_check === undefined ? null : toHealthCheck(pool.health_check),
    loadProbe: pool.load_probe === undefined ? null : toLoadProbe(pool.load_probe),
    passiveHealth: pool.passive_health === undefined ? null : toPassive(pool.passive_health),
    circuitBreaker: pool.circuit_breaker ? toCircuitBreaker(pool.circuit_breaker) : null,
    hedge: pool.hedge?.after ?? null,
    retries: pool.retries === undefined ? null : toRetries(pool.retries),
    host: host === 'preserve' || host === 'backend' ? { kind: host } : { kind: 'name', name: host },
    tls: {
      verify: tls.verify,
      caPem: tls.ca === undefined ? null : isPem(tls.ca) ? tls.ca : contentOf(files, tls.ca),
      serverName: tls.server_name ?? null,
    },
    panic: pool.panic,
    slowStartMs: pool.slow_start ?? 0,
    drainTimeoutMs: pool.drain_timeout,
    drainTunnelTimeoutMs: pool.drain_tunnel_timeout,
    errorPages: new Map(
      Object.entries(pool.error_pages).map(([status, page]) => [
        Number(status),
        toErrorPage(page, files),
      ]),
    ),
  };
}

const toPolicy = (checked: CheckedPool['policy']): Pick<PoolConfig, 'policy' | 'choose'> =>
  typeof checked === 'function'
    ? { policy: 'function', choose: checked }
    : { policy: checked, choose: null };

const toQueue = ({ size, timeout, order }: NonNullable<CheckedPool['queue']>): QueueConfig => ({
  size,
  timeoutMs: timeout,
  order,
});

/** What a backend is of which only the URL is written. */
const PLAIN_BACKEND = {
  name: undefined,
  weight: 1,
  max_requests: undefined,
  max_connections: undefined,
  priority: 0,
  backup: false,
};

function toBackend(written: CheckedPool['backends'][number], ofPool: CheckedPool): BackendConfig {
  const given = 'weight' in written ? written : { url: written, ...PLAIN_BACKEND };
  const { name, weight, priority, backup } = given;
  const most = given.max_requests ?? ofPool.max_requests ?? 0;
  const { hostAndPort, ...address } = given.url;
  const adaptive = typeof most === 'number' ? null : most;
  return {
    name: name ?? hostAndPort,
    ...address,
    weight,
    maxRequests: typeof most === 'number' ? most : firstLimit(most),
    adaptiveRequests: adaptive,
    maxConnections: given.max_connections ?? ofPool.max_connections ?? 0,
    priority,
    backup,
  };
}

const firstLimit = ({ min, max }: AdaptiveLimitConfig): number =>
  Math.max(min, Math.min(max, FIRST_LIMIT));

function toHealthCheck(checked: NonNullable<CheckedPool['health_check']>): HealthCheckConfig {
  return {
    kind: checked.type,
    method: checked.method,
    path: checked.path,
    host: checked.host ?? null,
    intervalMs: checked.interval,
    downIntervalMs: checked.down_interval ?? checked.interval,
    headers: Object.entries(checked.headers),
    timeoutMs: checked.timeout ?? defaultTimeoutMs(checked.interval),
    expectedStatus: checked.expected_status,
    expectedBody: checked.expected_body ?? null,
    healthyThreshold: checked.healthy_threshold,
    unhealthyThreshold: checked.unhealthy_threshold,
  };
}

/** It has as long as until the next one. */
function toLoadProbe({ path, interval }: NonNullable<CheckedPool['load_probe']>): ProbeConfig {
  return {
    kind: 'http',
    method: 'GET',
    path,
    host: null,
    intervalMs: interval,
    timeoutMs: interval,
    headers: [],
    expectedStatus: [[200, 299]],
    expectedBody: null,
  };
}

function toPassive(checked: NonNullable<CheckedPool['passive_health']>): PassiveHealthConfig {
  return {
    consecutiveFailures: checked.consecutive_failures,
    failureRatio: checked.failure_ratio,
    minimumRequests: checked.minimum_requests,
    intervalMs: checked.interval,
    slowerThan: checked.slower_than,
    ejectionMs: checked.ejection_time,
    maxEjectionMs: checked.max_ejection_time,
    maxEjected: checked.max_ejected,
  };
}

function toRetries(checked: NonNullable<CheckedPool['retries']>): RetriesConfig {
  const { attempts, on, attempt_timeout, backoff, max_backoff } = checked;
  return {
    attempts,
    statuses: on.filter((each) => each !== 'timeout'),
    onTimeout: on.includes('timeout'),
    attemptTimeoutMs: attempt_timeout ?? Number.POSITIVE_INFINITY,
    backoffMs: backoff,
    maxBackoffMs: max_backoff,
  };
}

/** 2 s, or half the interval when that would not be below it. */
const defaultTimeoutMs = (intervalMs: number): number =>
  intervalMs > 2000 ? 2000 : Math.max(1, Math.floor(intervalMs / 2));

function toTimeouts(checked: CheckedConfig['timeouts']): TimeoutsConfig {
  return {
    connectMs: checked.connect,
    responseHeadMs: checked.response,
    idleMs: checked.idle,
    tunnelIdleMs: checked.tunnel_idle,
    clientHeadMs: checked.client_head,
    clientKeepAliveMs: checked.client_keep_alive,
    backendKeepAliveMs: checked.backend_keep_alive,
  };
}

function toLimits(checked: CheckedConfig['limits']): LimitsConfig {
  return {
    headBytes: checked.head,
    headerFields: checked.fields,
    requestLineBytes: checked.request_line,
    bodyBytes: checked.body,
    maxConnections: checked.max_connections ?? null,
    maxConnectionsPerClient: checked.max_connections_per_client ?? null,
    maxBufferBytes: checked.max_buffer_memory ?? null,
    idlePerBackend: checked.idle_connections_per_backend,
    minRateBytesPerSecond: checked.min_rate,
  };
}

/** Is this an error page itself, rather than the path of a file? */
export const isInlinePage = (page: string): boolean => page.startsWith('<') || page.includes('\n');

function toErrorPage(page: CheckedErrorPage, files: NamedFiles): ErrorPage {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  if (typeof page !== 'string') return { body: bytes(page.body), contentType: page.content_type };
  if (!isInlinePage(page)) {
    return { body: bytes(contentOf(files, page)), contentType: contentTypeOf(page) };
  }
  return { body: bytes(page), contentType: page.startsWith('<') ? HTML : PLAIN };
}

const HTML = 'text/html; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';

function contentTypeOf(path: string): string {
  if (/\.json$/i.test(path)) return 'application/json';
  return /\.txt$/i.test(path) ? PLAIN : HTML;
}

function contentOf(files: NamedFiles, path: string): string {
  const result = files.text(path);
  // A file that cannot be read has been reported, and nothing is normalised then.
  return 'value' in result ? result.value : '';
}

/** Freezes plain objects and lists; maps and bytes cannot be, and their types are read-only. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return value;
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) deepFreeze(part);
  return Object.freeze(value);
}
