/**
 * The table: every backend's shared state as a struct of arrays of Int32, so that workers and the
 * control thread see one truth through atomics (which also work on a plain ArrayBuffer).
 *
 * Who writes what: the control thread owns slots, states and weights. Each worker counts what it
 * has in flight in a ledger of its own, and may move `up` or `checking` to `suspect` and `trial`
 * to `ejected`, nothing else.
 * What is in flight on a backend is the sum over the ledgers: when a worker dies, its ledger is
 * cleared, and whatever it was doing at that moment, the sum is right.
 */
import { assert } from '../base/failure.ts';
import { ProbedLoads } from './probed-loads.ts';
import { Streaks } from './streaks.ts';

/** The states of a backend. `free`: the slot has no backend. */
export const State = {
  free: 0,
  checking: 1,
  up: 2,
  suspect: 3,
  down: 4,
  draining: 5,
  ejected: 6,
  /** Ejected, and the next exchange decides: whoever enters moves it back to `ejected`. */
  trial: 7,
} as const;
export type State = (typeof State)[keyof typeof State];

export const stateName = (state: State): keyof typeof State =>
  (Object.keys(State) as (keyof typeof State)[]).find((name) => State[name] === state) ?? 'free';

/** Some states, as bits of a mask. */
export const statesOf = (...states: readonly State[]): number =>
  states.reduce<number>((mask, state) => mask | (1 << state), 0);

const DRAINING = statesOf(State.draining);

/** A slot's state, whether it has a limit, and its generation share a word: read together. */
const STATE_MASK = 7;
const LIMITED = 8;
const GENERATION_BIT = 4;

/** Columns with a word for each slot, in the order they lie in the buffer; the ledgers follow. */
const COLUMNS = [
  'standing',
  'weight',
  'limit',
  'offences',
  'cost',
  'costAt',
  'keeping',
  'streak',
  'trials',
  'probedLoad',
  'probedLatency',
  'probedAt',
] as const;
/** Columns with a word for each slot and worker. */
const LEDGERS = [
  'exchanges',
  'tunnels',
  'answers',
  'failures',
  'headMs',
  'connections',
  'wanted',
] as const;

/** Outcomes of attempts on a backend since it took its slot, over all workers; modulo 2^32. */
export interface Outcomes {
  readonly answers: number;
  readonly failures: number;
  /** What the answers took to their heads, in sum; milliseconds. */
  readonly headMs: number;
}

export interface TableSize {
  /** How many backends there is room for. */
  readonly capacity: number;
  /** How many workers count in it. */
  readonly workers: number;
}

export class Table {
  readonly capacity: number;
  readonly workers: number;
  readonly buffer: ArrayBufferLike;
  /** Which worker's ledger this one writes. */
  readonly me: number;
  /** The control thread alone writes it. */
  readonly probed: ProbedLoads;
  readonly streaks: Streaks;
  /** No slot below it is free. Control thread only. */
  private firstFree = 0;
  /** The trial that has just been entered, until its attempt begins; 0: none. */
  private taken = 0;
  private readonly standings: Int32Array;
  private readonly weights: Int32Array;
  private readonly limits: Int32Array;
  private readonly offenceCounts: Int32Array;
  private readonly costs: Int32Array;
  private readonly costTimes: Int32Array;
  private readonly keepings: Int32Array;
  private readonly exchanges: Int32Array;
  private readonly answerCounts: Int32Array;
  private readonly failureCounts: Int32Array;
  private readonly headTimes: Int32Array;
  private readonly tunnelCounts: Int32Array;
  private readonly connectionCounts: Int32Array;
  private readonly wantedCounts: Int32Array;

