/**
 * What a command sees of the world: two outputs and the environment. Tests bring their own.
 */
import { fstatSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface Terminal {
  /** Writes text, as it is, before it returns. A reader that is gone is no error. */
  out(text: string): void;
  err(text: string): void;
  /** The descriptor behind `out`, for the log. */
  readonly outFd: number;
  /** Standard output is a terminal. */
  readonly isTty: boolean;
  /** Standard error is one: somebody watches. */
  readonly errIsTty: boolean;
  /** It may be coloured: https://no-color.org. */
  readonly colour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The terminal that was there has been closed. */
  isGone(): boolean;
}

/**
 * Writes synchronously to a descriptor: what a short-lived command has said must not be lost at its
 * exit. `process.stdout` is left alone, as touching it makes pipes non-blocking for everybody.
 */
function writeAll(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      // Somebody else made the pipe non-blocking, and its reader is behind.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { env } = process;
  const isTty = isatty(1);
  const wantsColour = (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return {
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
    outFd: 1,
    isTty,
    errIsTty: isatty(2),
    colour: isTty && wantsColour,
    env,
    isGone: () => isTty && !(isOpen(1) && isatty(1)),
  };
}
