/**
 * What happened, one aligned line each: time, who, what. The last ones are kept, all of them go
 * into a hash, so that two runs of one seed can be compared without keeping them.
 */
import type { Clock } from '../src/core/base/clock.ts';

const KEPT = 400;
const TIME_COLUMNS = 12;
const WHO_COLUMNS = 10;

export class Journal {
  /** Lines so far. */
  count = 0;
  private readonly clock: Clock;
  private readonly print: ((line: string) => void) | null;
  private readonly ring: string[] = [];
  private state = 0x811c9dc5;

  /** `print` gets every line as it comes; null: only the last ones are kept. */
  constructor(clock: Clock, print: ((line: string) => void) | null) {
    this.clock = clock;
    this.print = print;
  }

  note(who: string, what: string): void {
    const time = this.clock.nowMs().toFixed(3).padStart(TIME_COLUMNS);
    const line = `${time}  ${who.padEnd(WHO_COLUMNS)}  ${what}`;
    this.ring[this.count % KEPT] = line;
    this.count += 1;
    for (let i = 0; i < line.length; i++) {
      this.state = Math.imul(this.state ^ line.charCodeAt(i), 0x01000193);
    }
    this.print?.(line);
  }

  /** The last lines, oldest first. */
  last(): readonly string[] {
    const from = Math.max(0, this.count - KEPT);
    return Array.from({ length: this.count - from }, (_, i) => this.ring[(from + i) % KEPT]);
  }

  /** FNV-1a of all lines, eight hexadecimal digits. */
  hash(): string {
    return (this.state >>> 0).toString(16).padStart(8, '0');
  }
}