  /**
   * `buffer`: memory that threads share, of `Table.bytesFor(size)`; else plain memory. `me`: which
   * worker looks at it; the control thread needs none.
   */
  constructor(
    { capacity, workers }: TableSize,
    buffer: ArrayBufferLike = new ArrayBuffer(Table.bytesFor({ capacity, workers })),
    me = 0,
  ) {
    assert(
      buffer.byteLength >= Table.bytesFor({ capacity, workers }),
      'the buffer holds the whole table',
    );
    assert(me >= 0 && me < workers, 'there is a ledger for this worker');
    this.capacity = capacity;
    this.workers = workers;
    this.buffer = buffer;
    this.me = me;
    const column = (name: (typeof COLUMNS)[number]): Int32Array =>
      new Int32Array(buffer, COLUMNS.indexOf(name) * capacity * 4, capacity);
    const ledger = (name: (typeof LEDGERS)[number]): Int32Array => {
      const before = COLUMNS.length + LEDGERS.indexOf(name) * workers;
      return new Int32Array(buffer, before * capacity * 4, capacity * workers);
    };
    this.standings = column('standing');
    this.weights = column('weight');
    this.limits = column('limit');
    this.offenceCounts = column('offences');
    this.costs = column('cost');
    this.costTimes = column('costAt');
    this.keepings = column('keeping');
    this.streaks = new Streaks(column('streak'), column('trials'));
    const [load, latency, at] = [column('probedLoad'), column('probedLatency'), column('probedAt')];
    this.probed = new ProbedLoads(load, latency, at);
    this.exchanges = ledger('exchanges');
    this.answerCounts = ledger('answers');
    this.failureCounts = ledger('failures');
    this.headTimes = ledger('headMs');
    this.tunnelCounts = ledger('tunnels');
    this.connectionCounts = ledger('connections');
    this.wantedCounts = ledger('wanted');
  }

  static bytesFor({ capacity, workers }: TableSize): number {
    return (COLUMNS.length + LEDGERS.length * workers) * capacity * 4;
  }

  /** Memory of the kind the table lies in: threads share it if they share the table. */
  allocate(bytes: number): ArrayBufferLike {
    const isShared = this.buffer instanceof SharedArrayBuffer;
    return isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  }

  /** Takes the first free slot for a backend; null when the table is full. Control thread only. */
  claim(weight: number, state: State): number | null {
    for (let slot = this.firstFree; slot < this.capacity; slot++) {
      if (this.state(slot) !== State.free) continue;
      this.firstFree = slot + 1;
      Atomics.store(this.weights, slot, weight);
      Atomics.store(this.offenceCounts, slot, 0);
      Atomics.store(this.costs, slot, 0);
      Atomics.store(this.keepings, slot, 0);
      this.streaks.clear(slot);
      this.probed.clear(slot);
      this.setState(slot, state);
      return slot;
    }
    return null;
  }

  /**
   * Gives the slot of a backend that drains back; its generation moves on, so that a stale index
   * is never believed. Control thread only, when it has seen nothing in flight there since the
   * backend drains: who is counted now only looks whether it may enter, and may not.
   */
  free(slot: number): void {
    assert(this.state(slot) === State.draining, 'nobody can enter a slot that is freed');
    assert(this.tunnels(slot) === 0, 'no tunnel is on a freed slot');
    const next = (this.generation(slot) + 1) << GENERATION_BIT;
    Atomics.store(this.standings, slot, next | State.free);
    this.firstFree = Math.min(this.firstFree, slot);
  }

  state(slot: number): State {
    return (Atomics.load(this.standings, slot) & STATE_MASK) as State;
  }

  /** Control thread only. */
  setState(slot: number, state: State): void {
    this.change(slot, STATE_MASK, state);
  }

  /** These bits of its standing. A worker may be moving it to suspect. */
  private change(slot: number, mask: number, bits: number): void {
    let word: number;
    do word = Atomics.load(this.standings, slot);
    while (Atomics.compareExchange(this.standings, slot, word, (word & ~mask) | bits) !== word);
  }

  /** A worker saw every address refuse. True if this call was the one that moved the state. */
  suspect(slot: number): boolean {
    const word = Atomics.load(this.standings, slot);
    const state = word & STATE_MASK;
    if (state !== State.up && state !== State.checking) return false;
    const next = (word & ~STATE_MASK) | State.suspect;
    return Atomics.compareExchange(this.standings, slot, word, next) === word;
  }

  // What policies look at is read as it lies there: they only guess by it, `enter` decides, and an
  // atomic read costs many times as much.

  /** Whether the slot is in one of these states (`statesOf`), and has room for one more. */
  canTake(slot: number, states: number): boolean {
    const word = this.standings[slot];
    if ((states & (1 << (word & STATE_MASK))) === 0) return false;
    return (word & LIMITED) === 0 || this.busy(slot) + this.tunnels(slot) < this.limits[slot];
  }

  /** As `inFlight`, but what others have just done may not be seen yet. */
  busy(slot: number): number {
    const { exchanges, workers } = this;
    const from = slot * workers;
    let total = exchanges[from];
    for (let worker = 1; worker < workers; worker++) total += exchanges[from + worker];
    return total;
  }

  generation(slot: number): number {
    return Atomics.load(this.standings, slot) >>> GENERATION_BIT;
  }

  /**
   * What it counts for now, next to others of its pool: its weight as configured, but where levels
   * or a slow start make that another number. Whole, 1 or more.
   */
  weight(slot: number): number {
    return this.weights[slot];
  }

