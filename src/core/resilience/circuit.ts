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

/** Its state and the number of its trials share a word, so that no trial is taken for another. */
const STATE_BITS = 3;
const STATE_MASK = (1 << STATE_BITS) - 1;

/** In the place of a trial: none. No word of a trial that was taken is like it. */
export const NO_TRIAL = -1;

const STATE = 0;
const UNTIL = 1;
const OPEN_MS = 2;
const WORDS = 3;

/** Over the memory of one pool, as one thread looks at it. */
export class Circuit {
  private readonly words: Int32Array;
  /** The trial of the exchange that was let through just now, until its attempt begins. */
  private taken = NO_TRIAL;

  /** `memory`: of `BYTES`, all zero at first, which is closed. */
  constructor(memory: ArrayBufferLike) {
    this.words = new Int32Array(memory);
  }

  static readonly BYTES = WORDS * 4;

  get state(): CircuitState {
    return (Atomics.load(this.words, STATE) & STATE_MASK) as CircuitState;
  }

  /** Control thread only. For Retry-After: when it is looked at again, and how long it is open. */
  set(state: CircuitState, untilWallMs = 0, openMs = 0): void {
    Atomics.store(this.words, OPEN_MS, openMs);
    Atomics.store(this.words, UNTIL, untilWallMs | 0);
    const trials = Atomics.load(this.words, STATE) >> STATE_BITS;
    const now = state === CircuitState.trial ? trials + 1 : trials;
    Atomics.store(this.words, STATE, (now << STATE_BITS) | state);
  }

  /**
   * May an exchange come now? One that is let through on trial has taken it: either an attempt
   * begins at once (`beginTrial`) or it is given back.
   */
  admits(): boolean {
    // Read as it lies there: a moment late is early enough, and costs nothing.
    const word = this.words[STATE];
    const state = word & STATE_MASK;
    if (state === CircuitState.closed) return true;
    if (state !== CircuitState.trial) return false;
    const taken = inState(word, CircuitState.tried);
    if (!this.move(word, taken)) return false;
    this.taken = taken;
    return true;
  }

  /** Is it refused for this reason? */
  get refuses(): boolean {
    return (this.words[STATE] & STATE_MASK) !== CircuitState.closed;
  }

  /** The trial that the attempt is on which begins now; NO_TRIAL: none, as nearly always. */
  beginTrial(): number {
    const { taken } = this;
    this.taken = NO_TRIAL;
    return taken;
  }

  /** The exchange that was let through has found no backend. Was it on trial, the next may try. */
  giveBack(): void {
    const trial = this.beginTrial();
    if (trial !== NO_TRIAL) this.move(trial, inState(trial, CircuitState.trial));
  }

  /**
   * An attempt was answered, or failed. It decides the trial that it is on, if that is still the
   * one that is waited for, and nothing else.
   */
  ended(trial: number, failed: boolean): void {
    if (trial === NO_TRIAL) return;
    this.move(trial, inState(trial, failed ? CircuitState.failed : CircuitState.passed));
  }

  /** Whole seconds, 1 or more, until it is worth coming again; the clock may be set meanwhile. */
  retryAfterSeconds(wallMs: number): number {
    const leftMs = (Atomics.load(this.words, UNTIL) - (wallMs | 0)) | 0;
    const mostMs = Atomics.load(this.words, OPEN_MS);
    return Math.max(1, Math.ceil(Math.min(leftMs, mostMs) / 1000));
  }

  private move(from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, STATE, from, to) === from;
  }
}

const inState = (word: number, state: CircuitState): number => (word & ~STATE_MASK) | state;
