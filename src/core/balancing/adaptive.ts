/**
 * Adaptive: of three backends at random the one that is expected to answer soonest. What is
 * learned of each is how long an exchange takes there when it is alone: the time to the response's
 * head, divided by what was in flight when the exchange began. So a backend's own queue is not
 * counted twice, once in the latency and once in what is in flight. What was learned is forgotten
 * towards the mean of the pool, so that whoever was slow is tried again.
 */
import { either } from '../base/math.ts';
import type { Observation, Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { kept, type Loads } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** How much of its own an observation brings to what is known of a backend. */
const STEP = 0.1;
/**
 * How much what is known of a backend counts, the rest being the mean of the pool. Where all take
 * as long with many as with few, one that has few would seem slow for each of them, and would be
 * left with few for ever.
 */
const OWN = 0.7;
/** The mean of the pool is that of so many observations, and moves by their part from then on. */
const MEAN_OF = 500;
/** A failure counts as this slow, or as long as the backend asks to be left alone, at most. */
const FAILURE_MS = 5000;
const LONGEST_FAILURE_MS = 300_000;
/** Costs are microseconds; half an hour is the most they can say. */
const MOST_US = 0x7fffffff;

/** What is known of a backend is shared by all workers; the mean is each worker's own. */
export function createAdaptive(deps: PolicyDeps): Policy {
  return new Adaptive(deps);
}

class Adaptive implements Policy {
  private readonly loads: Loads;
  private readonly wallMs: () => number;
  private readonly choices: Choices;
  /** Of what has been observed, in microseconds. */
  private meanUs = 0;
  private observed = 0;
  private schedule: Schedule | null = null;
  /** All weights are equal: they need not be looked at. */
  private isEven = true;
  /** The mean weight: whoever has it is loaded with one by one exchange. */
  private unit = 1;

  constructor({ loads, rng, wallMs }: PolicyDeps) {
    this.loads = loads;
    this.wallMs = wallMs;
    this.choices = new Choices(loads, rng);
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { choices } = this;
    choices.drawThree(schedule, tried);
    const { first, second, third } = choices;
    if (second === -1) return first;
    if (schedule !== this.schedule) this.follow(schedule);
    const nowMs = this.wallMs();
    // Equal ones: the first, which was drawn by weight.
    const one = this.score(first, nowMs);
    const other = this.score(second, nowMs);
    const best = either(first, second, Number(other < one));
    if (third === -1) return best;
    const isLess = this.score(third, nowMs) < Math.min(one, other);
    // Of two of three it would be one too often.
    const isLighter = !this.isEven && this.loads.weight(third) < this.loads.weight(first);
    return either(best, third, Number(isLess) & Number(!isLighter));
  }

  private follow(schedule: Schedule): void {
    const { loads } = this;
    const { slots } = schedule;
    this.schedule = schedule;
    this.isEven = schedule.isEven;
    let weights = 0;
    let known = 0;
    let costs = 0;
    for (let i = 0; i < slots.length; i++) {
      const cost = loads.cost(slots[i]);
      weights += loads.weight(slots[i]);
      costs += cost;
      if (cost > 0) known += 1;
    }
    this.unit = weights / slots.length;
    // A new worker begins with what the others know.
    if (this.observed === 0 && known > 0) this.meanUs = costs / known;
  }

  /** How long one more exchange would take there. */
  private score(slot: number, nowMs: number): number {
    const { meanUs } = this;
    const alone = meanUs + OWN * (this.alone(slot, nowMs) - meanUs);
    return alone * this.crowd(slot, this.loads.busy(slot));
  }

  /** How long it would take if it were alone; microseconds. */
  private alone(slot: number, nowMs: number): number {
    const { loads, meanUs } = this;
    const cost = loads.cost(slot);
    if (cost === 0) return Math.max(meanUs, 1);
    return meanUs === 0 ? cost : meanUs + (cost - meanUs) * kept(loads, slot, nowMs);
  }

  /**
   * How much longer an exchange takes with so many others there. A backend of twice the weight
   * stands for two.
   */
  private crowd(slot: number, others: number): number {
    if (this.isEven) return 1 + others;
    return 1 + (others * this.unit) / this.loads.weight(slot);
  }

  observe({ slot, outcome, elapsedMs, others, retryAfterMs }: Observation): void {
    const { loads } = this;
    const nowMs = this.wallMs();
    const leastMs =
      outcome === 'failed' ? Math.max(FAILURE_MS, Math.min(retryAfterMs, LONGEST_FAILURE_MS)) : 0;
    const tookMs = Math.max(elapsedMs, leastMs);
    const us = Math.min((tookMs * 1000) / this.crowd(slot, others), MOST_US);
    const known = this.alone(slot, nowMs);
    // So long it would have taken at least: that says something only if it is much.
    if (outcome === 'abandoned' && us <= known) return;
    this.observed = Math.min(this.observed + 1, MEAN_OF);
    const before = this.observed === 1 && this.meanUs === 0 ? us : known;
    this.meanUs += (us - this.meanUs) / this.observed;
    // 0 would say that nothing is known.
    loads.setCost(slot, Math.max(1, Math.round(before + STEP * (us - before))), nowMs);
  }
}
