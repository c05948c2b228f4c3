/**
 * The library's door: run a balancer inside your own process.
 *
 * ```ts
 * import { loadConfig, startBalancer } from 'evenkeel';
 *
 * const loaded = await loadConfig('config.yaml', process.env);
 * if ('diagnostics' in loaded) throw new Error(formatDiagnostics(loaded.diagnostics));
 * const balancer = await startBalancer(loaded.config, { log });
 * ```
 */
export {
  type ConfigInput,
  defineConfig,
  type PolicyCandidate,
  type PolicyFunction,
  type PolicyRequest,
} from './config/define-config.ts';
export { type Diagnostic, formatDiagnostics } from './config/diagnostics.ts';
export { type ConfigResult, checkConfig, loadConfig, parseConfig } from './config/load.ts';
export {
  type Balancer,
  type BalancerOptions,
  ListenError,
  startBalancer,
  UnusableConfigError,
} from './control/balancer.ts';
export type { Failure } from './core/base/failure.ts';
export type { Config, LogLevel } from './core/config.ts';
export type { BackendStatus, PoolStatus } from './core/control/status.ts';
export type { EventFields, ExchangeRecord, Log } from './core/telemetry/log.ts';
export { createLog, type ProcessLog } from './platform/node/log-writer.ts';
