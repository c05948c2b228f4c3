/**
 * One backend's health: evidence in, verdicts out. Active and passive evidence meet here and
 * nowhere else. A pure state machine: it sends no probe and writes no table; who owns it does.
 *
 *   checking -> up       1 pass
 *   checking -> down     `unhealthyThreshold` failures in a row, or a refused probe
 *   up       -> suspect  an exchange was refused on every address
 *   up       -> down     `unhealthyThreshold` failures in a row, or a refused probe
 *   suspect  -> up       1 pass
 *   suspect  -> down     like up; without a health check never
 *   down     -> up       `healthyThreshold` passes in a row
 *
 * Without a health check a backend starts up, and `suspect` is the worst it becomes. A backend
 * whose name has no address is down, whatever the health check says.
 *
 * Beside that, a backend whose exchanges fail is ejected (`ejection.ts`). One that would be up or
 * checking is then `ejected`, later on `trial`; suspect and down show through, and a probe that
 * passes ends no ejection: probes often pass where traffic fails.
 */
import type { Rng } from '../base/rng.ts';
import type { HealthCheckConfig, PassiveHealthConfig } from '../config.ts';
import { State } from '../table/table.ts';
import { Ejection, type Fault } from './ejection.ts';

/** What one probe has shown. */
export type Evidence =
  /** `what` was seen: `GET /health answered 200`. */
  | { readonly kind: 'passed'; readonly what: string }
  /** `refused`: by every address there is. `why` can follow the word "because". */
  | {
      readonly kind: 'failed';
      readonly how: 'refused' | 'timeout' | 'other';
      readonly why: string;
    };

/** A change of state. */
export interface Verdict {
  readonly from: State;
  readonly to: State;
  /** A clause for people, without a full stop. */
  readonly why: string;
  /** When; milliseconds since 1970. */
  readonly sinceWallMs: number;
}

/** While a verdict is near, the next probe does not wait for a long interval. */
const UNDECIDED_MS = 1000;

/** Without a health check, suspects are tried after 1 s, then less and less often. */
const SUSPECT_FIRST_MS = 1000;
const SUSPECT_LONGEST_MS = 30_000;

export class Tracker {
  private check: HealthCheckConfig | null;
  private current: State;
  private reason: string;
  private changedWallMs: number;
  private passes = 0;
  private failures = 0;
  private lastPassed = false;
  private noAddress = false;
  private suspectDelayMs = SUSPECT_FIRST_MS;
  readonly ejection = new Ejection();
  private sparedFor: string | null = null;

  /**
   * `resolved`: an address is known; else `resolved()` or `unresolved()` will tell.
   * `atWallMs`, here and below: now, in milliseconds since 1970.
   */
  constructor(check: HealthCheckConfig | null, resolved: boolean, atWallMs: number) {
    this.check = check;
    this.current = check === null && resolved ? State.up : State.checking;
    this.reason = check === null ? 'nothing is known against it' : 'no probe has ended yet';
    this.changedWallMs = atWallMs;
  }

  get state(): State {
    const { stage } = this.ejection;
    const mayBeEjected = this.current === State.up || this.current === State.checking;
    return mayBeEjected && stage !== null ? stage : this.current;
  }

  /** Why it is in this state, as a clause for people. */
  get why(): string {
    if (this.state !== this.current) return this.ejection.why;
    return this.sparedFor === null ? this.reason : `${this.reason}; ${this.sparedFor}`;
  }

  /** When it came into this state; milliseconds since 1970. */
  get sinceWallMs(): number {
    return this.changedWallMs;
  }

  /** Up, and the last probe passed. */
  get passing(): boolean {
    return this.current === State.up && this.lastPassed;
  }

  /** A probe has ended. */
  probed(evidence: Evidence, atWallMs: number): Verdict | null {
    if (this.noAddress) return null;
    this.lastPassed = evidence.kind === 'passed';
    return evidence.kind === 'passed'
      ? this.passed(evidence.what, atWallMs)
      : this.failed(evidence.how === 'refused', evidence.why, atWallMs);
  }

  /** An exchange was refused by every address. */
  suspected(why: string, atWallMs: number): Verdict | null {
    if (this.current !== State.up && this.current !== State.checking) return null;
    this.lastPassed = false;
    this.suspectDelayMs = SUSPECT_FIRST_MS;
    return this.become(State.suspect, why, atWallMs);
  }

  /** Its name has no address. */
  unresolved(why: string, atWallMs: number): Verdict | null {
    this.noAddress = true;
    this.lastPassed = false;
    if (this.current !== State.down) return this.become(State.down, why, atWallMs);
    this.reason = why;
    return null;
  }

  /** Its name has addresses (again). */
  resolved(atWallMs: number): Verdict | null {
    const waited = this.noAddress || (this.check === null && this.current === State.checking);
    this.noAddress = false;
    if (!waited) return null;
    const to = this.check === null ? State.up : State.checking;
    return this.current === to ? null : this.become(to, 'its name was resolved', atWallMs);
  }

