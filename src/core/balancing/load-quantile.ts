/** How loaded backends are: of the last reports, the load that so large a part does not exceed. */

/** Reports that are looked at. */
const LAST = 64;

export class LoadQuantile {
  private readonly part: number;
  /** In the order in which they came, round and round. */
  private readonly ring = new Float64Array(LAST);
  private readonly sorted = new Float64Array(LAST);
  private count = 0;
  private next = 0;

  /** `part`: 0 .. 1. */
  constructor(part: number) {
    this.part = part;
  }

  /** So many in flight for so much weight. Allocates nothing. */
  add(inFlight: number, weight: number): void {
    const load = inFlight / weight;
    const { ring, sorted } = this;
    if (this.count === LAST) this.dropOldest();
    ring[this.next] = load;
    this.next = (this.next + 1) % LAST;
    let at = this.count++;
    for (; at > 0 && sorted[at - 1] > load; at--) sorted[at] = sorted[at - 1];
    sorted[at] = load;
  }

  private dropOldest(): void {
    const { sorted } = this;
    // Not handed over, nor to `indexOf`: that would make an object of a fraction.
    const load = this.ring[this.next];
    this.count -= 1;
    let at = 0;
    while (sorted[at] !== load) at++;
    for (; at < this.count; at++) sorted[at] = sorted[at + 1];
  }

  /** 0 before there was a report. */
  get value(): number {
    return this.count === 0 ? 0 : this.sorted[Math.floor(this.part * (this.count - 1))];
  }
}
