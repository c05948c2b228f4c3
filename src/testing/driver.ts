/**
 * Lets pretended time pass for as long as somebody waits for something in it. Between two things
 * that somebody has waited for, everybody who waited gets to say what he does next: so the same
 * program has the same history, however many wait at once.
 */
import type { SimClock } from '../../sim/clock.ts';

/** As it is now: test runners put pretended timers in its place. */
const { setImmediate: soon } = globalThis;

/** Of one world. It moves the clock, and nobody else does. */
export class Driver {
  private readonly clock: SimClock;
  private readonly rejects = new Set<(error: unknown) => void>();
  private isDriving = false;
  private hasHeard = false;
  /** What everybody was told of last. */
  private told: unknown = null;

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  /** Begins something, and resolves with what `done` is told when it has happened. */
  until<T>(begin: (done: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.rejects.add(reject);
      try {
        begin((value) => {
          if (!this.rejects.delete(reject)) return;
          this.hasHeard = true;
          resolve(value);
        });
      } catch (error) {
        // It has not even begun: nothing will ever end this wait.
        this.rejects.delete(reject);
        throw error;
      }
      if (this.isDriving) return;
      this.isDriving = true;
      soon(() => this.drive());
    });
  }

  /** Tells everybody who waits that something went wrong. Throws it when nobody does. */
  fail(error: unknown): void {
    if (this.rejects.size === 0) throw error;
    this.told = error;
    const rejects = [...this.rejects];
    this.rejects.clear();
    for (const reject of rejects) reject(error);
  }

  /** The same, of what may only be handed on: what everybody has just been told of. */
  handOn(error: unknown): void {
    if (error !== this.told) this.fail(error);
  }

  private drive(): void {
    this.hasHeard = false;
    try {
      while (this.rejects.size > 0 && !this.hasHeard) {
        if (!this.clock.step()) throw new Error('nothing is left that could happen in this world');
      }
    } catch (error) {
      if (this.rejects.size === 0) this.isDriving = false;
      this.fail(error);
    }
    if (this.rejects.size > 0) soon(() => this.drive());
    else this.isDriving = false;
  }
}
