/**
 * A backend as the scenario describes it: works on so many requests at once, the others wait there
 * in turn. It can get slower, hang, break, and come back.
 */
import type { LoadMeter } from '../core/balancing/load-meter.ts';
import { assert } from '../core/base/failure.ts';
import { quantile } from './draws.ts';
import type { Service } from './scenario.ts';
import type { Timeline } from './timeline.ts';

/** The timeline's kind of entries that say that a job is done. */
export const DONE = 1;

/** Something that a backend works on. In one server's hands at most. */
export abstract class Job {
  /** Where the timeline finds it. */
  readonly index: number;
  /** What the timeline says about an earlier stay is not meant. */
  serial = 0;
  /** How heavy it is: above 0, up to 1, small ones are heavy. */
  draw = 1;
  server: Server | null = null;
  next: Job | null = null;
  previous: Job | null = null;
  isActive = false;
  doneMs = 0;
  takenMs = 0;
  /** Others there when it came, as the backend measures it. */
  met = 0;

  constructor(index: number) {
    this.index = index;
  }

  /** The backend has answered. */
  abstract done(server: Server): void;
  /** The backend broke the connection. */
  abstract broken(): void;
}

/** A row of jobs in the order in which they came. */
class Row {
  first: Job | null = null;
  last: Job | null = null;
  length = 0;

  add(job: Job): void {
    job.previous = this.last;
    if (this.last === null) this.first = job;
    else this.last.next = job;
    this.last = job;
    this.length++;
  }

  remove(job: Job): void {
    if (job.previous === null) this.first = job.next;
    else job.previous.next = job.next;
    if (job.next === null) this.last = job.previous;
    else job.next.previous = job.previous;
    job.next = job.previous = null;
    this.length--;
  }
}

export class Server {
  readonly name: string;
  /** Its place in whatever is counted per backend. */
  readonly number: number;
  /** How it measures its own load, for those who ask; null: nobody does. */
  readonly meter: LoadMeter | null;
  errors: number;
  isDown = false;
  /** What it says of its load with the answer that it is giving. */
  report = '';
  private readonly service: Service;
  private readonly timeline: Timeline;
  private slowness = 1;
  private hangs = false;
  private readonly active = new Row();
  private readonly waiting = new Row();

  constructor(
    name: string,
    number: number,
    service: Service,
    timeline: Timeline,
    meter: LoadMeter | null,
  ) {
    this.name = name;
    this.number = number;
    this.service = service;
    this.timeline = timeline;
    this.meter = meter;
    this.errors = service.errors;
  }

  /** It is up; the job is done some time. */
  take(job: Job): void {
    assert(!this.isDown && job.server === null, 'a job is taken by one backend, that is up');
    job.server = this;
    job.takenMs = this.timeline.nowMs();
    if (this.meter !== null) job.met = this.meter.begin();
    this.waiting.add(job);
    this.work();
  }

  /** Nobody waits for it any more. The backend sees that at once. */
  drop(job: Job): void {
    this.release(job);
    this.work();
  }

  /** Its time has come. */
  finish(job: Job): void {
    if (this.meter !== null) this.report = this.meter.report();
    this.release(job);
    this.work();
    job.done(this);
  }

  setSlowness(factor: number): void {
    const nowMs = this.timeline.nowMs();
    for (let job = this.active.first; job !== null; job = job.next) {
      const leftMs = ((job.doneMs - nowMs) * factor) / this.slowness;
      this.endAt(job, nowMs + leftMs);
    }
    this.slowness = factor;
  }

  /** It works on nothing meanwhile; what it has begun before ends. */
  setHangs(hangs: boolean): void {
    this.hangs = hangs;
    if (!hangs) this.work();
  }

  setDown(isDown: boolean): void {
    this.isDown = isDown;
    if (!isDown) return;
    const jobs = [...this.jobs()];
    for (const job of jobs) this.release(job);
    for (const job of jobs) job.broken();
  }

  /** All that are here, in order. */
  *jobs(): Iterable<Job> {
    for (const row of [this.active, this.waiting]) {
      for (let job = row.first; job !== null; job = job.next) yield job;
    }
  }

  private release(job: Job): void {
    (job.isActive ? this.active : this.waiting).remove(job);
    job.isActive = false;
    job.server = null;
    job.serial++;
    this.meter?.end(job.met, this.timeline.nowMs() - job.takenMs);
  }

  private work(): void {
    const { active, waiting, service, timeline } = this;
    while (waiting.first !== null && active.length < service.concurrency && !this.hangs) {
      const job = waiting.first;
      waiting.remove(job);
      active.add(job);
      job.isActive = true;
      const times = quantile(service.distribution, job.draw) * this.slowness;
      this.endAt(job, timeline.nowMs() + service.meanMs * times);
    }
  }

  private endAt(job: Job, atMs: number): void {
    job.doneMs = atMs;
    job.serial++;
    this.timeline.put(atMs, DONE, job.index, job.serial);
  }
}
