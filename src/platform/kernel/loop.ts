/**
 * The event loop of a thread of ours: it waits for the kernel's word on our own descriptors, and
 * hands over to the runtime's loop when that has something to do, and now and then. It hears of the
 * runtime's events because the kernel lets one epoll instance watch another.
 *
 * The runtime's timers and immediates do not wake it. Ours are therefore the loop's (`wakeAt`,
 * `nextTurn`), and nobody else's may be so urgent that `PATIENCE_MS` would hurt: a thread that runs
 * somebody else's code uses the runtime's own sockets.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Alarm } from '../../core/base/clock.ts';
import { callAll } from '../node/clock.ts';
import type { Descriptors } from './descriptors.ts';
import {
  AF_UNIX,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLIN,
  type Libc,
  type Runtime,
  STREAM_TYPE,
} from './libc.ts';

/** How long a turn waits for events when nothing of ours is due. */
const PATIENCE_MS = 20;
/** The same while the runtime has connections of ours, whose ends take immediates of its. */
const GUEST_PATIENCE_MS = 5;
/** The same while the runtime's events do not wake us. */
const BLIND_PATIENCE_MS = 1;
/** The same after so many turns in which nothing came: what was left to do is done by then. */
const QUIET_PATIENCE_MS = 200;
const QUIET_TURNS = 100;
/** After an event of the runtime's so many turns do not wait: what follows may be immediates. */
const BUSY_TURNS = 2;
/** So long at most it goes on without handing over: the runtime may have more than events. */
const STAY_MS = 4;
/** It takes a turn or two until the runtime's loop watches what it was lent. */
const LOOKS = 20;
/** Events taken in one turn. */
const EVENTS = 512;
/** `struct epoll_event` on x86-64, in words: what happened, then what we have given for it. */
const EVENT_WORDS = 3;

/** Whoever wants to hear about a descriptor. */
export interface Watcher {
  /** `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. */
  onReady(events: number): void;
}

/** Whoever has something left to do when this turn's events are delivered. */
export interface Latecomer {
  onLater(): void;
}

export class Loop {
  /** Connections of ours on the runtime's loop. */
  guests = 0;

  private readonly libc: Libc;
  private readonly epoll: number;
  private readonly events = new Int32Array(EVENTS * EVENT_WORDS);
  private readonly eventsAt: number;
  private readonly event = new Int32Array(EVENT_WORDS);
  private readonly eventAt: number;
  /** The runtime's epoll instance; -1: not found yet. */
  private host = -1;
  private search: HostSearch | null;
  private busyTurns = 0;
  /** Turns in a row that brought no event. */
  private quietTurns = 0;
  /** By descriptor. */
  private readonly watchers: (Watcher | null)[] = [];
  /** By descriptor: which of those that had this number one after another it is. */
  private readonly generations: number[] = [];
  private watched = 0;
  /** In order of their deadlines. There are few: the timer wheel has one. */
  private readonly alarms: LoopAlarm[] = [];
  private latecomers: Latecomer[] = [];
  private spareLatecomers: Latecomer[] = [];
  /** Asked for since the last turn. */
  private fresh: (() => void)[] = [];
  /** Asked for before it, while the runtime had guests. */
  private ripe: (() => void)[] = [];
  private goesOn = false;
  private readonly onImmediate = (): void => this.turns();

