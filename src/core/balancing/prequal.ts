/**
 * Prequal (Wydrowski et al., NSDI 2024): by what backends say of themselves, how many requests are
 * in flight there, whoever sent them, and how long they take now. Those that are loaded more than
 * most are hot. Of the cold ones the fastest is taken; if all are hot, the least loaded.
 *
 * Where the paper sends probes with each request, here each response brings a report
 * (`Backend-Load`), and so do the answers to the control thread's probes, which all workers find in
 * the table. Who gets no exchanges and is not probed would never be heard: now and then an exchange
 * goes to somebody who has been silent.
 */
import { Dice } from '../base/dice.ts';
import type { Observation, Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { LoadQuantile } from './load-quantile.ts';
import { AHEAD_MS, isLessBusy, type Loads, mayPick } from './loads.ts';
import { KEPT, MAX_AGE_MS, Reports } from './reports.ts';
import type { Schedule } from './schedule.ts';

/** Of the reports, those that are cold (Q_RIF in the paper). */
const COLD = 0.6;
/** With fewer reports there is no choice. */
const FEWEST = 2;
/** Of so many picks one looks for somebody who has been silent. */
const LOOKS_ROUND = 8;
/** For so many picks one report is removed before its time; every exchange brings one. */
const PICKS_PER_REMOVAL = 3;
/** How many more uses a report has than it must (delta in the paper). */
const SPARE_USES = 1;
/** Where more reports leave than come, their uses are bounded by this alone. */
const MOST_USES = 16;
/** In so long each backend is looked at once: has it told a probe something new? */
const LOOK_MS = 50;
/** For one pick no more than so many. */
const MOST_LOOKS = 32;
/** Whoever has not been heard for so long, and has none of ours to answer, is silent. */
const SILENT_MS = 100;
/** Whoever failed counts as heard for so long, and is left alone. */
const FAILURE_MS = 5000;
/** Of one that was heard before the clock was set back; nobody knows how long ago. */
const SILENT_LONG_MS = 0x7fffffff;
/** Answers without a single report, until somebody is told. */
const SILENT_ANSWERS = 100;
/** More backends than there are in any pool. */
const MOST_PLACES = 1 << 20;
/** What `cost` is to this policy: that a report has come. */
const HEARD = 1;

/** Reports and their uses are each worker's own; when a backend was heard last, all share. */
export function createPrequal(deps: PolicyDeps): Policy {
  return new Prequal(deps);
}

class Prequal implements Policy {
  readonly readsReports = true;
  private readonly loads: Loads;
  private readonly wallMs: () => number;
  private readonly warn: PolicyDeps['warn'];
  private readonly dice: Dice;
  private readonly choices: Choices;
  private readonly reports = new Reports();
  private readonly cold = new LoadQuantile(COLD);
  private schedule: Schedule | null = null;
  private removesWorst = false;
  /** Which report to a probe was taken last, by slot: when it came. */
  private taken = new Int32Array(0);
  /** Whose is looked at next: a place of the schedule. */
  private next: number;
  /** Until when the looks were taken that are due. */
  private lookedMs = 0;
  /** Answers since the beginning, none of which brought a report; -1: one did, or it was told. */
  private silent = 0;
  /** Answers to exchanges bring reports, not only those to probes. */
  private answersTell = false;

  constructor({ loads, rng, wallMs, warn }: PolicyDeps) {
    this.loads = loads;
    this.wallMs = wallMs;
    this.warn = warn;
    this.dice = new Dice(rng);
    this.choices = new Choices(loads, rng);
    // Workers that were started together do not look at the same ones.
    this.next = this.dice.throw(MOST_PLACES);
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { reports, dice } = this;
    if (schedule !== this.schedule) this.follow(schedule);
    const nowMs = this.wallMs();
    reports.expire(nowMs);
    this.lookAtProbes(schedule, nowMs);
    if (reports.count < FEWEST) return this.byOwnLoad(schedule, tried, nowMs);
    if (dice.throw(LOOKS_ROUND) === 0) {
      this.choices.drawTwo(schedule, tried);
      const { first } = this.choices;
      if (first !== -1 && this.isSilent(first, nowMs)) return first;
    }
    const at = this.best(schedule, tried);
    if (at === -1) return this.byOwnLoad(schedule, tried, nowMs);
    const slot = reports.slots[at];
    reports.use(at, 1 / this.loads.weight(slot));
    if (dice.throw(PICKS_PER_REMOVAL) === 0) this.removeOne();
    return slot;
  }

  private follow(schedule: Schedule): void {
    const { slots } = schedule;
    this.schedule = schedule;
    this.reports.keepOnly(slots);
    let length = this.taken.length;
    for (const slot of slots) length = Math.max(length, slot + 1);
    if (length === this.taken.length) return;
    const taken = new Int32Array(length);
    taken.set(this.taken);
    this.taken = taken;
  }

  /** In turn: the more there are, and the longer the last pick is ago, the more at once. */
  private lookAtProbes(schedule: Schedule, nowMs: number): void {
    const { length } = schedule.slots;
    if (length === 0) return;
    const perMs = length / LOOK_MS;
    const due = Math.min((nowMs - this.lookedMs) * perMs, length, MOST_LOOKS);
    const looks = due > 0 ? Math.floor(due) : 0;
    // What is left over is not lost; a clock that was set back begins anew.
    this.lookedMs = looks === due || due < 0 ? nowMs : nowMs - (due - looks) / perMs;
    for (let look = 0; look < looks; look++) {
      if (this.next >= length) this.next %= length;
      this.lookAtProbe(schedule.slots[this.next++], nowMs);
    }
  }

  /**
   * What this backend has told a probe is a report like any other, once: what this worker has
   * sent there since is not in it.
   */
  private lookAtProbe(slot: number, nowMs: number): void {
    const { loads, taken } = this;
    const atMs = loads.probed.atMs(slot);
    const inFlight = loads.probed.inFlight(slot);
    if (atMs === taken[slot] || inFlight === -1) return;
    const ageMs = ((nowMs | 0) - atMs) | 0;
    taken[slot] = atMs;
    if (ageMs < 0 || ageMs > MAX_AGE_MS) return;
    const isKnown = loads.cost(slot) !== 0;
    const silentMs = this.silentForMs(slot, nowMs);
    // It has failed, and is left alone.
    if (isKnown && silentMs < 0) return;
    const reportedMs = nowMs - ageMs;
    if (this.reports.isNewer(slot, reportedMs)) return;
    const relative = inFlight / loads.weight(slot);
    this.silent = -1;
    // Answers tell of those that are chosen, and what is cold among them is colder than among all.
    if (!this.answersTell) this.cold.add(inFlight, loads.weight(slot));
    this.reports.add(slot, relative, loads.probed.latencyUs(slot), reportedMs, 1);
    if (!isKnown || silentMs > ageMs) loads.setCost(slot, HEARD, reportedMs);
  }

  /** The best report: cold before hot, then the faster or the less loaded. -1: none can be had. */
  private best({ states }: Schedule, tried: readonly number[]): number {
    const { loads, latenciesUs, slots, count } = this.reports;
    const limit = this.cold.value;
    let best = -1;
    let isCold = false;
    for (let at = 0; at < count; at++) {
      if (!mayPick(this.loads, slots[at], states, tried)) continue;
      const cold = loads[at] <= limit;
      if (best !== -1) {
        if (isCold && !cold) continue;
        if (isCold === cold) {
          const faster = cold ? latenciesUs[at] - latenciesUs[best] : 0;
          if (faster > 0 || (faster === 0 && loads[at] >= loads[best])) continue;
        }
      }
      best = at;
      isCold = cold;
    }
    return best;
  }

  /** Without reports: of two the one with less of ours in flight, and none that has just failed. */
  private byOwnLoad(schedule: Schedule, tried: readonly number[], nowMs: number): number {
    const { choices, loads } = this;
    choices.drawTwo(schedule, tried);
    const { first, second } = choices;
    if (second === -1) return first;
    const failed = this.silentForMs(first, nowMs) < 0;
    if (failed !== this.silentForMs(second, nowMs) < 0) return failed ? second : first;
    return isLessBusy(loads, second, first, schedule.isEven) ? second : first;
  }

  private isSilent(slot: number, nowMs: number): boolean {
    const { loads } = this;
    if (loads.busy(slot) > 0) return false;
    return loads.cost(slot) === 0 || this.silentForMs(slot, nowMs) > SILENT_MS;
  }

  /** Below 0: it has failed, and is left alone for so long. Of 32 bits, as what it is made of. */
  private silentForMs(slot: number, nowMs: number): number {
    const silentMs = ((nowMs | 0) - this.loads.costAtMs(slot)) | 0;
    return silentMs < -(FAILURE_MS + AHEAD_MS) ? SILENT_LONG_MS : silentMs;
  }

  private removeOne(): void {
    if (this.removesWorst) this.reports.removeWorst(this.cold.value);
    else this.reports.removeOldest();
    this.removesWorst = !this.removesWorst;
  }

  observe({ slot, outcome, load }: Observation): void {
    if (outcome === 'abandoned') return;
    const nowMs = this.wallMs();
    if (outcome === 'failed') {
      // What it says of itself is beside the point: errors are made fast.
      this.reports.forget(slot);
      this.loads.setCost(slot, HEARD, nowMs + FAILURE_MS);
      return;
    }
    if (load.inFlight === -1) {
      this.missReport();
      return;
    }
    const relative = load.inFlight / this.loads.weight(slot);
    this.silent = -1;
    this.answersTell = true;
    this.cold.add(load.inFlight, this.loads.weight(slot));
    this.reports.add(slot, relative, load.latencyUs, nowMs, this.usesOf());
    this.loads.setCost(slot, HEARD, nowMs);
  }

  /** How often a report may be used so that there are always some; rounded by chance. */
  private usesOf(): number {
    const backends = this.schedule?.slots.length ?? 0;
    const spare = 1 - KEPT / backends - 1 / PICKS_PER_REMOVAL;
    if (!(spare > 0)) return MOST_USES;
    const uses = Math.min(MOST_USES, Math.max(1, (1 + SPARE_USES) / spare));
    const whole = Math.floor(uses);
    return this.dice.throw(1024) < (uses - whole) * 1024 ? whole + 1 : whole;
  }

  private missReport(): void {
    if (this.silent === -1 || ++this.silent < SILENT_ANSWERS) return;
    this.silent = -1;
    this.warn(
      'no_load_reports',
      `no backend sends Backend-Load, which "policy: prequal" goes by; until one does, of two at ` +
        'random the one with fewer exchanges is taken',
    );
  }
}
