/**
 * Whether the exchanges of a pool may come at all: a few words that all workers share. The control
 * thread decides (`control/circuits.ts`); a worker only takes the trial that is offered, gives it
 * back, or says how it ended.
 */

/** States of a circuit. From `trial` on those that workers move it to. */
export const CircuitState = {
  closed: 0,
  open: 1,
  /** Half open: the next exchange is let through, and decides. */
  trial: 2,
  /** Somebody has taken it. */
  tried: 3,
  passed: 4,
  failed: 5,
} as const;
export type CircuitState = (typeof CircuitState)[keyof typeof CircuitState];

/** By how much two clocks may differ over an exchange; no circuit opens for so short a time. */
const CLOCKS_MS = 5;

const STATE = 0;
const UNTIL = 1;
const WORDS = 2;

/** Over the memory of one pool, as one thread looks at it. */
export class Circuit {
  private readonly words: Int32Array;
  /** When this worker took the trial; -1: it has not. */
  private takenWallMs = -1;

  /** `memory`: of `BYTES`, all zero at first, which is closed. */
  constructor(memory: ArrayBufferLike) {
    this.words = new Int32Array(memory);
  }

  static readonly BYTES = WORDS * 4;

  get state(): CircuitState {
    return Atomics.load(this.words, STATE) as CircuitState;
  }

  /** Control thread only. `untilWallMs`: when it is looked at again, for Retry-After. */
  set(state: CircuitState, untilWallMs = 0): void {
    Atomics.store(this.words, UNTIL, untilWallMs | 0);
    Atomics.store(this.words, STATE, state);
  }

  /** May an exchange come now? One that is let through on trial has taken it. */
  admits(wallMs: number): boolean {
    // Read as it lies there: a moment late is early enough, and costs nothing.
    const state = this.words[STATE];
    if (state === CircuitState.closed) return true;
    if (state !== CircuitState.trial) return false;
    if (!this.move(CircuitState.trial, CircuitState.tried)) return false;
    this.takenWallMs = wallMs;
    return true;
  }

  /** Is it refused for this reason? */
  get refuses(): boolean {
    return this.words[STATE] !== CircuitState.closed;
  }

  /** The exchange that was let through has found no backend: the next one may try. */
  giveBack(): void {
    this.move(CircuitState.tried, CircuitState.trial);
  }

  /** An attempt was answered, or failed, so long after its request was there. */
  ended(wallMs: number, tookMs: number, failed: boolean): void {
    if (this.words[STATE] !== CircuitState.tried || this.takenWallMs === -1) return;
    // Others were on their way before the circuit opened: they say nothing about now.
    if (wallMs - tookMs < this.takenWallMs - CLOCKS_MS) return;
    this.move(CircuitState.tried, failed ? CircuitState.failed : CircuitState.passed);
    this.takenWallMs = -1;
  }

  /** Whole seconds, 1 or more, until it is worth coming again. */
  retryAfterSeconds(wallMs: number): number {
    const leftMs = (Atomics.load(this.words, UNTIL) - (wallMs | 0)) | 0;
    return Math.max(1, Math.ceil(leftMs / 1000));
  }

  private move(from: CircuitState, to: CircuitState): boolean {
    return Atomics.compareExchange(this.words, STATE, from, to) === from;
  }
}
