/**
 * Prequal (Wydrowski et al., NSDI 2024): by what backends say of themselves, how many requests are
 * in flight there, whoever sent them, and how long they take now. Those that are loaded more than
 * most are hot. Of the cold ones the fastest is taken; if all are hot, the least loaded.
 *
 * Where the paper sends probes, here each response brings a report (`Backend-Load`). So those who
 * get no exchanges would never be heard: now and then one goes to somebody who has been silent.
 */
import { Dice } from '../base/dice.ts';
import type { Observation, Policy, PolicyDeps } from './balancing.ts';
import { Choices } from './choices.ts';
import { LoadQuantile } from './load-quantile.ts';
import { isLessBusy, type Loads, mayPick } from './loads.ts';
import { KEPT, Reports } from './reports.ts';
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
/** Whoever has not been heard for so long, and has none of ours to answer, is silent. */
const SILENT_MS = 100;
/** Whoever failed counts as heard for so long, and is left alone. */
const FAILURE_MS = 5000;
/** Answers without a single report, until somebody is told. */
const SILENT_ANSWERS = 100;
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
  /** Answers since the beginning, none of which brought a report; -1: one did, or it was told. */
  private silent = 0;

  constructor({ loads, rng, wallMs, warn }: PolicyDeps) {
    this.loads = loads;
    this.wallMs = wallMs;
    this.warn = warn;
    this.dice = new Dice(rng);
    this.choices = new Choices(loads, rng);
  }

  pick(schedule: Schedule, tried: readonly number[]): number {
    const { reports, dice } = this;
    if (schedule !== this.schedule) {
      this.schedule = schedule;
      reports.keepOnly(schedule.slots);
    }
    const nowMs = this.wallMs();
    reports.expire(nowMs);
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
    return isLessBusy(loads, second, first) ? second : first;
  }

  private isSilent(slot: number, nowMs: number): boolean {
    const { loads } = this;
    if (loads.busy(slot) > 0) return false;
    return loads.cost(slot) === 0 || this.silentForMs(slot, nowMs) > SILENT_MS;
  }

  /** Below 0: it has failed, and is left alone for so long. Of 32 bits, as what it is made of. */
  private silentForMs(slot: number, nowMs: number): number {
    return ((nowMs | 0) - this.loads.costAtMs(slot)) | 0;
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
    this.silent = -1;
    const relative = load.inFlight / this.loads.weight(slot);
    this.cold.add(relative);
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
