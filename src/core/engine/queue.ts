/**
 * The exchanges of one pool that wait in this worker until a backend has room for them
 * (`max_requests`, `max_connections`). Over all workers whoever has waited longest goes first,
 * within a few milliseconds: see `waiting.ts`. A worker that makes room where another one's turn it
 * is, rings there; and since a ring can be lost with the thread that carries it, everybody also
 * looks again every few milliseconds as long as somebody waits.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { QueueConfig } from '../config.ts';
import type { Waiting } from '../resilience/waiting.ts';
import type { Backend } from '../table/backend.ts';

/** How often is looked again; costs nothing while nobody waits. */
const LOOK_MS = 5;
/** So much longer another worker's first must have waited to go before ours. */
const PATIENCE_MS = 5;
/** A queue that was never empty for so long does not only even out a burst: it stands. */
const STANDING_MS = 100;
/** In a standing queue of the order `adaptive` nobody but the newest waits longer than this. */
const SHED_MS = 10;

/** Somebody who can wait. */
export interface Waiter {
  /** Some backends have failed it already: that it finds no room says nothing about others. */
  readonly isChoosy: boolean;
  /** It waits for this one: that it finds no room says the same to others that do. Null: nobody. */
  readonly awaited: Backend | null;
  /** Tries to enter. False: there is no room yet. Else it waits no longer. */
  tryAgain(): boolean;
  /** It has waited in vain. Leaves the queue. */
  giveUp(why: Failure): void;
}

/** Where a waiter stands. Each has one for all its life. */
export class Place {
  readonly waiter: Waiter;
  queue: Queue | null = null;
  next: Place | null = null;
  previous: Place | null = null;
  /** Wheel time. */
  sinceMs = 0;

  constructor(waiter: Waiter) {
    this.waiter = waiter;
  }
}

export interface QueueDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly waiting: Waiting;
  /** Tells that worker that there is room. */
  readonly ring: (worker: number) => void;
}

/** One per pool and worker. */
export class Queue {
  config: QueueConfig;
  private readonly deps: QueueDeps;
  private first: Place | null = null;
  private last: Place | null = null;
  /** The first that is not choosy. */
  private firstPlain: Place | null = null;
  /** Who has no room, in one look. */
  private readonly full = new Set<Backend>();
  private count = 0;
  private alarm: Alarm | null = null;
  private isSoon = false;
  /** Something has happened since it looked last. */
  private isDue = false;
  /** Since when somebody waits, without a pause. */
  private busySinceMs = 0;
  private readonly onAlarm = (): void => this.look();
  private readonly onTurn = (): void => {
    this.isSoon = false;
    if (this.first !== null) this.serve();
  };

  constructor(config: QueueConfig, deps: QueueDeps) {
    this.config = config;
    this.deps = deps;
    // A worker that was here before may have died with those who waited.
    this.show();
  }

  /** How many wait here. */
  get length(): number {
    return this.count;
  }

  /** Would somebody who comes now go before others who have waited? */
  get hasTurns(): boolean {
    return this.first === null ? this.hasElders : !this.isNewestFirst;
  }

  /** Has somebody waited in another worker who would go anywhere? */
  private get hasElders(): boolean {
    const wallMs = this.deps.clock.wallMs();
    return this.deps.waiting.longer(wallMs - PATIENCE_MS, wallMs) !== -1;
  }

  /** Takes the last place. Null: it waits, or goes on all the same; else why it cannot. */
  join(place: Place): Failure | null {
    const { clock, wheel, waiting } = this.deps;
    const { size } = this.config;
    if (waiting.total(clock.wallMs()) >= size) return this.passes(place) ? null : full(size);
    place.queue = this;
    place.sinceMs = wheel.nowMs();
    place.previous = this.last;
    if (this.last === null) this.first = place;
    else this.last.next = place;
    this.last = place;
    if (!place.waiter.isChoosy) this.firstPlain ??= place;
    if (this.count++ === 0) this.busySinceMs = place.sinceMs;
    this.show();
    // What was given back since it looked last was given to nobody: it looks once more.
    this.soon();
    this.watch();
    return null;
  }

  /**
   * No place is left, but if all wait for some backends only, others may have room. Nobody who
   * waits for any is passed; the others are let go first if something has become free just now.
   */
  private passes({ waiter }: Place): boolean {
    if (this.firstPlain !== null || this.hasElders) return false;
    if (this.isDue) this.serve();
    return waiter.tryAgain();
  }

  /** It goes on, or nobody waits for its answer any more. */
  leave(place: Place): void {
    if (place.previous === null) this.first = place.next;
    else place.previous.next = place.next;
    if (place.next === null) this.last = place.previous;
    else place.next.previous = place.previous;
    if (place === this.firstPlain) this.firstPlain = plainFrom(place.next);
    place.queue = place.next = place.previous = null;
    this.count--;
    this.show();
    if (this.count > 0) return;
    this.alarm?.cancel();
    this.alarm = null;
  }

