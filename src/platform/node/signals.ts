/**
 * What the signals of the system mean to the process:
 * TERM and INT stop it within the configured deadline, QUIT without one, a second of these at once;
 * HUP reloads; USR1 is caught, so that nothing happens (there is no log file to reopen, and Node
 * would open its debugger to everybody on this machine).
 */

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT';

export interface SignalActions {
  /** The first TERM, INT or QUIT. `deadline` false: however long the exchanges take. */
  stop(signal: StopSignal, deadline: boolean): void;
  /** Another one after that. */
  force(signal: StopSignal): void;
  reload(): void;
  reopen(): void;
}

/**
 * One Ctrl-C can arrive twice: from the terminal, and passed on by a parent such as npm. What
 * follows the first within this time is the same wish.
 */
const SAME_WISH_MS = 300;

/** The part of `process` that is needed; tests bring their own. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
}

/**
 * Listens to the signals for as long as the process lives: one that comes in its last moments must
 * not end it with another code.
 */
export function installSignals(
  actions: SignalActions,
  source: SignalSource = process,
  nowMs: () => number = () => performance.now(),
): void {
  let stoppedAtMs: number | null = null;
  const stop = (signal: StopSignal) => () => {
    if (stoppedAtMs === null) {
      stoppedAtMs = nowMs();
      actions.stop(signal, signal !== 'SIGQUIT');
    } else if (nowMs() - stoppedAtMs > SAME_WISH_MS) {
      actions.force(signal);
    }
  };
  const listeners: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGTERM', stop('SIGTERM')],
    ['SIGINT', stop('SIGINT')],
    ['SIGQUIT', stop('SIGQUIT')],
    ['SIGHUP', () => actions.reload()],
    ['SIGUSR1', () => actions.reopen()],
  ];
  for (const [signal, listener] of listeners) source.on(signal, listener);
}
