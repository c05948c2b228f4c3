/** What backends have told probes of their load, by slot: columns of the table. */

/** Longer latencies are not told apart. */
const MOST_US = 0x7fffffff;

export class ProbedLoads {
  private readonly loads: Int32Array;
  private readonly latencies: Int32Array;
  private readonly times: Int32Array;

  constructor(loads: Int32Array, latencies: Int32Array, times: Int32Array) {
    this.loads = loads;
    this.latencies = latencies;
    this.times = times;
  }

  /** Requests in flight there; -1: it has told nothing. */
  inFlight(slot: number): number {
    return this.loads[slot];
  }

  /** How long requests take there; microseconds, 2^31 - 1 at most. */
  latencyUs(slot: number): number {
    return this.latencies[slot];
  }

  /** When it told that; milliseconds, cut to 32 bits. */
  atMs(slot: number): number {
    return this.times[slot];
  }

  /** Control thread only; the time comes last. */
  set(slot: number, inFlight: number, latencyUs: number, atMs: number): void {
    Atomics.store(this.latencies, slot, Math.min(latencyUs, MOST_US));
    Atomics.store(this.loads, slot, inFlight);
    Atomics.store(this.times, slot, atMs | 0);
  }

  /** Another backend has the slot. Control thread only. */
  clear(slot: number): void {
    Atomics.store(this.loads, slot, -1);
  }
}
