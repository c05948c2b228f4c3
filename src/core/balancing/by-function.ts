/**
 * A function of the user's own. It sees who can be had and answers one of them, or nobody: then it
 * is whose turn it is, and the same when it throws or answers something else. All that it is handed
 * is reused, and nothing that it does to it can harm: it is made anew for the next request.
 */
import { assert } from '../base/failure.ts';
import type { PolicyCandidate } from '../policy-function.ts';
import type { FunctionNeeds, Named, Observation, Policy, PolicyDeps } from './balancing.ts';
import { noteLatency } from './latency.ts';
import { kept, type Loads, mayPick } from './loads.ts';
import type { Schedule } from './schedule.ts';

/** With `deps.own`. */
export function createByFunction(deps: PolicyDeps): Policy {
  assert(deps.own !== null, 'there is a function');
  return new ByFunction(deps, deps.own);
}

class Candidate implements PolicyCandidate {
  readonly slot: number;
  readonly named: Named;
  /** The last call that offered it. */
  call = 0;
  private readonly loads: Loads;
  private readonly wallMs: () => number;

  constructor(slot: number, named: Named, loads: Loads, wallMs: () => number) {
    this.slot = slot;
    this.named = named;
    this.loads = loads;
    this.wallMs = wallMs;
  }

  get name(): string {
    return this.named.name;
  }

  get url(): string {
    return this.named.url;
  }

  get weight(): number {
    return this.loads.weight(this.slot);
  }

  get inFlight(): number {
    return this.loads.busy(this.slot);
  }

  get latencyMs(): number | null {
    const { loads, slot } = this;
    const us = loads.cost(slot) * kept(loads, slot, this.wallMs());
    return us === 0 ? null : us / 1000;
  }
}

class ByFunction implements Policy {
  private readonly own: FunctionNeeds;
  private readonly loads: Loads;
  private readonly wallMs: () => number;
  /** Whom `candidates` are of. */
  private schedule: Schedule | null = null;
  private readonly bySlot = new Map<number, Candidate>();
  private offered: Candidate[] = [];
  /** Counts the calls of the function; whole, so that runtimes keep it without allocating. */
  private call = 0;

  constructor({ loads, wallMs }: PolicyDeps, own: FunctionNeeds) {
    this.own = own;
    this.loads = loads;
    this.wallMs = wallMs;
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    if (schedule !== this.schedule) this.follow(schedule);
    const first = this.offer(schedule, tried);
    if (first === -1) return -1;
    const slot = this.ask();
    return slot === -1 ? this.inTurn(schedule, first) : slot;
  }

  /** Views of its backends; one that is known stays the same object. */
  private follow(schedule: Schedule): void {
    this.schedule = schedule;
    const { bySlot } = this;
    const before = new Map(bySlot);
    bySlot.clear();
    for (const slot of schedule.slots) {
      const named = this.own.named(slot);
      const known = before.get(slot);
      const isSame = known !== undefined && known.named === named;
      bySlot.set(slot, isSame ? known : new Candidate(slot, named, this.loads, this.wallMs));
    }
  }

  /** Fills `offered`. Returns the first slot of it; -1: there is nobody. */
  private offer({ slots, states }: Schedule, tried: readonly number[]): number {
    const { loads, bySlot } = this;
    const call = (this.call + 1) | 0;
    this.call = call;
    // The function may have frozen the one before.
    if (!Object.isExtensible(this.offered)) this.offered = [];
    const { offered } = this;
    offered.length = 0;
    let first = -1;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (!mayPick(loads, slot, states, tried)) continue;
      if (first === -1) first = slot;
      const candidate = bySlot.get(slot)!;
      candidate.call = call;
      offered.push(candidate);
    }
    return first;
  }

  /** -1: the function chose nobody, or failed. */
  private ask(): number {
    const { own, offered } = this;
    try {
      const answer: unknown = own.choose(offered, own.request);
      if (answer === null || answer === undefined) return -1;
      if (answer instanceof Candidate && answer.call === this.call) return answer.slot;
      own.failed(complaint(answer));
    } catch (thrown) {
      own.failed(thrown);
    }
    return -1;
  }

  /** Of those that were offered. Others are passed over by drawing again. */
  private inTurn(schedule: Schedule, first: number): number {
    for (let left = 2 * schedule.slots.length; left > 0; left--) {
      const slot = schedule.draw();
      if (this.bySlot.get(slot)?.call === this.call) return slot;
    }
    return first;
  }

  observe(attempt: Observation): void {
    noteLatency(this.loads, attempt, this.wallMs());
  }
}

/** What is wrong with an answer that is no candidate. */
function complaint(answer: unknown): string {
  if (answer instanceof Candidate) {
    return `it answered ${answer.name}, which is no candidate for this request`;
  }
  if (isThenable(answer)) {
    // If it fails later, that is not news.
    answer.then(ignore, ignore);
    return 'it answered a promise; a policy must answer at once, so it cannot be async';
  }
  const what = typeof answer === 'object' ? 'an object of its own' : `a ${typeof answer}`;
  return `it answered ${what}; it must be one of the candidates, or null`;
}

interface Thenable {
  then(resolved: () => void, rejected: () => void): unknown;
}

const isThenable = (value: unknown): value is Thenable =>
  typeof (value as Partial<Thenable>).then === 'function';

const ignore = (): void => {};