  /** Throws when the kernel gives no epoll instance. */
  constructor(runtime: Runtime, descriptors: Descriptors) {
    const { libc } = runtime;
    this.libc = libc;
    this.epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.epoll < 0) throw new Error(`no epoll instance (errno ${libc.errno()})`);
    descriptors.opened(this.epoll);
    this.eventsAt = libc.addressOf(this.events);
    this.eventAt = libc.addressOf(this.event);
    this.search = new HostSearch(runtime);
  }

  /** From here on `watcher` hears of `events`, errors and hang-ups. False: the kernel refused. */
  watch(fd: number, watcher: Watcher, events: number): boolean {
    this.reach(fd);
    this.generations[fd] = (this.generations[fd] + 1) | 0;
    if (this.control(EPOLL_CTL_ADD, fd, events) < 0) return false;
    this.watchers[fd] = watcher;
    this.watched += 1;
    this.goOn();
    return true;
  }

  private reach(fd: number): void {
    while (this.generations.length <= fd) {
      this.generations.push(0);
      this.watchers.push(null);
    }
  }

  /**
   * Changes what is heard of; 0: nothing at all, not even errors. `before`: what it was. False: the
   * kernel refused.
   */
  rewatch(fd: number, events: number, before: number): boolean {
    if (events === 0) return this.control(EPOLL_CTL_DEL, fd, 0) >= 0;
    return this.control(before === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, events) >= 0;
  }

  /** The descriptor is about to be closed; it may never have been watched. */
  forget(fd: number): void {
    if ((this.watchers[fd] ?? null) === null) return;
    this.watchers[fd] = null;
    this.watched -= 1;
  }

  /** Calls it once. */
  later(who: Latecomer): void {
    this.latecomers.push(who);
    this.goOn();
  }

  /** As in `Clock`. */
  nextTurn(callback: () => void): void {
    this.fresh.push(callback);
    this.goOn();
  }

  /** As in `Clock`. */
  wakeAt(deadlineMs: number, wake: () => void): Alarm {
    const { alarms } = this;
    let at = alarms.length;
    while (at > 0 && alarms[at - 1].deadlineMs > deadlineMs) at--;
    const alarm = new LoopAlarm(deadlineMs, wake, alarms);
    alarms.splice(at, 0, alarm);
    this.goOn();
    return alarm;
  }

  private control(operation: number, fd: number, events: number): number {
    this.event[0] = events;
    this.event[1] = fd;
    this.event[2] = this.generations[fd] ?? 0;
    return this.libc.epoll_ctl(this.epoll, operation, fd, this.eventAt);
  }

  private goOn(): void {
    if (this.goesOn) return;
    this.goesOn = true;
    setImmediate(this.onImmediate);
  }

  private turns(): void {
    this.goesOn = false;
    const untilMs = performance.now() + STAY_MS;
    try {
      if (this.search !== null) this.lookForHost(this.search);
      do this.turn();
      while (this.mayStay(untilMs));
    } finally {
      if (this.hasWork()) this.goOn();
    }
  }

  private turn(): void {
    const due = this.takeDue();
    this.deliver(due.length + this.ripe.length > 0 ? 0 : this.waitMs());
    if (due.length > 0) callAll(due);
    this.ring();
    this.callLatecomers();
  }

  private hasWork(): boolean {
    const { watched, alarms, latecomers, fresh, ripe } = this;
    return watched + alarms.length + latecomers.length + fresh.length + ripe.length > 0;
  }

  /** Handing over costs as much as two calls of the kernel's, for one request in a quiet turn. */
  private mayStay(untilMs: number): boolean {
    const isAlone = this.host >= 0 && this.guests === 0 && this.busyTurns === 0;
    return isAlone && performance.now() < untilMs && this.hasWork();
  }

  /** Those who wait for this turn. With guests a poll of the runtime's loop has to be between. */
  private takeDue(): readonly (() => void)[] {
    const { fresh, ripe } = this;
    if (fresh.length + ripe.length === 0) return ripe;
    this.fresh = [];
    if (this.guests === 0 && ripe.length === 0) return fresh;
    this.ripe = fresh;
    return ripe;
  }

  /** Waits for events, and hands them out. */
  private deliver(waitMs: number): void {
    const { events, watchers, generations } = this;
    const count = this.libc.epoll_wait(this.epoll, this.eventsAt, EVENTS, waitMs);
    this.quietTurns = count > 0 ? 0 : this.quietTurns + 1;
    for (let i = 0; i < count; i++) {
      const fd = events[i * EVENT_WORDS + 1];
      // It may have been closed by one of the events before, and its number taken by another.
      if (generations[fd] !== events[i * EVENT_WORDS + 2]) continue;
      const watcher = watchers[fd];
      if (watcher !== null) watcher.onReady(events[i * EVENT_WORDS]);
      else if (fd === this.host) this.busyTurns = BUSY_TURNS;
    }
  }

  private waitMs(): number {
    if (this.latecomers.length > 0) return 0;
    if (this.busyTurns > 0) {
      this.busyTurns -= 1;
      return 0;
    }
    const patience = this.patienceMs();
    if (this.alarms.length === 0) return patience;
    const left = Math.ceil(this.alarms[0].deadlineMs - performance.now());
    return Math.min(Math.max(left, 0), patience);
  }

  private patienceMs(): number {
    if (this.host < 0) return BLIND_PATIENCE_MS;
    if (this.quietTurns > QUIET_TURNS) return QUIET_PATIENCE_MS;
    return this.guests > 0 ? GUEST_PATIENCE_MS : PATIENCE_MS;
  }

  private callLatecomers(): void {
    const { latecomers } = this;
    if (latecomers.length === 0) return;
    this.latecomers = this.spareLatecomers;
    this.spareLatecomers = latecomers;
    try {
      for (const who of latecomers) who.onLater();
    } finally {
      latecomers.length = 0;
    }
  }

  private ring(): void {
    const { alarms } = this;
    if (alarms.length === 0) return;
    const nowMs = performance.now();
    // Those that are set meanwhile wait for the next turn.
    let due = 0;
    while (due < alarms.length && alarms[due].deadlineMs <= nowMs) due++;
    if (due === 0) return;
    for (const alarm of alarms.splice(0, due)) alarm.ring();
  }

  private lookForHost(search: HostSearch): void {
    this.host = search.look();
    if (this.host < 0 && search.looks < LOOKS) return;
    search.end();
    this.search = null;
    if (this.host < 0) return;
    this.reach(this.host);
    // It has no watcher: what it tells is that the runtime's loop has to come next.
    if (this.control(EPOLL_CTL_ADD, this.host, EPOLLIN) < 0) this.host = -1;
  }
}

