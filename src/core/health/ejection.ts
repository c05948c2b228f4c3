/**
 * The ejection of a backend whose traffic fails: for how long, and what comes after. The time
 * doubles with each ejection in a row, and is jittered, so that those ejected together do not come
 * back together. Then one exchange is let through: its outcome ends the ejection or renews it.
 * A pure state machine; who owns it watches the clock.
 */
import type { Rng } from '../base/rng.ts';
import type { PassiveHealthConfig } from '../config.ts';
import { State } from '../table/table.ts';

/** What it was ejected for. */
export type Fault = 'streak' | 'ratio' | 'slow';

export class Ejection {
  /** null: it is not ejected. */
  stage: typeof State.ejected | typeof State.trial | null = null;
  fault: Fault = 'streak';
  /** How long it was ejected for, the last time. */
  lastsMs = 0;
  /** A clause for people. */
  why = '';
  /**
   * How often its time is doubled, the next time: once for each ejection in a row, until that makes
   * the longest time; each healthy interval takes one back.
   */
  private doublings = 0;

  /** Ejects for the first time or, on trial, again. */
  begin(fault: Fault, why: string, config: PassiveHealthConfig, rng: Rng): void {
    const { ejectionMs, maxEjectionMs } = config;
    let lastsMs = ejectionMs;
    let doublings = 0;
    for (; doublings < this.doublings && lastsMs < maxEjectionMs; doublings++) lastsMs *= 2;
    this.doublings = lastsMs < maxEjectionMs ? doublings + 1 : doublings;
    this.lastsMs = (Math.min(lastsMs, maxEjectionMs) * (900 + rng.below(201))) / 1000;
    this.stage = State.ejected;
    this.fault = fault;
    this.why = why;
  }

  /** Its time is over: the next exchange decides. */
  offerTrial(): void {
    this.stage = State.trial;
    this.why = 'its ejection is over, and the next exchange decides';
  }

  end(): void {
    this.stage = null;
  }

  /** An interval has passed in which nothing was wrong. */
  heal(): void {
    if (this.stage === null && this.doublings > 0) this.doublings--;
  }
}
