/**
 * A balancer in this process, from its start to its end: banner, signals, reload, exit code.
 * `run`, ports on the command line and `demo` all end here.
 */
import { advise } from '../config/advice.ts';
import { type Diagnostic, formatDiagnostics } from '../config/diagnostics.ts';
import type { ConfigResult } from '../config/load.ts';
import { formatDuration } from '../config/quantities.ts';
import {
  type Balancer,
  ListenError,
  startBalancer,
  UnusableConfigError,
} from '../control/balancer.ts';
import type { Config } from '../core/config.ts';
import { createLog, type ProcessLog } from '../platform/node/log-writer.ts';
import { describePortOwner, portOwner } from '../platform/node/port-owner.ts';
import { installSignals } from '../platform/node/signals.ts';
import { runtime, version } from './about.ts';
import { bannerText, logStarted, type Started } from './banner.ts';
import { ExitCode } from './exit-code.ts';
import { explainListenFailure } from './listen-errors.ts';
import { NOTHING_STARTED, planHere } from './loading.ts';
import type { Terminal } from './terminal.ts';

export interface ServeOptions {
  readonly config: Config;
  /** The configuration file; null: there is none. */
  readonly source: string | null;
  /** Reads the same configuration again; null: there is nothing to read. */
  readonly load: (() => Promise<ConfigResult>) | null;
  /** Said after the banner, by `demo`. */
  readonly announce?: (log: ProcessLog, started: Started) => void;
}

/** The log that a configuration asks for, on standard output. */
const openLog = (terminal: Terminal, config: Config): ProcessLog =>
  createLog({
    ...config.log,
    fd: terminal.outFd,
    isTty: terminal.isTty,
    colour: terminal.colour,
  });

/** A banner for a person who looks on, events for everybody else. */
export const isBannerWanted = (terminal: Terminal, config: Config): boolean =>
  terminal.isTty && config.log.format !== 'json';

/** Runs until a signal ends it; resolves with the exit code when everything is said. */
export async function serve(terminal: Terminal, options: ServeOptions): Promise<ExitCode> {
  const { config, source } = options;
  const log = openLog(terminal, config);
  const uncaught = (error: unknown): void => dieOf(error, log, terminal);
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', uncaught);
  try {
    const plan = planHere(config);
    if ('problem' in plan) throw new Error(plan.problem);
    const { workers, notice } = plan;
    if (notice !== null) log.event('info', 'workers_limited', notice, { workers });
    const balancer = await startBalancer(config, {
      log,
      workers: {
        workers,
        lines: { isTty: terminal.isTty, colour: terminal.colour },
        logLines: log.forward,
        giveUp: (why) => giveUp(why, log),
      },
    });
    const { listeners } = balancer;
    const started: Started = { version, runtime, pid: process.pid, source, config, listeners };
    if (isBannerWanted(terminal, config)) log.print(bannerText(started, terminal.colour));
    else logStarted(log, started);
    sayWhatIsAdvised(log, config);
    options.announce?.(log, started);
    return await untilStopped(terminal, log, balancer, options);
  } catch (error) {
    if (error instanceof UnusableConfigError) {
      terminal.err(`${error.message}\n1 problem${NOTHING_STARTED}\n`);
      return ExitCode.config;
    }
    if (!(error instanceof ListenError)) throw error;
    const change = source === null ? 'choose another with --port' : `change the port in ${source}`;
    for (const failed of error.failures) {
      const owner = describePortOwner(portOwner(failed.listener.port));
      terminal.err(explainListenFailure(failed, owner, change));
    }
    return ExitCode.failure;
  } finally {
    await new Promise<void>((done) => log.flush(done));
    process.off('uncaughtException', uncaught);
    process.off('unhandledRejection', uncaught);
  }
}

/** Nothing is known about our state any more: say what happened, and let a supervisor act. */
function dieOf(error: unknown, log: ProcessLog, terminal: Terminal): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.event('error', 'uncaught_error', `a mistake of ours, stopping: ${stack.split('\n')[0]}`, {
    stack,
  });
  terminal.err(`${stack}\n`);
  log.flush(() => process.exit(ExitCode.failure));
}

/** A supervisor shall act. */
function giveUp(why: string, log: ProcessLog): void {
  log.event('error', 'gave_up', `stopping: ${why}`);
  log.flush(() => process.exit(ExitCode.failure));
}

