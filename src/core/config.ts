/**
 * The configuration as every other room sees it: normalised, complete, frozen. The schema in
 * `src/config` produces it from YAML; both forms of the file end here.
 * Durations are milliseconds, sizes are bytes.
 */
import type { PolicyFunction } from './policy-function.ts';

export interface Config {
  readonly listeners: readonly ListenerConfig[];
  /** First match wins. */
  readonly routes: readonly RouteConfig[];
  readonly pools: readonly PoolConfig[];
  /** Peers whose X-Forwarded-* and X-Request-Id are believed: addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[];
  readonly timeouts: TimeoutsConfig;
  readonly limits: LimitsConfig;
  readonly log: LogConfig;
  readonly shutdown: ShutdownConfig;
  /** Threads that carry traffic; null: as many as there are processors. Fixed at start. */
  readonly workers: number | null;
  /** Slots in the table; the larger of 4,096 and four times the backends unless set. */
  readonly tableSize: number;
  /** Where other threads find the functions of its pools; null: there are none, or nowhere. */
  readonly functions: FunctionModule | null;
}

/** The module that a configuration was read from: functions cannot be sent between threads. */
export interface FunctionModule {
  /** Absolute. */
  readonly path: string;
  /** Of its text when it was read: SHA-256, in hexadecimal. */
  readonly digest: string;
}

export interface ListenerConfig {
  /** Identity across reloads: `host:port`. */
  readonly address: string;
  /** null: every address, dual-stack. */
  readonly host: string | null;
  readonly port: number;
}

export interface RouteConfig {
  /** Lower-case host names, `*.example.com` allowed; empty: every host. */
  readonly hosts: readonly string[];
  /** Matches the path itself and everything below it; `/`: every path. */
  readonly pathPrefix: string;
  readonly pool: string;
  /** A request must be within each of them. */
  readonly rateLimits: readonly RateLimitConfig[];
}

/** So many requests per period, and so many at once. */
export interface RateConfig {
  /** Whole, 1 or more. */
  readonly requests: number;
  readonly periodMs: number;
  /** Whole, 1 or more. */
  readonly burst: number;
}

export interface RateLimitConfig extends RateConfig {
  /** Requests that are alike in this share the rate; `all`: all of the route do. */
  readonly key: HashKeyConfig | { readonly kind: 'all' };
  /** How many different keys are counted at once. */
  readonly keys: number;
}

export type PolicyName =
  | 'round_robin'
  | 'random'
  | 'least_connections'
  | 'least_request'
  | 'peak_ewma'
  | 'adaptive'
  | 'prequal'
  | 'maglev'
  | 'ring_hash'
  | 'rendezvous'
  | 'function';

/** The part of a request by which a hashing policy chooses. */
export type HashKeyConfig =
  | { readonly kind: 'client_address' | 'host' | 'path' }
  /** Header names are lower-case. */
  | { readonly kind: 'header' | 'cookie' | 'query'; readonly name: string };

/** By what a client, or a session of the application's, stays on its backend. */
export type StickyConfig = StickyCookieConfig | StickySessionsConfig;

/** By a cookie of ours. */
export interface StickyCookieConfig {
  readonly kind: 'cookie';
  /** Its name. */
  readonly cookie: string;
  /** 1,000 or more; null: until the browser is closed. */
  readonly maxAgeMs: number | null;
  /** null: none, whoever knows what a backend is called can make its cookie. */
  readonly secret: string | null;
  /** A backend that drains keeps its clients until its deadline. */
  readonly drain: boolean;
}

/** By a value in the requests, whose backend is remembered. */
export interface StickySessionsConfig {
  readonly kind: 'sessions';
  /** Where the value is in a request; header names are lower-case. */
  readonly key: { readonly kind: 'header' | 'cookie'; readonly name: string };
  /** Backends make the values: in a header of this name, or in a Set-Cookie. */
  readonly learn: boolean;
  /** After so long without a request a session is forgotten. */
  readonly idleMs: number;
  /** So many are remembered at least. */
  readonly sessions: number;
  /** As of a cookie. */
  readonly drain: boolean;
}

