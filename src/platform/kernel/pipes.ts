/**
 * Pipes, through which the kernel moves bytes from one connection to another without a copy
 * (`splice`). One is filled and emptied in the same turn, as a rule; where the receiver is slow, it
 * keeps the pipe until the rest has left.
 */
import type { Descriptors } from './descriptors.ts';
import {
  EAGAIN,
  EINTR,
  F_GETPIPE_SZ,
  F_SETPIPE_SZ,
  type Libc,
  PIPE_TYPE,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
} from './libc.ts';

/** Bytes moved at once. More gains little; the kernel gives less where a user has many pipes. */
const PIPE_BYTES = 512 * 1024;
/** A smaller one is slower than a copy. */
const LEAST_BYTES = 64 * 1024;
/** With slow receivers: beyond so many, bytes go through our memory, of which each holds less. */
const PIPES = 32;
/** Empty ones kept. */
const SPARE_PIPES = 4;
const FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

/** `length` bytes that are on their way through the kernel. */
export class Pipe {
  length = 0;
  readonly readEnd: number;
  readonly writeEnd: number;

  constructor(readEnd: number, writeEnd: number) {
    this.readEnd = readEnd;
    this.writeEnd = writeEnd;
  }
}

/** One per thread. */
export class Pipes {
  private readonly libc: Libc;
  private readonly descriptors: Descriptors;
  private readonly spare: Pipe[] = [];
  private readonly ends = new Int32Array(2);
  private open = 0;

  constructor(libc: Libc, descriptors: Descriptors) {
    this.libc = libc;
    this.descriptors = descriptors;
  }

  /** An empty one; null: there are enough. */
  take(): Pipe | null {
    return this.spare.pop() ?? this.make();
  }

  private make(): Pipe | null {
    const { libc, ends, descriptors } = this;
    if (this.open === PIPES || libc.pipe2(ends, PIPE_TYPE) < 0) return null;
    this.open += 1;
    for (const fd of ends) descriptors.opened(fd);
    const pipe = new Pipe(ends[0], ends[1]);
    // Refused, it has the usual size, or that of a user who has many pipes: next to nothing.
    const isLarge = libc.fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) >= 0;
    if (isLarge || libc.fcntl(ends[1], F_GETPIPE_SZ, 0) >= LEAST_BYTES) return pipe;
    this.close(pipe);
    return null;
  }

  /** Nobody needs it any more; what is left in it is lost. */
  give(pipe: Pipe): void {
    if (pipe.length === 0 && this.spare.length < SPARE_PIPES) {
      this.spare.push(pipe);
      return;
    }
    this.close(pipe);
  }

  private close(pipe: Pipe): void {
    this.open -= 1;
    for (const fd of [pipe.readEnd, pipe.writeEnd]) {
      this.descriptors.closes(fd);
      this.libc.close(fd);
    }
  }

  /** Takes at most `most` bytes from a connection; 0: its end; -1: none, and `errno` says why. */
  fill(pipe: Pipe, fd: number, most: number): number {
    const wanted = Math.min(most, PIPE_BYTES);
    const moved = this.libc.splice(fd, 0, pipe.writeEnd, 0, wanted, FLAGS);
    if (moved > 0) pipe.length += moved;
    return moved;
  }

  /** As much as the connection takes; -1: it is broken, and `errno` says why. */
  drain(pipe: Pipe, fd: number): number {
    let drained = 0;
    while (pipe.length > 0) {
      const moved = this.libc.splice(pipe.readEnd, 0, fd, 0, pipe.length, FLAGS);
      if (moved <= 0) {
        const errno = this.libc.errno();
        return errno === EAGAIN || errno === EINTR ? drained : -1;
      }
      pipe.length -= moved;
      drained += moved;
    }
    return drained;
  }
}