  /** A reload changed the health check: what was learned stays, what was counted does not. */
  configure(check: HealthCheckConfig | null, atWallMs: number): Verdict | null {
    this.check = check;
    this.passes = 0;
    this.failures = 0;
    this.lastPassed = false;
    if (check !== null || this.noAddress) return null;
    const why = 'it has no health check any more';
    if (this.current === State.down) return this.become(State.suspect, why, atWallMs);
    return this.current === State.checking ? this.become(State.up, why, atWallMs) : null;
  }

  /** Its exchanges fail. Null: it takes none anyway. */
  eject(
    fault: Fault,
    why: string,
    config: PassiveHealthConfig,
    rng: Rng,
    atWallMs: number,
  ): Verdict | null {
    const from = this.state;
    if (from !== State.up && from !== State.checking) return null;
    this.sparedFor = null;
    this.ejection.begin(fault, why, config, rng);
    return this.turned(from, atWallMs);
  }

  /** Its exchanges fail, and it is not ejected nevertheless; null: that is over. */
  spare(why: string | null): void {
    this.sparedFor = why;
  }

  /** The time of its ejection is over. A probe that has failed puts off its trial. */
  offerTrial(atWallMs: number): Verdict | null {
    const from = this.state;
    if (from !== State.ejected || (this.check !== null && !this.lastPassed)) return null;
    this.ejection.offerTrial();
    return this.turned(from, atWallMs);
  }

  /** The exchange that it got on trial was answered; `failed`: it was not, and why. */
  tried(
    failed: string | null,
    config: PassiveHealthConfig,
    rng: Rng,
    atWallMs: number,
  ): Verdict | null {
    const { ejection } = this;
    if (ejection.stage !== State.trial) return null;
    if (failed === null)
      return this.bringBack('the exchange it got on trial was answered', atWallMs);
    const from = this.state;
    ejection.begin(ejection.fault, `its trial failed ${failed}`, config, rng);
    return this.turned(from, atWallMs);
  }

  /** Ends its ejection. */
  bringBack(why: string, atWallMs: number): Verdict | null {
    const from = this.state;
    this.ejection.end();
    if (this.state === State.up) this.reason = why;
    return this.turned(from, atWallMs);
  }

  /** The failures were probably our own fault: they are forgotten, and so is what they led to. */
  pardon(why: string, atWallMs: number): Verdict | null {
    this.failures = 0;
    return this.current === State.down ? this.become(State.up, why, atWallMs) : null;
  }

  /** From the start of this probe to the next one; null: none until something happens. */
  nextProbeMs(): number | null {
    if (this.noAddress) return null;
    if (this.check === null) return this.current === State.suspect ? this.suspectDelayMs : null;
    const { intervalMs, downIntervalMs } = this.check;
    const undecided =
      this.current === State.checking ||
      this.current === State.suspect ||
      (this.current === State.down && this.passes > 0);
    if (undecided) return Math.min(UNDECIDED_MS, intervalMs);
    return this.current === State.down ? downIntervalMs : intervalMs;
  }

  private passed(what: string, atWallMs: number): Verdict | null {
    this.failures = 0;
    if (this.current === State.up) return null;
    this.passes++;
    const needed = this.current === State.down ? (this.check?.healthyThreshold ?? 1) : 1;
    if (this.passes < needed) return null;
    return this.become(
      State.up,
      needed === 1 ? what : `${needed} probes passed: ${what}`,
      atWallMs,
    );
  }

  private failed(refused: boolean, why: string, atWallMs: number): Verdict | null {
    this.passes = 0;
    if (this.check === null) {
      this.suspectDelayMs = Math.min(SUSPECT_LONGEST_MS, this.suspectDelayMs * 2);
      return null;
    }
    if (this.current === State.down) {
      this.reason = why;
      return null;
    }
    this.failures++;
    if (refused) return this.become(State.down, why, atWallMs);
    if (this.failures < this.check.unhealthyThreshold) return null;
    const reason =
      this.failures === 1
        ? `a probe failed because ${why}`
        : `${this.failures} probes failed, the last because ${why}`;
    return this.become(State.down, reason, atWallMs);
  }

  private become(to: State, why: string, atWallMs: number): Verdict | null {
    const from = this.state;
    this.current = to;
    this.reason = why;
    this.passes = 0;
    if (to !== State.suspect) this.failures = 0;
    return this.turned(from, atWallMs);
  }

  /** Null: as seen from outside nothing has changed. */
  private turned(from: State, atWallMs: number): Verdict | null {
    const to = this.state;
    if (to === from) return null;
    this.changedWallMs = atWallMs;
    return { from, to, why: this.why, sinceWallMs: atWallMs };
  }
}