export interface PoolConfig {
  readonly name: string;
  readonly policy: PolicyName;
  /** With `policy: 'function'`; null: another policy, or it cannot be had in this thread. */
  readonly choose: PolicyFunction | null;
  /** For hashing policies. */
  readonly hashKey: HashKeyConfig;
  /** For the same: above 1, of its share of what is in flight; null: no bound. */
  readonly boundedLoad: number | null;
  /** null: each exchange goes where the policy says. */
  readonly sticky: StickyConfig | null;
  readonly backends: readonly BackendConfig[];
  readonly queue: QueueConfig;
  /** null: one more attempt when a connection is lost, and no other. */
  readonly retries: RetriesConfig | null;
  /** null: an exchange has one attempt at a time. */
  readonly hedge: HedgeConfig | null;
  /** null: no active probes; suspects are probed by TCP. */
  readonly healthCheck: HealthCheckConfig | null;
  /** With `prequal`, by http; null: backends are not asked for their load besides. */
  readonly loadProbe: ProbeConfig | null;
  /** null: what exchanges show of a backend ejects nobody. */
  readonly passiveHealth: PassiveHealthConfig | null;
  /** null: exchanges are tried however many fail. */
  readonly circuitBreaker: CircuitBreakerConfig | null;
  /** The Host sent to backends: `preserve` the client's, the `backend`'s own, or this name. */
  readonly host:
    | { readonly kind: 'preserve' | 'backend' }
    | { readonly kind: 'name'; readonly name: string };
  /** For `https://` backends. */
  readonly tls: PoolTlsConfig;
  /** With nobody up, use also the backends that probes took down. */
  readonly panic: boolean;
  /** How long the share of a backend that comes back grows; 0: it gets all of it at once. */
  readonly slowStartMs: number;
  /** How long exchanges may go on when a backend is taken out; tunnels are counted apart. */
  readonly drainTimeoutMs: number;
  readonly drainTunnelTimeoutMs: number;
  /** Pages of the user's own for our answers: status -> body. */
  readonly errorPages: ReadonlyMap<number, ErrorPage>;
}

/** Who waits while every backend has as many exchanges as it may have (`maxRequests`). */
export interface QueueConfig {
  /** So many at once, over all workers; 0: nobody. */
  readonly size: number;
  readonly timeoutMs: number;
  /** `adaptive`: newest first while the queue stands. */
  readonly order: 'fifo' | 'adaptive';
}

