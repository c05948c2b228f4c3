/**
 * A normalised configuration as YAML: the full form, every default written out. It is a valid
 * configuration itself, and means the same; but for functions, of which only the name is shown.
 */
import { stringify } from 'yaml';
import { goesByKey } from '../core/balancing/balancing.ts';
import type {
  BackendConfig,
  Config,
  HealthCheckConfig,
  PassiveHealthConfig,
  PoolConfig,
  ProbeConfig,
  QueueConfig,
  RetriesConfig,
} from '../core/config.ts';
import { policyLabel } from '../core/policy-function.ts';
import { formatHashKey } from './balancing.ts';
import { fromCircuitBreaker } from './circuit-breaker.ts';
import { escapeVariables } from './environment.ts';
import { formatAfter } from './hedge.ts';
import { formatDuration, formatSize, formatStatus } from './quantities.ts';
import { fromRateLimit } from './rate-limits.ts';
import type { ConfigInput } from './schema.ts';
import { fromSticky } from './sticky.ts';

type PoolInput = NonNullable<ConfigInput['pools']>[string];

/** YAML text that ends in a newline. */
export function printConfig(config: Config): string {
  return stringify(escaped(toInput(config)), { lineWidth: 0, aliasDuplicateObjects: false });
}

function toInput(config: Config): ConfigInput {
  const { timeouts, limits, log, shutdown } = config;
  return {
    listeners: config.listeners.map(({ host, port }) => ({
      port,
      ...(host === null ? {} : { address: host }),
    })),
    routes: config.routes.map(({ hosts, pathPrefix, pool, rateLimits }) => ({
      ...(hosts.length === 0 ? {} : { host: [...hosts] }),
      path: pathPrefix,
      pool,
      ...(rateLimits.length === 0 ? {} : { rate_limits: rateLimits.map(fromRateLimit) }),
    })),
    pools: Object.fromEntries(config.pools.map((pool) => [pool.name, toPool(pool)])),
    trusted_proxies: [...config.trustedProxies],
    timeouts: {
      connect: formatDuration(timeouts.connectMs),
      response: formatDuration(timeouts.responseHeadMs),
      idle: formatDuration(timeouts.idleMs),
      tunnel_idle: formatDuration(timeouts.tunnelIdleMs),
      client_head: formatDuration(timeouts.clientHeadMs),
      client_keep_alive: formatDuration(timeouts.clientKeepAliveMs),
      backend_keep_alive: formatDuration(timeouts.backendKeepAliveMs),
    },
    limits: {
      head: formatSize(limits.headBytes),
      fields: limits.headerFields,
      request_line: formatSize(limits.requestLineBytes),
      body: limits.bodyBytes === null ? 'unlimited' : formatSize(limits.bodyBytes),
      ...(limits.maxConnections === null ? {} : { max_connections: limits.maxConnections }),
      ...(limits.maxConnectionsPerClient === null
        ? {}
        : { max_connections_per_client: limits.maxConnectionsPerClient }),
      ...(limits.maxBufferBytes === null
        ? {}
        : { max_buffer_memory: formatSize(limits.maxBufferBytes) }),
      idle_connections_per_backend: limits.idlePerBackend,
      min_rate: formatSize(limits.minRateBytesPerSecond),
    },
    log: { ...log },
    shutdown_delay: formatDuration(shutdown.delayMs),
    shutdown_timeout: formatDuration(shutdown.timeoutMs),
    workers: config.workers ?? 'auto',
    table_size: config.tableSize,
  };
}

