/** How a command ends, for whoever started it. 78 is EX_CONFIG of sysexits.h. */
export const ExitCode = {
  ok: 0,
  /** Something in the world did not work: a port is taken, a stop had to be forced. */
  failure: 1,
  /** What was typed makes no sense. */
  usage: 2,
  /** The configuration is wrong. Restarting does not help. */
  config: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