/** When a request that may be repeated is tried again, besides after a lost connection. */
export interface RetriesConfig {
  /** At most, after the first one that reached a backend; whole, 1 or more. */
  readonly attempts: number;
  /** Answers after which it is; 400 to 599. */
  readonly statuses: readonly number[];
  /** Also when no response's head comes in time. */
  readonly onTimeout: boolean;
  /** The time for a response's head, if shorter than the response timeout; Infinity: it is not. */
  readonly attemptTimeoutMs: number;
  /** The longest first wait before backends are tried again, and the longest of all waits. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** When a second attempt begins beside one that takes long. */
export interface HedgeConfig {
  /** After so long, in milliseconds; not used with a quantile. */
  readonly afterMs: number;
  /** After what such a share of answers takes at most, above 0 and below 1; null: `afterMs`. */
  readonly quantile: number | null;
}

export interface ErrorPage {
  readonly body: Uint8Array;
  readonly contentType: string;
}

export interface PoolTlsConfig {
  readonly verify: boolean;
  readonly caPem: string | null;
  /** SNI and certificate name; null: the backend URL's host. */
  readonly serverName: string | null;
}

export interface BackendConfig {
  readonly name: string;
  /** As written, for people. */
  readonly url: string;
  readonly tls: boolean;
  /** Name or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** What a Host field for this backend says: host, and port if not the scheme's default. */
  readonly authority: string;
  /** Put before the request's path; empty or begins with `/`, never ends with one. */
  readonly basePath: string;
  /** Whole, 1 or more. */
  readonly weight: number;
  /** Exchanges and tunnels at once, over all workers; 0: any number. */
  readonly maxRequests: number;
  /** Not null: `maxRequests` is only where it begins, and tunnels do not count. */
  readonly adaptiveRequests: AdaptiveLimitConfig | null;
  /** To it at once, over all workers; 0: any number. Probes do not count. */
  readonly maxConnections: number;
  /** 0 to 15: lower ones get the exchanges as long as enough of them are healthy. */
  readonly priority: number;
  /** Gets exchanges only when nobody else of the pool can be chosen. */
  readonly backup: boolean;
}

/** Between what the number of exchanges at once is that a backend is found to be good for. */
export interface AdaptiveLimitConfig {
  /** Whole, 1 or more. */
  readonly min: number;
  readonly max: number;
}

/** What a probe asks, and which answer is a good one. */
export interface ProbeConfig {
  readonly kind: 'http' | 'tcp';
  readonly method: string;
  readonly path: string;
  /** null: the backend's own authority. */
  readonly host: string | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What an http probe sends besides; name and value. */
  readonly headers: readonly (readonly [string, string])[];
  /** Inclusive ranges. */
  readonly expectedStatus: readonly (readonly [number, number])[];
  /** Text that an http answer's body must contain; null: any body will do. */
  readonly expectedBody: string | null;
}

export interface HealthCheckConfig extends ProbeConfig {
  /** While it is down, and no probe has passed since. */
  readonly downIntervalMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** When real traffic ejects a backend, and for how long. */
export interface PassiveHealthConfig {
  /** So many attempts in a row that failed; 0: off. */
  readonly consecutiveFailures: number;
  /** Such a share of the attempts of an interval, 0 to 1; 0: off. */
  readonly failureRatio: number;
  /** With fewer in an interval there is no ratio and no mean. */
  readonly minimumRequests: number;
  readonly intervalMs: number;
  /** Its mean time to a response's head is so many times the pool's median; 0: off. */
  readonly slowerThan: number;
  /** The first time; it doubles with each ejection in a row. */
  readonly ejectionMs: number;
  readonly maxEjectionMs: number;
  /** Which share of the pool at most, above 0 to 1. */
  readonly maxEjected: number;
}

/** When all exchanges of a pool are refused, and for how long. */
export interface CircuitBreakerConfig {
  /** Such a share of the attempts of an interval have failed, above 0 to 1. */
  readonly failureRatio: number;
  /** With fewer in an interval it stays closed. */
  readonly minimumRequests: number;
  readonly intervalMs: number;
  readonly openMs: number;
}

/** Milliseconds; what each one means: docs/config.md. */
export interface TimeoutsConfig {
  readonly connectMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
  readonly tunnelIdleMs: number;
  readonly clientHeadMs: number;
  readonly clientKeepAliveMs: number;
  readonly backendKeepAliveMs: number;
}

export interface LimitsConfig {
  readonly headBytes: number;
  readonly headerFields: number;
  readonly requestLineBytes: number;
  /** null: unlimited; bodies are streamed. */
  readonly bodyBytes: number | null;
  /** Clients connected at once; null: as many as the process has descriptors for. */
  readonly maxConnections: number | null;
  /** Connections of one client at once; null: as many as it likes. */
  readonly maxConnectionsPerClient: number | null;
  /** Bytes that wait in our memory, of all exchanges together; null: a quarter of the memory. */
  readonly maxBufferBytes: number | null;
  /** Idle connections kept per backend. */
  readonly idlePerBackend: number;
  /** Bytes per second, both ways, after 5 s, except while we hold the client back; 0: off. */
  readonly minRateBytesPerSecond: number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogConfig {
  readonly level: LogLevel;
  /** One line per exchange. */
  readonly access: boolean;
  /** auto: text on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'text' | 'json';
}

export interface ShutdownConfig {
  /** Between failing readiness and closing the listeners. */
  readonly delayMs: number;
  readonly timeoutMs: number;
}
