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
  /**
   * Takes the bytes of so many lines, and the memory they are in, or counts them as dropped.
   * Neither throws nor waits.
   */
  write(bytes: Uint8Array<ArrayBuffer>, lines: number): void;
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

/**
 * Gives back memory that has been written. A control thread makes so little garbage that it would
 * be tens of MiB before they were collected. What shares its memory, and Node 20, wait for that.
 */
function release(bytes: Uint8Array): void {
  const memory = bytes.buffer as { byteLength: number; transfer?(length: number): unknown };
  if (bytes.length === memory.byteLength) memory.transfer?.(0);
}

/** What is kept is at most `maxBytes`; `onProgress` is called after every write. */
export function openOutlet(fd: number, maxBytes: number, onProgress: () => void): Outlet {
  return new DescriptorOutlet(unblocked(fd), maxBytes, onProgress);
}

class DescriptorOutlet implements Outlet {
  private readonly fd: number;
  private readonly maxBytes: number;
  private readonly onProgress: () => void;
  private readonly waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private droppedLines = 0;
  /** A write is in flight, or a retry is due. */
  private busy = false;
  private busyRetryMs = BUSY_RETRY_MS;
  private failed = false;
  private readonly flushers = new Set<() => void>();

  constructor(fd: number, maxBytes: number, onProgress: () => void) {
    this.fd = fd;
    this.maxBytes = maxBytes;
    this.onProgress = onProgress;
  }

  write(bytes: Uint8Array<ArrayBuffer>, lines: number): void {
    if (this.waitingBytes + bytes.length > this.maxBytes) {
      this.droppedLines += lines;
      return;
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.pump();
  }

  room(): number {
    return this.maxBytes - this.waitingBytes;
  }

  idle(): boolean {
    return this.waitingBytes === 0;
  }

  dropped(): number {
    return this.droppedLines;
  }

  flush(timeoutMs: number, done: () => void): void {
    const settled = (): void => {
      clearTimeout(timer);
      if (this.flushers.delete(settled)) done();
    };
    const timer = setTimeout(settled, timeoutMs);
    this.flushers.add(settled);
    this.settle();
  }

  private pump(): void {
    if (this.busy || this.waitingBytes === 0) return;
    this.busy = true;
    const { waiting } = this;
    if (waiting.length > 1) waiting.splice(0, waiting.length, Buffer.concat(waiting));
    fs.write(this.fd, waiting[0]!, (error, count) => {
      if (error === null) this.onWritten(count);
      else this.onError(error);
    });
  }

  private onWritten(count: number): void {
    this.busy = false;
    this.failed = false;
    this.busyRetryMs = BUSY_RETRY_MS;
    const { waiting } = this;
    this.waitingBytes -= count;
    const first = waiting[0]!;
    if (count < first.length) waiting[0] = first.subarray(count);
    else release(waiting.shift()!);
    this.onProgress();
    this.pump();
    this.settle();
  }

  private onError(error: NodeJS.ErrnoException): void {
    if (isBusy(error)) {
      this.retry(this.busyRetryMs);
      this.busyRetryMs = Math.min(this.busyRetryMs * 2, BUSY_RETRY_MAX_MS);
      return;
    }
    this.failed = true;
    this.retry(ERROR_RETRY_MS);
    this.settle();
  }

  private retry(delayMs: number): void {
    setTimeout(() => {
      this.busy = false;
      this.pump();
    }, delayMs).unref();
  }

  /** Lets those go who wait for everything to be written, if it is, or cannot be. */
  private settle(): void {
    if (this.waitingBytes > 0 && !this.failed) return;
    for (const settled of [...this.flushers]) settled();
  }
}