  /** Control thread only. */
  setWeight(slot: number, weight: number): void {
    Atomics.store(this.weights, slot, weight);
  }

  /** How many exchanges and tunnels there may be at once, over all workers; 0: any number. */
  limit(slot: number): number {
    return (this.standings[slot] & LIMITED) === 0 ? 0 : this.limits[slot];
  }

  /** Control thread only. What is above a new limit already goes on. */
  setLimit(slot: number, limit: number): void {
    // When it ends, whoever has seen it a moment ago still finds it.
    if (limit > 0) Atomics.store(this.limits, slot, limit);
    this.change(slot, LIMITED, limit > 0 ? LIMITED : 0);
  }

  /** Exchanges on this backend, over all workers. Tunnels are not among them. */
  inFlight(slot: number): number {
    return this.sum(this.exchanges, slot);
  }

  /** Those of this worker alone. */
  ownInFlight(slot: number): number {
    return Atomics.load(this.exchanges, slot * this.workers + this.me);
  }

  /**
   * An exchange goes to this backend, if that is still of this generation and in one of these
   * states and below its limit. It is counted first and looked at then: the control thread, which
   * changes the state first and looks at the counts then, either is seen here or sees the count
   * there. The same among workers: two that want the last place may both see too many and both be
   * turned away, but never both get it. Of all that come while it is on trial one enters.
   */
  enter(slot: number, generation: number, states: number): boolean {
    const entry = slot * this.workers + this.me;
    Atomics.add(this.exchanges, entry, 1);
    const word = Atomics.load(this.standings, slot);
    const state = word & STATE_MASK;
    if ((states & (1 << state)) !== 0 && word >>> GENERATION_BIT === generation) {
      const hasRoom =
        (word & LIMITED) === 0 || this.inFlight(slot) + this.tunnels(slot) <= this.limits[slot];
      if (hasRoom && (state !== State.trial || this.takeTrial(slot, word))) return true;
    }
    Atomics.sub(this.exchanges, entry, 1);
    return false;
  }

  /** The same for one of those that a backend keeps while it drains. */
  enterKept(slot: number, generation: number): boolean {
    if (!this.enter(slot, generation, DRAINING)) return false;
    // Counted by now: from here on it is as with the state.
    if (this.keeps(slot)) return true;
    this.leave(slot);
    return false;
  }

  /** While it drains, clients that were on it before may still enter. */
  keeps(slot: number): boolean {
    return Atomics.load(this.keepings, slot) === 1;
  }

  /** Control thread only. It comes before the state, and ends before the counts are looked at. */
  setKeeps(slot: number, keeps: boolean): void {
    Atomics.store(this.keepings, slot, keeps ? 1 : 0);
  }

  private takeTrial(slot: number, word: number): boolean {
    // Before it is taken: afterwards it may be the next one.
    const trial = this.streaks.trial(slot);
    const next = (word & ~STATE_MASK) | State.ejected;
    if (Atomics.compareExchange(this.standings, slot, word, next) !== word) return false;
    this.taken = trial;
    return true;
  }

  /** The trial that the attempt is on which begins now, right after it entered; 0: none. */
  beginTrial(): number {
    const { taken } = this;
    this.taken = 0;
    return taken;
  }

  /** If it was on a trial (0: none) that nothing has decided, that is given back. */
  leave(slot: number, trial = 0): void {
    this.streaks.endTrial(slot, trial);
    const before = Atomics.sub(this.exchanges, slot * this.workers + this.me, 1);
    assert(before > 0, 'an exchange leaves a backend once');
  }

  tunnels(slot: number): number {
    return this.sum(this.tunnelCounts, slot);
  }

  /** Those of this worker alone. */
  ownTunnels(slot: number): number {
    return Atomics.load(this.tunnelCounts, slot * this.workers + this.me);
  }

  /** An exchange became a tunnel. */
  enterTunnel(slot: number): void {
    Atomics.add(this.tunnelCounts, slot * this.workers + this.me, 1);
  }

  leaveTunnel(slot: number): void {
    const before = Atomics.sub(this.tunnelCounts, slot * this.workers + this.me, 1);
    assert(before > 0, 'a tunnel leaves a backend once');
  }

  // ---- connections ------------------------------------------------------------------------------

  /** Connections to it, over all workers, each from before it is dialled until it is closed. */
  connections(slot: number): number {
    return this.sum(this.connectionCounts, slot);
  }

