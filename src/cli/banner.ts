/**
 * What has been started: for a person a few lines that say where to point the browser and how to
 * stop, for a machine the same as events.
 */
import { formatDuration, formatStatus } from '../config/quantities.ts';
import type { Config, HealthCheckConfig, ListenerConfig, PoolConfig } from '../core/config.ts';
import { policyLabel } from '../core/policy-function.ts';
import type { Log } from '../core/telemetry/log.ts';

export interface Started {
  readonly version: string;
  /** `Node 20.20.2`. */
  readonly runtime: string;
  readonly pid: number;
  /** The configuration file; null: arguments. */
  readonly source: string | null;
  readonly config: Config;
  /** As they were opened: port 0 has become a real one. */
  readonly listeners: readonly Pick<ListenerConfig, 'host' | 'port'>[];
}

/** What a client would type: `http://localhost:8080`. */
export function listenerUrl({ host, port }: Pick<ListenerConfig, 'host' | 'port'>): string {
  if (host === null) return `http://localhost:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function describeProbe(check: HealthCheckConfig | null): string {
  if (check === null) return 'no health check: a backend that refuses is probed by TCP';
  const what =
    check.kind === 'tcp'
      ? 'TCP'
      : `${check.method} ${check.path} is ${check.expectedStatus.map(formatStatus).join(', ')}`;
  const timing = `every ${formatDuration(check.intervalMs)}`;
  return `probe: ${what}, ${timing}, timeout ${formatDuration(check.timeoutMs)}`;
}

function poolLines(pool: PoolConfig, bold: Paint, dim: Paint): string[] {
  const nameWidth = Math.max(...pool.backends.map(({ name }) => name.length));
  const urlWidth = Math.max(...pool.backends.map(({ url }) => url.length));
  const isWeighted = pool.backends.some(({ weight }) => weight !== 1);
  const policy = policyLabel(pool.policy, pool.choose);
  const hasLevels = pool.backends.some(({ priority, backup }) => priority > 0 || backup);
  return [
    `  pool ${bold(pool.name)} ${dim(`${policy}; ${describeProbe(pool.healthCheck)}`)}`,
    ...pool.backends.map(({ name, url, weight, priority, backup }) => {
      const line = `    ${name.padEnd(nameWidth)}  ${url}`;
      const details = [
        ...(isWeighted ? [`weight ${weight}`] : []),
        ...(hasLevels ? [backup ? 'backup' : `priority ${priority}`] : []),
      ];
      if (details.length === 0) return line;
      return `${line.padEnd(nameWidth + urlWidth + 6)}  ${details.join(', ')}`;
    }),
  ];
}

type Paint = (text: string) => string;

const paint =
  (code: string, colour: boolean): Paint =>
  (text) =>
    colour ? `\x1b[${code}m${text}\x1b[0m` : text;

/** The banner, ending with a newline. */
export function bannerText(started: Started, colour: boolean): string {
  const { config, listeners, source, pid } = started;
  const bold = paint('1', colour);
  const dim = paint('2', colour);
  const from = source === null ? '' : `, ${source}`;
  const grace = formatDuration(config.shutdown.timeoutMs);
  const usesRoutes = config.pools.length > 1 || config.routes.some((route) => route.hosts.length);
  const routes = config.routes.map(({ hosts, pathPrefix, pool }) => {
    const host = hosts.length === 0 ? 'any host' : hosts.join(', ');
    return `  route ${host} ${pathPrefix} -> ${pool}`;
  });
  const reload = source === null ? '' : ` Reload ${source}: kill -HUP ${pid}.`;
  return [
    `${bold(`Evenkeel ${started.version}`)} on ${started.runtime}${from}`,
    '',
    ...listeners.map((listener) => {
      const scope = listener.host === null ? dim('  all addresses') : '';
      return `  ${bold(listenerUrl(listener))}${scope}`;
    }),
    ...(usesRoutes ? routes : []),
    ...config.pools.flatMap((pool) => poolLines(pool, bold, dim)),
    '',
    dim(`Stop: Ctrl-C; what is running gets ${grace}, a second Ctrl-C ends it.${reload}`),
    '',
    '',
  ].join('\n');
}

/** The same as events. */
export function logStarted(log: Log, started: Started): void {
  const { version, runtime, pid, source, config, listeners } = started;
  const from = source === null ? '' : ` with ${source}`;
  log.event('info', 'started', `Evenkeel ${version} on ${runtime} has started${from}`, {
    version,
    runtime,
    pid,
    config: source,
  });
  for (const listener of listeners) {
    const url = listenerUrl(listener);
    log.event('info', 'started_listener', `listening on ${url}`, { url, port: listener.port });
  }
  for (const pool of config.pools) {
    const names = pool.backends.map(({ name }) => name).join(', ');
    const probe = describeProbe(pool.healthCheck);
    const policy = policyLabel(pool.policy, pool.choose);
    const message = `pool ${pool.name}: ${policy} over ${names}; ${probe}`;
    log.event('info', 'started_pool', message, {
      pool: pool.name,
      policy,
      backends: pool.backends.length,
    });
  }
}
