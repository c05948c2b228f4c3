/**
 * Failures of a policy function, as a worker tells them: the first one at once, and then, while
 * there are more, how many once a second.
 */
import { Timer, type TimerWheel } from '../base/timer-wheel.ts';

const TOLD_EVERY_MS = 1000;

/** Who hears of them. */
interface Told {
  readonly wheel: TimerWheel;
  readonly control: {
    /** `why`: the stack or the text of the last. */
    policyFailed(pool: string, failures: number, why: string): void;
  };
}

export class PolicyFailures extends Timer {
  private readonly pool: string;
  private readonly told: Told;
  private untold = 0;
  private last: unknown = null;
  private isQuiet = true;
  private hasStopped = false;

  constructor(pool: string, told: Told) {
    super();
    this.pool = pool;
    this.told = told;
  }

  /** It has failed. `why`: what was thrown, or a text. */
  note(why: unknown): void {
    this.untold++;
    this.last = why;
    if (this.isQuiet) this.say();
  }

  /** What is left is told now, and what comes then at once. */
  stop(): void {
    this.hasStopped = true;
    this.told.wheel.remove(this);
    if (this.untold > 0) this.say();
    this.isQuiet = true;
  }

  override onTimer(): void {
    if (this.untold > 0) this.say();
    else this.isQuiet = true;
  }

  private say(): void {
    const { untold, last } = this;
    this.untold = 0;
    this.last = null;
    const { wheel, control } = this.told;
    if (!this.hasStopped) {
      this.isQuiet = false;
      wheel.set(this, wheel.nowMs() + TOLD_EVERY_MS);
    }
    control.policyFailed(this.pool, untold, spell(last));
  }
}

/** Longer texts are cut: a log line is no place for them. */
const MOST_CHARACTERS = 4000;

function spell(why: unknown): string {
  try {
    const text = why instanceof Error ? (why.stack ?? why.message) : String(why);
    return text.slice(0, MOST_CHARACTERS);
  } catch {
    return 'something that cannot be written as text';
  }
}
