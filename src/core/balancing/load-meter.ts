/**
 * What a backend says of itself, as the demo backends and the simulated ones measure it: how many
 * requests are in flight, and the median of how long those took lately that met about as many
 * (Prequal). A backend of your own may do it more simply.
 */

/** Requests that are remembered. */
const LAST = 64;
/** Of those, the ones that met the most similar numbers are asked for the median. */
const ASKED = 9;

export class LoadMeter {
  inFlight = 0;
  private readonly met = new Float64Array(LAST);
  private readonly tookMs = new Float64Array(LAST);
  private count = 0;
  private readonly distances = new Float64Array(ASKED);
  private readonly nearest = new Float64Array(ASKED);
  private readonly sorted = new Float64Array(ASKED);

  /** A request has come. Returns how many it met, for `end`. */
  begin(): number {
    return this.inFlight++;
  }

  /** It has been answered, or nobody waits for it any more. */
  end(met: number, tookMs: number): void {
    this.inFlight -= 1;
    const at = this.count++ % LAST;
    this.met[at] = met;
    this.tookMs[at] = tookMs;
  }

  /** How long a request would take now, milliseconds; 0: none has been seen. */
  latencyMs(): number {
    const { distances, nearest } = this;
    const seen = Math.min(this.count, LAST);
    let kept = 0;
    for (let i = 0; i < seen; i++) {
      const distance = Math.abs(this.met[i] - this.inFlight);
      if (kept === ASKED && distance >= distances[kept - 1]) continue;
      let at = kept < ASKED ? kept++ : kept - 1;
      for (; at > 0 && distances[at - 1] > distance; at--) {
        distances[at] = distances[at - 1];
        nearest[at] = nearest[at - 1];
      }
      distances[at] = distance;
      nearest[at] = this.tookMs[i];
    }
    return this.median(kept);
  }

  /** Of so many of the nearest; 0: there is none. */
  private median(count: number): number {
    const { nearest, sorted } = this;
    if (count === 0) return 0;
    for (let i = 0; i < count; i++) {
      const tookMs = nearest[i];
      let at = i;
      for (; at > 0 && sorted[at - 1] > tookMs; at--) sorted[at] = sorted[at - 1];
      sorted[at] = tookMs;
    }
    return sorted[count >> 1];
  }

  /** The value of `Backend-Load` for the answer to one of those in flight. */
  report(): string {
    return `in_flight=${this.inFlight - 1}, latency_ms=${Number(this.latencyMs().toFixed(3))}`;
  }
}
