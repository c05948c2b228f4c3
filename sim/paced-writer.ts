/** Sends parts one after another, with pauses, and waits when the kernel takes no more. */
import type { Alarm, Clock } from '../src/core/base/clock.ts';
import type { Socket } from '../src/core/base/transport.ts';

export class PacedWriter {
  /** Bytes given to `add` so far. */
  total = 0;
  private readonly clock: Clock;
  private readonly socket: Socket;
  private readonly parts: { bytes: Uint8Array; pauseMs: number; done: (() => void) | null }[] = [];
  private alarm: Alarm | null = null;
  private blocked = false;
  private stopped = false;

  constructor(clock: Clock, socket: Socket) {
    this.clock = clock;
    this.socket = socket;
  }

  /**
   * Adds bytes to what is to be sent: so long after the part before them. `done` is called when
   * they have been handed to the socket, maybe at once.
   */
  add(bytes: Uint8Array, pauseMs: number, done: (() => void) | null = null): void {
    if (this.stopped) return;
    this.total += bytes.length;
    this.parts.push({ bytes, pauseMs, done });
    if (this.parts.length === 1) this.plan();
  }

  /** The socket has room again. */
  drained(): void {
    this.blocked = false;
    if (this.alarm === null) this.plan();
  }

  /** No pauses any more. */
  hurry(): void {
    for (const part of this.parts) part.pauseMs = 0;
    if (this.alarm === null) return;
    this.alarm.cancel();
    this.alarm = null;
    this.plan();
  }

  /** What has not been sent never will be. */
  stop(): void {
    this.stopped = true;
    this.parts.length = 0;
    this.alarm?.cancel();
    this.alarm = null;
  }

  private plan(): void {
    while (this.alarm === null && !this.blocked && this.parts.length > 0) {
      const [{ pauseMs }] = this.parts;
      if (pauseMs > 0) {
        this.alarm = this.clock.wakeAt(this.clock.nowMs() + pauseMs, () => {
          this.alarm = null;
          this.send();
          this.plan();
        });
        return;
      }
      this.send();
    }
  }

  private send(): void {
    const part = this.parts[0];
    if (this.blocked) {
      part.pauseMs = 0;
      return;
    }
    this.blocked = !this.socket.write(part.bytes);
    this.parts.shift();
    part.done?.();
  }
}
