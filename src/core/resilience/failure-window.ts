/**
 * What became of attempts within the last interval: ten buckets, of which the oldest is forgotten
 * as a new one begins, so that nothing is forgotten all at once.
 */

/** Into how many parts the interval is cut. */
export const BUCKETS = 10;

export class FailureWindow {
  private readonly answers = new Array<number>(BUCKETS).fill(0);
  private readonly failures = new Array<number>(BUCKETS).fill(0);
  private at = 0;

  /** A tenth of the interval is over, in which so many came. */
  add(answers: number, failures: number): void {
    this.at = (this.at + 1) % BUCKETS;
    this.answers[this.at] = answers;
    this.failures[this.at] = failures;
  }

  /** All that is in it. */
  get total(): number {
    return sum(this.answers) + sum(this.failures);
  }

  get failed(): number {
    return sum(this.failures);
  }

  clear(): void {
    this.answers.fill(0);
    this.failures.fill(0);
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