function toPool(pool: PoolConfig): PoolInput {
  const { tls, host } = pool;
  const pages = [...pool.errorPages].map(([status, page]) => [
    status,
    {
      body: new TextDecoder('utf-8', { ignoreBOM: true }).decode(page.body),
      content_type: page.contentType,
    },
  ]);
  return {
    backends: pool.backends.map(toBackend),
    // A function cannot be written: it is told by its name.
    policy: policyLabel(pool.policy, pool.choose) as NonNullable<PoolInput['policy']>,
    ...(goesByKey(pool.policy) ? { hash_key: formatHashKey(pool.hashKey) } : {}),
    ...(pool.boundedLoad === null ? {} : { bounded_load: pool.boundedLoad }),
    ...(pool.backends.some(isBounded) ? { queue: toQueue(pool.queue) } : {}),
    ...(pool.sticky === null ? {} : { sticky: fromSticky(pool.sticky) }),
    ...(pool.healthCheck === null ? {} : { health_check: toHealthCheck(pool.healthCheck) }),
    ...(pool.loadProbe === null ? {} : { load_probe: toLoadProbe(pool.loadProbe) }),
    ...(pool.passiveHealth === null ? {} : { passive_health: toPassive(pool.passiveHealth) }),
    ...(pool.circuitBreaker === null
      ? {}
      : { circuit_breaker: fromCircuitBreaker(pool.circuitBreaker) }),
    ...(pool.retries === null ? {} : { retries: toRetries(pool.retries) }),
    ...(pool.hedge === null ? {} : { hedge: { after: formatAfter(pool.hedge) } }),
    host: host.kind === 'name' ? host.name : host.kind,
    tls: {
      verify: tls.verify,
      ...(tls.caPem === null ? {} : { ca: tls.caPem }),
      ...(tls.serverName === null ? {} : { server_name: tls.serverName }),
    },
    panic: pool.panic,
    ...(pool.slowStartMs === 0 ? {} : { slow_start: formatDuration(pool.slowStartMs) }),
    drain_timeout: formatDuration(pool.drainTimeoutMs),
    drain_tunnel_timeout: formatDuration(pool.drainTunnelTimeoutMs),
    error_pages: Object.fromEntries(pages),
  };
}

const isLimited = ({ maxRequests }: BackendConfig): boolean => maxRequests > 0;
const hasConnectionsBound = ({ maxConnections }: BackendConfig): boolean => maxConnections > 0;
const isBounded = (backend: BackendConfig): boolean =>
  isLimited(backend) || hasConnectionsBound(backend);

const toBackend = (backend: BackendConfig): PoolInput['backends'][number] => ({
  url: backend.url,
  name: backend.name,
  weight: backend.weight,
  ...(isLimited(backend) ? { max_requests: backend.adaptiveRequests ?? backend.maxRequests } : {}),
  ...(hasConnectionsBound(backend) ? { max_connections: backend.maxConnections } : {}),
  ...(backend.backup ? { backup: true } : { priority: backend.priority }),
});

const toQueue = ({ size, timeoutMs, order }: QueueConfig): PoolInput['queue'] => ({
  size,
  timeout: formatDuration(timeoutMs),
  order,
});

function toHealthCheck(check: HealthCheckConfig): PoolInput['health_check'] {
  const http = {
    path: check.path,
    method: check.method as 'GET',
    ...(check.host === null ? {} : { host: check.host }),
    ...(check.headers.length === 0 ? {} : { headers: Object.fromEntries(check.headers) }),
    expected_status: check.expectedStatus.map(formatStatus),
    ...(check.expectedBody === null ? {} : { expected_body: check.expectedBody }),
  };
  return {
    type: check.kind,
    ...(check.kind === 'http' ? http : {}),
    interval: formatDuration(check.intervalMs),
    down_interval: formatDuration(check.downIntervalMs),
    timeout: formatDuration(check.timeoutMs),
    healthy_threshold: check.healthyThreshold,
    unhealthy_threshold: check.unhealthyThreshold,
  };
}

const toLoadProbe = ({ path, intervalMs }: ProbeConfig): PoolInput['load_probe'] => ({
  path,
  interval: formatDuration(intervalMs),
});

function toPassive(passive: PassiveHealthConfig): PoolInput['passive_health'] {
  return {
    consecutive_failures: passive.consecutiveFailures,
    failure_ratio: passive.failureRatio,
    minimum_requests: passive.minimumRequests,
    interval: formatDuration(passive.intervalMs),
    slower_than: passive.slowerThan,
    ejection_time: formatDuration(passive.ejectionMs),
    max_ejection_time: formatDuration(passive.maxEjectionMs),
    max_ejected: passive.maxEjected,
  };
}

function toRetries(retries: RetriesConfig): PoolInput['retries'] {
  const { attemptTimeoutMs } = retries;
  const isTimed = Number.isFinite(attemptTimeoutMs);
  return {
    attempts: retries.attempts,
    on: [...retries.statuses, ...(retries.onTimeout ? ['timeout'] : [])],
    ...(isTimed ? { attempt_timeout: formatDuration(attemptTimeoutMs) } : {}),
    backoff: formatDuration(retries.backoffMs),
    max_backoff: formatDuration(retries.maxBackoffMs),
  };
}

/** Every text as it must be written so that it holds no variables. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return escapeVariables(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}
