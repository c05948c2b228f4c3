/**
 * A bounded way out for log text. Writing to it never waits: what the descriptor does not take is
 * kept up to a bound, and what comes after that is dropped and counted. A blocked pipe, a stopped
 * terminal or a full disk slow nobody down, and cannot hold up the end of the process.
 */
import * as fs from 'node:fs';
import { Socket } from 'node:net';

/** While the reader of a pipe is behind: it is asked again soon, then less often. */
const BUSY_RETRY_MS = 5;
const BUSY_RETRY_MAX_MS = 50;
/** After an error that may pass (the disk is full) or may not (the reader is gone). */
const ERROR_RETRY_MS = 1_000;

export interface Outlet {
  /** Takes text of so many lines, or counts them as dropped. Neither throws nor waits. */
  write(text: string, lines: number): void;
  /** Bytes that would still be taken. */
  room(): number;
  /** Nothing is waiting to be written. */
  idle(): boolean;
  /** Lines dropped since the start. */
  dropped(): number;
  /** Calls back once, when everything is written, writing fails, or the time is over. */
  flush(timeoutMs: number, done: () => void): void;
}

/**
 * A descriptor for the same file as `fd` on which a write never blocks. A write that blocks in the
 * runtime's thread pool would make the end of the process wait for ever.
 */
function unblocked(fd: number): number {
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFIFO() || stat.isCharacterDevice()) {
      try {
        // A description of our own: others who share `fd` keep theirs as it is.
        const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
        return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
      } catch {
        if (stat.isCharacterDevice()) return fd;
      }
    }
    if (stat.isFIFO() || stat.isSocket()) {
      // Only for its side effect: the runtime makes the descriptors of its streams non-blocking.
      const stream = new Socket({ fd, readable: false, writable: true });
      stream.on('error', () => {});
      stream.unref();
    }
  } catch {
    // Not to be had on this system: written as it is.
  }
  return fd;
}

const isBusy = (error: NodeJS.ErrnoException): boolean =>
  error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK' || error.code === 'EBUSY';

/** `onProgress` is called after every successful write. */
export function openOutlet(fd: number, maxBytes: number, onProgress: () => void): Outlet {
  const target = unblocked(fd);
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let droppedLines = 0;
  /** A write is in flight, or a retry is due. */
  let busy = false;
  let busyRetryMs = BUSY_RETRY_MS;
  let failed = false;
  const flushers = new Set<() => void>();

  const settle = (): void => {
    if (waitingBytes > 0 && !failed) return;
    for (const settled of [...flushers]) settled();
  };
  const retry = (delayMs: number): void => {
    setTimeout(() => {
      busy = false;
      pump();
    }, delayMs).unref();
  };
  const written = (error: NodeJS.ErrnoException | null, count: number): void => {
    if (error !== null) {
      if (isBusy(error)) {
        retry(busyRetryMs);
        busyRetryMs = Math.min(busyRetryMs * 2, BUSY_RETRY_MAX_MS);
      } else {
        failed = true;
        retry(ERROR_RETRY_MS);
        settle();
      }
      return;
    }
    busy = false;
    failed = false;
    busyRetryMs = BUSY_RETRY_MS;
    waitingBytes -= count;
    waiting[0] = waiting[0]!.subarray(count);
    if (waiting[0].length === 0) waiting.shift();
    onProgress();
    pump();
    settle();
  };
  const pump = (): void => {
    if (busy || waitingBytes === 0) return;
    busy = true;
    if (waiting.length > 1) waiting.splice(0, waiting.length, Buffer.concat(waiting));
    fs.write(target, waiting[0]!, written);
  };
  return {
    write: (text, lines) => {
      const bytes = Buffer.from(text);
      if (waitingBytes + bytes.length > maxBytes) {
        droppedLines += lines;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      pump();
    },
    room: () => maxBytes - waitingBytes,
    idle: () => waitingBytes === 0,
    dropped: () => droppedLines,
    flush: (timeoutMs, done) => {
      const settled = (): void => {
        clearTimeout(timer);
        if (flushers.delete(settled)) done();
      };
      const timer = setTimeout(settled, timeoutMs);
      flushers.add(settled);
      settle();
    },
  };
}
