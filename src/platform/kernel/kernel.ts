/** What the connections of one thread share: the calls, the loop, and memory to read into. */
import { Views } from '../../core/base/views.ts';
import { READ_BYTES } from '../node/socket-buffers.ts';
import type { Descriptors } from './descriptors.ts';
import { type Libc, STREAM_TYPE } from './libc.ts';
import type { Loop } from './loop.ts';
import { Pipes } from './pipes.ts';
import { Unsent } from './unsent.ts';

/** Room before what is read, where a head of ours fits that goes out with the body in it. */
const HEADROOM = 32 * 1024;

export class Kernel {
  readonly libc: Libc;
  readonly loop: Loop;
  readonly descriptors: Descriptors;
  readonly pipes: Pipes;
  /** What waits on a connection on which nothing does, as on nearly all. */
  readonly nothing: Unsent;
  /** Headroom, and then what was read last. Nobody keeps any of it. */
  readonly memory = new Uint8Array(HEADROOM + READ_BYTES);
  readonly memoryAt: number;
  private readonly views = new Views(this.memory);

  constructor(libc: Libc, loop: Loop, descriptors: Descriptors) {
    this.libc = libc;
    this.loop = loop;
    this.descriptors = descriptors;
    this.pipes = new Pipes(libc, descriptors);
    this.nothing = new Unsent(this.pipes);
    this.memoryAt = libc.addressOf(this.memory);
  }

  /** At most `most` of READ_BYTES. How many bytes, 0 at the end, -1. */
  read(fd: number, most: number): number {
    return this.libc.recv(fd, this.memoryAt + HEADROOM, most, 0);
  }

  /** The first `length` bytes of what was read. */
  lastRead(length: number): Uint8Array {
    return this.views.of(HEADROOM, length);
  }

  /**
   * Puts `first` before a part of what was read. Where both lie in the memory then; -1: they do
   * not fit there.
   */
  join(first: Uint8Array, second: Uint8Array): number {
    const at = second.byteOffset - first.length;
    if (second.buffer !== this.memory.buffer || at < 0) return -1;
    this.memory.set(first, at);
    return at;
  }

  /** A new socket; -1. */
  open(family: number): number {
    const fd = this.libc.socket(family, STREAM_TYPE, 0);
    if (fd >= 0) this.descriptors.opened(fd);
    return fd;
  }

  close(fd: number): void {
    this.descriptors.closes(fd);
    this.libc.close(fd);
  }
}
