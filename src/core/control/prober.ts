/**
 * Sends probes when they are due: one at a time per backend, with jitter, and never as a burst,
 * however many backends there are. What a probe's outcome means is decided by others.
 */
import type { ReportedLoad } from '../balancing/balancing.ts';
import type { Alarm, Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Rng } from '../base/rng.ts';
import type { Transport } from '../base/transport.ts';
import type { ProbeConfig } from '../config.ts';
import type { Backend } from '../table/backend.ts';
import { Agenda, type CrossOut } from './agenda.ts';
import { type Outcome, Probe } from './probe.ts';

/** Called from the loop, never from within a method of the prober. */
export interface ProberEvents {
  connected(backend: Backend, address: string): void;
  connectFailed(backend: Backend, address: string, failure: Failure): void;
  /** `tookMs` since its start. The next one has to be asked for. */
  probed(backend: Backend, outcome: Outcome, tookMs: number): void;
  /** What it says of its load, in the good answer to a probe. */
  reported(backend: Backend, load: ReportedLoad): void;
}

/** What is asked of a backend, and how often. */
export interface ProbePlan {
  /** Null: it is only connected to. */
  checkOf(backend: Backend): ProbeConfig | null;
  /** On average, for the rate at which probes may start. */
  intervalMsOf(backend: Backend): number;
}

/** By the health checks of the pools. */
const HEALTH: ProbePlan = {
  checkOf: ({ pool }) => pool.healthCheck,
  intervalMsOf: ({ pool }) => pool.healthCheck?.intervalMs ?? SUSPECT_INTERVAL_MS,
};

interface Job {
  /** The last one; it may have its outcome already and still read the rest of the answer. */
  probe: Probe | null;
  crossOut: CrossOut | null;
}

/** In each slice of this length at most this many probes start, or 5/4 of what is needed. */
const SLICE_MS = 10;
const STARTS_PER_SLICE = 10;

/** Who is probed without a health check is a suspect, about once a second. */
const SUSPECT_INTERVAL_MS = 1000;

export class Prober {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly rng: Rng;
  private readonly events: ProberEvents;
  private readonly plans: ProbePlan;
  private readonly agenda = new Agenda<Backend>();
  private readonly jobs = new Map<Backend, Job>();
  private alarm: Alarm | null = null;
  private alarmMs = 0;
  private sliceStartMs = Number.NEGATIVE_INFINITY;
  private startsInSlice = 0;
  /** Null: to be computed again, the set of backends has changed. */
  private startsAllowed: number | null = null;

  constructor(
    transport: Transport,
    clock: Clock,
    rng: Rng,
    events: ProberEvents,
    plans: ProbePlan = HEALTH,
  ) {
    this.transport = transport;
    this.clock = clock;
    this.rng = rng;
    this.events = events;
    this.plans = plans;
  }

  /**
   * Plans the next probe, in place of any planned before: `delayMs` +-10 % after the start of the
   * last one, which was `tookMs` ago.
   */
  schedule(backend: Backend, delayMs: number, tookMs = 0): void {
    const jitteredMs = (delayMs * (900 + this.rng.below(201))) / 1000;
    this.plan(backend, this.clock.nowMs() + Math.max(0, jitteredMs - tookMs));
  }

  /** Probes as soon as the rate allows. A probe in flight is void: it may have begun too early. */
  soon(backend: Backend): void {
    this.jobs.get(backend)?.probe?.abort();
    this.plan(backend, this.clock.nowMs());
  }

  /** No more probes of this backend. One in flight ends without an outcome. */
  forget(backend: Backend): void {
    const job = this.jobs.get(backend);
    if (job === undefined) return;
    job.crossOut?.();
    job.probe?.abort();
    this.jobs.delete(backend);
    this.startsAllowed = null;
  }

  /** Probes in flight prove nothing (we were asleep): they are sent again. */
  voidInFlight(): void {
    for (const [backend, job] of this.jobs) if (job.probe?.inFlight) this.soon(backend);
  }

  /** The pools' health checks have changed. */
  configured(): void {
    this.startsAllowed = null;
  }

  stop(): void {
    for (const backend of [...this.jobs.keys()]) this.forget(backend);
    this.alarm?.cancel();
    this.alarm = null;
  }

  private plan(backend: Backend, dueMs: number): void {
    let job = this.jobs.get(backend);
    if (job === undefined) {
      job = { probe: null, crossOut: null };
      this.jobs.set(backend, job);
      this.startsAllowed = null;
    }
    job.crossOut?.();
    job.crossOut = this.agenda.put(backend, dueMs);
    this.wakeBy(dueMs);
  }

  private wakeBy(dueMs: number): void {
    if (this.alarm !== null && this.alarmMs <= dueMs) return;
    this.alarm?.cancel();
    this.alarmMs = dueMs;
    this.alarm = this.clock.wakeAt(dueMs, () => {
      this.alarm = null;
      this.startDue();
    });
  }

  private startDue(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs >= this.sliceStartMs + SLICE_MS) {
      this.sliceStartMs = nowMs;
      this.startsInSlice = 0;
    }
    this.startsAllowed ??= this.computeStartsAllowed();
    while (this.startsInSlice < this.startsAllowed) {
      const backend = this.agenda.take(nowMs);
      if (backend === null) break;
      this.startsInSlice++;
      this.start(backend, nowMs);
    }
    const dueMs = this.agenda.firstDueMs();
    if (dueMs === null) return;
    this.wakeBy(dueMs > nowMs ? dueMs : this.sliceStartMs + SLICE_MS);
  }

  private start(backend: Backend, startedMs: number): void {
    const job = this.jobs.get(backend);
    if (job === undefined) return;
    job.crossOut = null;
    job.probe?.abort();
    job.probe = null;
    if (backend.addresses.length === 0) return;
    job.probe = new Probe(this.transport, this.clock, backend, this.plans.checkOf(backend), {
      connected: (address) => this.events.connected(backend, address),
      connectFailed: (address, failure) => this.events.connectFailed(backend, address, failure),
      reported: (load) => this.events.reported(backend, load),
      done: (outcome) => this.events.probed(backend, outcome, this.clock.nowMs() - startedMs),
    });
  }

  /** The floor spreads a start; above it the regular load must still fit. */
  private computeStartsAllowed(): number {
    let perSlice = 0;
    for (const backend of this.jobs.keys()) {
      perSlice += SLICE_MS / this.plans.intervalMsOf(backend);
    }
    return Math.max(STARTS_PER_SLICE, Math.ceil(perSlice * 1.25));
  }
}