class LoopAlarm implements Alarm {
  readonly deadlineMs: number;
  private wake: (() => void) | null;
  private readonly waiting: LoopAlarm[];

  constructor(deadlineMs: number, wake: () => void, waiting: LoopAlarm[]) {
    this.deadlineMs = deadlineMs;
    this.wake = wake;
    this.waiting = waiting;
  }

  ring(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }

  cancel(): void {
    this.wake = null;
    const at = this.waiting.indexOf(this);
    if (at >= 0) this.waiting.splice(at, 1);
  }
}

/**
 * Looks for the epoll instance of this thread's runtime: the one that watches a socket which the
 * runtime was lent. Every thread has one, and they look alike.
 */
class HostSearch {
  looks = 0;
  private readonly libc: Libc;
  private readonly pair = new Int32Array(2).fill(-1);
  private giveBack: (() => void) | null = null;

  constructor({ libc, lend }: Runtime) {
    this.libc = libc;
    if (libc.socketpair(AF_UNIX, STREAM_TYPE, 0, this.pair) < 0) return;
    try {
      this.giveBack = lend(this.pair[0]);
    } catch {
      // Without it the loop is blind, and less patient.
      libc.close(this.pair[0]);
    }
  }

  /** -1: not found. */
  look(): number {
    this.looks += 1;
    if (this.giveBack === null) return -1;
    try {
      // It is one of the thread's first; of those that are open it is one of the last.
      const open = readdirSync('/proc/self/fd').map(Number);
      const found = open.sort((a, b) => b - a).find((fd) => isEpoll(fd) && this.isWatchedBy(fd));
      return found ?? -1;
    } catch {
      // No /proc here.
      return -1;
    }
  }

  private isWatchedBy(epoll: number): boolean {
    const watched = readFileSync(`/proc/self/fdinfo/${epoll}`, 'utf8');
    return new RegExp(`^tfd: +${this.pair[0]} `, 'm').test(watched);
  }

  end(): void {
    this.giveBack?.();
    if (this.pair[1] >= 0) this.libc.close(this.pair[1]);
  }
}

function isEpoll(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).includes('eventpoll');
  } catch {
    // Closed meanwhile, by another thread or as the one that listed them.
    return false;
  }
}