function untilStopped(
  terminal: Terminal,
  log: ProcessLog,
  balancer: Balancer,
  options: ServeOptions,
): Promise<ExitCode> {
  return new Promise((resolve) => {
    let { config } = options;
    let isStopping = false;
    let isFinished = false;
    /** Reloads follow one another. */
    let reloads = Promise.resolve();
    const finish = (code: ExitCode): void => {
      isFinished = true;
      resolve(code);
    };
    const stop = (why: string, deadline: boolean): void => {
      isStopping = true;
      const timeoutMs = deadline ? config.shutdown.timeoutMs : null;
      log.event('info', 'stopping', stoppingMessage(why, balancer, timeoutMs, terminal.isTty));
      balancer.stop({ timeoutMs }).then(
        () => {
          log.event('info', 'stopped', 'stopped');
          finish(ExitCode.ok);
        },
        (error: unknown) => {
          log.event('error', 'stop_failed', `stopping failed: ${String(error)}`);
          finish(ExitCode.failure);
        },
      );
    };
    const reload = async (): Promise<void> => {
      if (isStopping) return;
      const applied = await reloadOnce(log, balancer, options);
      if (applied !== null) config = applied;
    };
    // For good: a signal that comes while the last lines are written must not kill the process.
    installSignals({
      stop,
      force: (signal) => {
        if (isFinished) return;
        log.event('warn', 'stop_forced', `${signal} again: stopped at once, exchanges were cut`);
        finish(ExitCode.failure);
      },
      reload: () => {
        // The HUP of a closed terminal window means the end; that of `kill -HUP`, a reload.
        if (!terminal.isGone()) reloads = reloads.then(reload);
        else if (!isStopping) stop('the terminal was closed', true);
      },
      reopen: () => log.event('debug', 'reopen_ignored', 'USR1: there is no log file to reopen'),
    });
  });
}

/** What a stop that begins now has to wait for, and how long. */
function stoppingMessage(
  why: string,
  balancer: Balancer,
  timeoutMs: number | null,
  isTty: boolean,
): string {
  let exchanges = 0;
  let tunnels = 0;
  for (const { backends } of balancer.status()) {
    for (const { inFlight, tunnels: open } of backends) {
      exchanges += inFlight;
      tunnels += open;
    }
  }
  if (exchanges + tunnels === 0) return `${why}: stopping; nothing is in flight`;
  const counted = `${exchanges} exchanges and ${tunnels} tunnels in flight`;
  const grace = timeoutMs === null ? 'all the time they need' : formatDuration(timeoutMs);
  const again = isTty ? 'Ctrl-C again' : 'a second signal';
  return `${why}: stopping; ${counted} get ${grace}, ${again} ends them at once`;
}

/** The first line of a diagnostic; the frame around it is for the terminal of `check`. */
const inOneLine = (diagnostic: Diagnostic): string =>
  formatDiagnostics([diagnostic]).split('\n')[0];

function sayWhatIsAdvised(log: ProcessLog, config: Config): void {
  for (const { pool, message } of advise(config)) log.event('warn', 'advice', message, { pool });
}

/** Workers and the table are made once. */
function sayWhatWaits(log: ProcessLog, started: Config, now: Config): void {
  const waiting = [
    { key: 'workers', changed: now.workers !== started.workers },
    { key: 'table_size', changed: now.tableSize !== started.tableSize },
  ].filter(({ changed }) => changed);
  for (const { key } of waiting) {
    const message = `${key} was changed, and is fixed at start: it takes effect at the next one`;
    log.event('warn', 'restart_needed', message, { key });
  }
}

/** Reads the configuration again. Null: nothing was changed, and the log says why. */
async function reloadOnce(
  log: ProcessLog,
  balancer: Balancer,
  { source, load, config }: ServeOptions,
): Promise<Config | null> {
  if (load === null || source === null) {
    log.event('warn', 'reload_refused', 'HUP: there is no configuration file to read again');
    return null;
  }
  const loaded = await load();
  const problems =
    'config' in loaded ? await balancer.reload(loaded.config) : loaded.diagnostics.map(inOneLine);
  if ('config' in loaded && problems.length === 0) {
    log.configure(loaded.config.log);
    log.event('info', 'reloaded', `${source} was read again and is in force`);
    sayWhatWaits(log, config, loaded.config);
    sayWhatIsAdvised(log, loaded.config);
    return loaded.config;
  }
  for (const problem of problems) log.event('error', 'reload_refused', problem);
  log.event('error', 'reload_refused', `${source} is not in force; the configuration before it is`);
  return null;
}
