/** The configuration of somebody who configures nothing, and what a world changes of it. */
import type {
  BackendConfig,
  Config,
  ListenerConfig,
  PoolConfig,
  RouteConfig,
} from '../src/core/config.ts';

/** Where a balancer listens. */
export const LISTEN_PORT = 8080;

export const listenerConfig = (port: number): ListenerConfig => ({
  address: `*:${port}`,
  host: null,
  port,
});

export const routeConfig = (changes: Partial<RouteConfig> = {}): RouteConfig => ({
  hosts: [],
  pathPrefix: '/',
  pool: 'default',
  rateLimits: [],
  ...changes,
});

export const defaultConfig = (
  pools: readonly PoolConfig[],
  changes: Partial<Config> = {},
): Config => ({
  listeners: [listenerConfig(LISTEN_PORT)],
  routes: [routeConfig()],
  pools,
  functions: null,
  trustedProxies: [],
  timeouts: {
    connectMs: 3000,
    responseHeadMs: 60_000,
    idleMs: 60_000,
    tunnelIdleMs: 3_600_000,
    clientHeadMs: 10_000,
    clientKeepAliveMs: 75_000,
    backendKeepAliveMs: 4000,
  },
  limits: {
    headBytes: 32_768,
    headerFields: 100,
    requestLineBytes: 8192,
    bodyBytes: null,
    maxConnections: null,
    maxConnectionsPerClient: null,
    maxBufferBytes: null,
    idlePerBackend: 64,
    minRateBytesPerSecond: 240,
  },
  log: { level: 'info', access: true, format: 'auto' },
  shutdown: { delayMs: 0, timeoutMs: 25_000 },
  workers: 1,
  tableSize: 64,
  ...changes,
});

/** Without health checks. */
export const defaultPool = (
  backends: readonly BackendConfig[],
  changes: Partial<PoolConfig> = {},
): PoolConfig => ({
  name: 'default',
  policy: 'round_robin',
  choose: null,
  hashKey: { kind: 'client_address' },
  queue: { size: 1000, timeoutMs: 10_000, order: 'fifo' },
  boundedLoad: null,
  sticky: null,
  backends,
  healthCheck: null,
  loadProbe: null,
  retries: null,
  hedge: null,
  passiveHealth: null,
  circuitBreaker: null,
  host: { kind: 'preserve' },
  tls: { verify: true, caPem: null, serverName: null },
  panic: false,
  slowStartMs: 0,
  drainTimeoutMs: 30_000,
  drainTunnelTimeoutMs: 600_000,
  errorPages: new Map(),
  ...changes,
});

/** `host`: where it is; `port`: 80 need not be said. */
export function defaultBackend(
  name: string,
  host: string,
  port: number,
  changes: Partial<BackendConfig> = {},
): BackendConfig {
  const authority = port === 80 ? host : `${host}:${port}`;
  return {
    name,
    url: `http://${authority}`,
    tls: false,
    host,
    port,
    authority,
    basePath: '',
    weight: 1,
    maxRequests: 0,
    adaptiveRequests: null,
    maxConnections: 0,
    priority: 0,
    backup: false,
    ...changes,
  };
}
