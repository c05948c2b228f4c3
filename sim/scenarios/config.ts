/** The configuration of a scenario's balancers: what everybody has who configures nothing. */
import type { BackendConfig, Config, PolicyName } from '../../src/core/config.ts';
import type { Scenario } from './scenario.ts';

/** Where a balancer listens. */
export const LISTEN_PORT = 8080;
/** Whoever has not answered in so long never will: people do not wait longer. */
export const RESPONSE_MS = 1000;
const CONNECT_MS = 500;

/** For servers at these addresses. */
export function scenarioConfig(
  scenario: Scenario,
  policy: PolicyName,
  addresses: readonly string[],
): Config {
  return {
    listeners: [{ address: `*:${LISTEN_PORT}`, host: null, port: LISTEN_PORT }],
    routes: [{ hosts: [], pathPrefix: '/', pool: 'default', rateLimits: [] }],
    pools: [
      {
        name: 'default',
        policy,
        hashKey: { kind: 'client_address' },
        boundedLoad: null,
        sticky: null,
        backends: addresses.map((address, i) => backendConfig(scenario, address, i + 1)),
        queue: { size: 1000, timeoutMs: 10_000, order: 'fifo' },
        healthCheck: null,
        loadProbe: null,
        passiveHealth: null,
        circuitBreaker: null,
        retries: null,
        hedge: null,
        host: { kind: 'preserve' },
        tls: { verify: true, caPem: null, serverName: null },
        panic: false,
        slowStartMs: 0,
        drainTimeoutMs: 30_000,
        drainTunnelTimeoutMs: 600_000,
        errorPages: new Map(),
        ...scenario.pool,
      },
    ],
    trustedProxies: [],
    timeouts: {
      connectMs: CONNECT_MS,
      responseHeadMs: RESPONSE_MS,
      idleMs: 60_000,
      tunnelIdleMs: 3_600_000,
      clientHeadMs: 10_000,
      clientKeepAliveMs: 75_000,
      backendKeepAliveMs: 4000,
    },
    limits: {
      headBytes: 32 * 1024,
      headerFields: 100,
      requestLineBytes: 8 * 1024,
      bodyBytes: null,
      maxConnections: null,
      maxConnectionsPerClient: null,
      maxBufferBytes: null,
      idlePerBackend: 64,
      minRateBytesPerSecond: 240,
    },
    log: { level: 'info', access: true, format: 'json' },
    shutdown: { delayMs: 0, timeoutMs: 25_000 },
    workers: 1,
    tableSize: 64,
  };
}

function backendConfig(scenario: Scenario, address: string, number: number): BackendConfig {
  return {
    name: `server-${number}`,
    url: `http://${address}`,
    tls: false,
    host: address,
    port: 80,
    authority: address,
    basePath: '',
    weight: 1,
    maxRequests: 0,
    adaptiveRequests: null,
    maxConnections: 0,
    priority: 0,
    backup: false,
    ...scenario.backend,
  };
}