  /** A backend has room again, or there is another one. */
  room(): void {
    if (this.first === null) {
      const wallMs = this.deps.clock.wallMs();
      this.ring(this.deps.waiting.longer(wallMs + 1, wallMs));
    } else this.soon();
  }

  /** Another worker rang. Who has nobody waiting rings nobody else, or it would never end. */
  rung(): void {
    if (this.first !== null) this.soon();
  }

  private ring(worker: number): void {
    if (worker !== -1) this.deps.ring(worker);
  }

  /** In the next turn: the connection that has just been given back is clean by then. */
  private soon(): void {
    this.isDue = true;
    if (this.isSoon) return;
    this.isSoon = true;
    this.deps.clock.nextTurn(this.onTurn);
  }

  /** Sees that it looks again, once. */
  private watch(): void {
    const { clock } = this.deps;
    this.alarm ??= clock.wakeAt(clock.nowMs() + LOOK_MS, this.onAlarm);
  }

  private look(): void {
    this.alarm = null;
    this.expire();
    if (this.first !== null) this.serve();
    if (this.first !== null) this.watch();
  }

  /** Lets go whose turn it is, as long as there is room. */
  private serve(): void {
    this.isDue = false;
    this.full.clear();
    let place = this.candidate(this.front());
    while (place !== null && this.isTurnOf(place)) {
      const { awaited, isChoosy } = place.waiter;
      if (place.waiter.tryAgain()) place = this.candidate(this.front());
      else if (isChoosy) {
        if (awaited !== null) this.full.add(awaited);
        place = this.candidate(after(place, this.isNewestFirst));
      } else break;
    }
    this.show();
  }

  /** The first from here on that does not wait for somebody who has no room. */
  private candidate(from: Place | null): Place | null {
    const isBackwards = this.isNewestFirst;
    let place = from;
    while (place !== null && this.isFull(place.waiter.awaited)) place = after(place, isBackwards);
    return place;
  }

  private isFull(awaited: Backend | null): boolean {
    return awaited !== null && this.full.has(awaited);
  }

  private front(): Place | null {
    return this.isNewestFirst ? this.last : this.first;
  }

  private isTurnOf(place: Place): boolean {
    if (this.isNewestFirst) return true;
    const wallMs = this.deps.clock.wallMs();
    const sinceMs = this.sinceWallMs(place, wallMs);
    const worker = this.deps.waiting.longer(sinceMs - PATIENCE_MS, wallMs);
    this.ring(worker);
    return worker === -1;
  }

  private get isNewestFirst(): boolean {
    if (this.config.order === 'fifo' || this.first === null) return false;
    return this.deps.wheel.nowMs() - this.busySinceMs >= STANDING_MS;
  }

  /** Gives up those who have waited too long, the oldest first. */
  private expire(): void {
    const nowMs = this.deps.wheel.nowMs();
    const { timeoutMs } = this.config;
    while (this.first !== null) {
      const { first } = this;
      const waitedMs = nowMs - first.sinceMs;
      const isShed = waitedMs >= SHED_MS && this.isNewestFirst && first !== this.last;
      if (waitedMs < timeoutMs && !isShed) return;
      first.waiter.giveUp(isShed ? SHED : late(timeoutMs));
    }
  }

  /** Tells the other workers. */
  private show(): void {
    const { clock, waiting } = this.deps;
    const wallMs = clock.wallMs();
    const { firstPlain } = this;
    const sinceMs = firstPlain === null ? wallMs : this.sinceWallMs(firstPlain, wallMs);
    waiting.show(this.count, sinceMs, wallMs);
  }

  /**
   * Since when it waits, by the clock that all workers share: worked out anew each time, so that
   * workers agree on who has waited longest also when that clock has been set.
   */
  private sinceWallMs(place: Place, wallMs: number): number {
    return wallMs - (this.deps.wheel.nowMs() - place.sinceMs);
  }
}

const after = (place: Place, isBackwards: boolean): Place | null =>
  isBackwards ? place.previous : place.next;

function plainFrom(from: Place | null): Place | null {
  let place = from;
  while (place?.waiter.isChoosy) place = place.next;
  return place;
}

const overloaded = (cause: string): Failure =>
  failure(
    'overloaded',
    'us',
    'pick',
    'never',
    `no backend has room (max_requests or max_connections)${cause}`,
  );

const full = (size: number): Failure =>
  overloaded(size === 0 ? ', and nobody may wait' : `, and ${waiting(size)} already`);

const waiting = (size: number): string =>
  size === 1 ? '1 request waits' : `${size} requests wait`;

const late = (timeoutMs: number): Failure =>
  overloaded(`, and none had any within ${timeoutMs} ms`);

const SHED = overloaded(', and newer requests go first while the queue stands');
