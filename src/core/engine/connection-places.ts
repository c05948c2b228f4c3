/**
 * The connections that a backend may have at once (`max_connections`), as one worker takes and
 * gives them back. The table counts them over all workers. Who finds no place waits here: all who
 * are let in find one sooner or later, since no more exchanges are let in than there are places,
 * and whoever holds a connection that carries nothing gives it up when somebody else wants one.
 */
import type { Alarm } from '../base/clock.ts';
import { type Failure, failure } from '../base/failure.ts';
import type { Attempt } from './attempt.ts';
import type { BackendLink } from './backend-link.ts';

/** How often those who wait look again; costs nothing while nobody does. */
const LOOK_MS = 5;
/** After so many looks in vain the others are asked again. */
const ASK_AGAIN = 10;

/** An attempt that waits until it may dial. */
class Claim {
  readonly attempt: Attempt;
  /** The addresses that are left to it, and how those before them failed. */
  readonly left: readonly string[];
  readonly last: Failure | null;
  /** Wheel time. */
  readonly untilMs: number;
  private readonly places: ConnectionPlaces;

  constructor(
    places: ConnectionPlaces,
    attempt: Attempt,
    left: readonly string[],
    last: Failure | null,
    untilMs: number,
  ) {
    this.places = places;
    this.attempt = attempt;
    this.left = left;
    this.last = last;
    this.untilMs = untilMs;
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.places.remove(this);
  }
}

/** One per backend and worker. */
export class ConnectionPlaces {
  private readonly link: BackendLink;
  private claims: Claim[] = [];
  private alarm: Alarm | null = null;
  private looks = 0;
  private isSoon = false;

  constructor(link: BackendLink) {
    this.link = link;
  }

  /** Those who wait here. */
  get attempts(): readonly Attempt[] {
    return this.claims.map(({ attempt }) => attempt);
  }

  /** Takes a place for one more connection, if there is one. Each is given back once. */
  take(): boolean {
    const { backend, engine } = this.link;
    const { slot } = backend;
    const { table } = engine;
    const most = backend.config.maxConnections;
    // Who has one for each of its exchanges leaves what is free to those who have not.
    const isGreedy =
      most > 0 &&
      table.othersWant(slot) &&
      table.ownConnections(slot) >= table.ownInFlight(slot) + table.ownTunnels(slot);
    return !isGreedy && table.openConnection(slot, most);
  }

  /** A connection is closed. */
  give(): void {
    this.link.engine.table.closeConnection(this.link.backend.slot);
    if (this.claims.length > 0) this.soon();
  }

  /** May a connection that carries nothing be kept? Not when there are too many, or too few. */
  get mayKeep(): boolean {
    const { backend, engine } = this.link;
    const most = backend.config.maxConnections;
    if (most === 0) return true;
    if (this.claims.length > 0) {
      this.soon();
      return true;
    }
    const { table } = engine;
    return !table.othersWant(backend.slot) && table.connections(backend.slot) <= most;
  }

  /** There is no place: the attempt waits for one, or for a connection that becomes idle. */
  wait(attempt: Attempt, left: readonly string[], last: Failure | null): void {
    const { engine } = this.link;
    const untilMs = engine.wheel.nowMs() + engine.timeouts.connectMs;
    const claim = new Claim(this, attempt, left, last, untilMs);
    attempt.dialing = claim;
    this.claims.push(claim);
    this.ask();
    this.soon();
    this.watch();
  }

  remove(claim: Claim): void {
    const at = this.claims.indexOf(claim);
    if (at === -1) return;
    this.claims.splice(at, 1);
    this.show();
    if (this.claims.length > 0) return;
    this.alarm?.cancel();
    this.alarm = null;
  }

  private show(): void {
    this.link.engine.table.wantConnections(this.link.backend.slot, this.claims.length);
  }

  private ask(): void {
    this.looks = 0;
    this.show();
    this.link.engine.control.connectionWanted(this.link.backend);
  }

  private soon(): void {
    if (this.isSoon) return;
    this.isSoon = true;
    this.link.engine.clock.nextTurn(() => {
      this.isSoon = false;
      this.serve();
    });
  }

  private watch(): void {
    const { clock } = this.link.engine;
    this.alarm ??= clock.wakeAt(clock.nowMs() + LOOK_MS, () => {
      this.alarm = null;
      this.expire();
      this.serve();
      if (this.claims.length === 0) return;
      if (++this.looks >= ASK_AGAIN) this.ask();
      this.watch();
    });
  }

  private serve(): void {
    const { link } = this;
    for (let claim = this.claims[0]; claim !== undefined; claim = this.claims[0]) {
      const { attempt, left, last } = claim;
      const idle = link.takeIdleFor(attempt);
      if (idle === null && !this.take()) {
        // Too old for this request, or it wants a fresh one: a place all the same.
        link.closeOneIdle();
        return;
      }
      this.remove(claim);
      attempt.dialing = null;
      if (idle === null) link.dial(attempt, left, last);
      else {
        idle.take(attempt);
        idle.flush();
      }
    }
  }

  private expire(): void {
    const { engine, backend } = this.link;
    const nowMs = engine.wheel.nowMs();
    while (this.claims.length > 0 && this.claims[0].untilMs <= nowMs) {
      const [claim] = this.claims;
      this.remove(claim);
      claim.attempt.onBackendFailure(
        noPlace(backend.config.maxConnections, engine.timeouts.connectMs),
      );
    }
  }
}

const noPlace = (most: number, ms: number): Failure => {
  const what = `none of the backend's ${most} connections (max_connections)`;
  return failure('overloaded', 'us', 'connect', 'safe', `${what} became free within ${ms} ms`);
};
