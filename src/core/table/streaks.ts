/**
 * How many attempts in a row have failed at each backend, over all workers; or, in the same word, a
 * trial whose outcome is waited for: a negative number, another one for each trial.
 */

/** What `failed` returns for the failure that has decided a trial. */
export const TRIAL_FAILED = 0;

const MOST_TRIALS = 0x7fffffff;

export class Streaks {
  private readonly words: Int32Array;
  /** How many trials there have been; the control thread alone writes it. */
  private readonly trials: Int32Array;

  /** Columns of the table. */
  constructor(words: Int32Array, trials: Int32Array) {
    this.words = words;
    this.trials = trials;
  }

  /** How many attempts in a row have failed. */
  at(slot: number): number {
    return Math.max(0, Atomics.load(this.words, slot));
  }

  /** Control thread only. */
  clear(slot: number): void {
    Atomics.store(this.words, slot, 0);
  }

  /** From now on the outcome of another trial is waited for. Control thread only. */
  offerTrial(slot: number): void {
    // Begun anew before it leaves the 32 bits.
    const number = (Atomics.load(this.trials, slot) % MOST_TRIALS) + 1;
    Atomics.store(this.trials, slot, number);
    Atomics.store(this.words, slot, -number);
  }

  /** The trial whose outcome is waited for; 0: there is none. */
  trial(slot: number): number {
    return Math.min(0, Atomics.load(this.words, slot));
  }

  /** An attempt that is on this trial (0: none) was answered. True: this has decided it. */
  answered(slot: number, trial: number): boolean {
    // Read as it lies there: nearly always there is no row to end.
    if (this.words[slot] === 0) return false;
    for (;;) {
      const word = Atomics.load(this.words, slot);
      if (word < 0 && word !== trial) return false;
      if (Atomics.compareExchange(this.words, slot, word, 0) === word) return word < 0;
    }
  }

  /**
   * An attempt that is on this trial (0: none) has failed: how many in a row that makes;
   * TRIAL_FAILED; or less, where another one's outcome is waited for.
   */
  failed(slot: number, trial: number): number {
    for (;;) {
      const word = Atomics.load(this.words, slot);
      if (word < 0 && word !== trial) return word;
      const next = word < 0 ? TRIAL_FAILED : word + 1;
      if (Atomics.compareExchange(this.words, slot, word, next) === word) return next;
    }
  }

  /** The outcome of this trial (0: none) is not waited for any more. False: it was not. */
  endTrial(slot: number, trial: number): boolean {
    return trial !== 0 && Atomics.compareExchange(this.words, slot, trial, 0) === trial;
  }
}