  /** Those of this worker alone. */
  ownConnections(slot: number): number {
    return Atomics.load(this.connectionCounts, slot * this.workers + this.me);
  }

  /** Those of that worker that carry nothing, as far as can be seen from outside. */
  spareConnections(slot: number, worker: number): number {
    const at = slot * this.workers + worker;
    const busy = Atomics.load(this.exchanges, at) + Atomics.load(this.tunnelCounts, at);
    return Atomics.load(this.connectionCounts, at) - busy;
  }

  /**
   * One more, if there are not `most` already (0: any number). Counted first and looked at then, as
   * exchanges are: two that want the last place may both be turned away, but never both get it.
   */
  openConnection(slot: number, most: number): boolean {
    const entry = slot * this.workers + this.me;
    Atomics.add(this.connectionCounts, entry, 1);
    if (most === 0 || this.connections(slot) <= most) return true;
    Atomics.sub(this.connectionCounts, entry, 1);
    return false;
  }

  closeConnection(slot: number): void {
    const before = Atomics.sub(this.connectionCounts, slot * this.workers + this.me, 1);
    assert(before > 0, 'a connection is closed once');
  }

  /** So many exchanges of this worker wait for a connection. */
  wantConnections(slot: number, count: number): void {
    Atomics.store(this.wantedCounts, slot * this.workers + this.me, count);
  }

  /** Does one of another worker? */
  othersWant(slot: number): boolean {
    const { me, workers } = this;
    const from = slot * workers;
    for (let worker = 0; worker < workers; worker++) {
      if (worker !== me && Atomics.load(this.wantedCounts, from + worker) > 0) return true;
    }
    return false;
  }

  /**
   * A worker is dead: nothing of it is in flight any more. The outcomes it has seen stay: whoever
   * takes its place goes on counting there. Control thread only; idempotent.
   */
  clearLedger(worker: number): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      Atomics.store(this.exchanges, slot * this.workers + worker, 0);
      Atomics.store(this.tunnelCounts, slot * this.workers + worker, 0);
      Atomics.store(this.connectionCounts, slot * this.workers + worker, 0);
      Atomics.store(this.wantedCounts, slot * this.workers + worker, 0);
    }
  }

  /** What a policy has made of how fast it answers; 0: nothing yet. */
  cost(slot: number): number {
    return this.costs[slot];
  }

  /** When that was told; milliseconds, cut to 32 bits. */
  costAtMs(slot: number): number {
    return this.costTimes[slot];
  }

  /** Two workers at once: one of them is forgotten, which an average does not mind. */
  setCost(slot: number, cost: number, atMs: number): void {
    Atomics.store(this.costs, slot, cost);
    Atomics.store(this.costTimes, slot, atMs | 0);
  }

  // ---- outcomes of attempts ---------------------------------------------------------------------

  /**
   * An attempt that is on this trial (0: none) was answered, after so long. True: this has decided
   * the trial.
   */
  noteAnswer(slot: number, headMs: number, trial = 0): boolean {
    const entry = slot * this.workers + this.me;
    // A ledger has one writer, and its reader wants no more than what is nearly true.
    this.answerCounts[entry]++;
    this.headTimes[entry] += Math.round(headMs);
    return this.streaks.answered(slot, trial);
  }

  /** The same for one that has failed; returns what `Streaks.failed` does. */
  noteFailure(slot: number, trial = 0): number {
    this.failureCounts[slot * this.workers + this.me]++;
    return this.streaks.failed(slot, trial);
  }

  /** One exchange may enter, and its outcome is waited for. Control thread only. */
  offerTrial(slot: number): void {
    this.streaks.offerTrial(slot);
    // A policy that remembers it as slow would never try it.
    Atomics.store(this.costs, slot, 0);
    this.setState(slot, State.trial);
  }

  outcomes(slot: number): Outcomes {
    return {
      answers: this.sum(this.answerCounts, slot),
      failures: this.sum(this.failureCounts, slot),
      headMs: this.sum(this.headTimes, slot),
    };
  }

  /** How often this backend has sent bytes that belong to no response. */
  offences(slot: number): number {
    return Atomics.load(this.offenceCounts, slot);
  }

  /** It did so again: every worker sees it. Returns the new count. */
  addOffence(slot: number): number {
    return Atomics.add(this.offenceCounts, slot, 1) + 1;
  }

  private sum(ledger: Int32Array, slot: number): number {
    const from = slot * this.workers;
    let total = 0;
    for (let worker = 0; worker < this.workers; worker++) {
      total += Atomics.load(ledger, from + worker);
    }
    return total;
  }
}
