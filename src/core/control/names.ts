/**
 * Keeps the addresses of backends that are named, in the background: at the start, every 10 s, and
 * at once after a connect failure. A look-up that fails keeps the last good addresses. Addresses
 * given as such, and `localhost`, are set at once and never looked up.
 */
import type { Alarm, Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Resolver } from '../base/transport.ts';
import type { Backend } from '../table/backend.ts';
import type { Log } from '../telemetry/log.ts';
import { Agenda, type CrossOut } from './agenda.ts';
import { list } from './wording.ts';

/** Called from the loop, never from within a method of `Names`, but for what it says. */
export interface NamesEvents {
  /** `backend.addresses` was replaced, maybe from within `noteGood`. */
  addressed(backend: Backend): void;
  /** The backend has addresses for the first time, or others than before. */
  resolved(backend: Backend): void;
  /** No address was ever known, and the look-up failed: `cannot resolve web: no such name`. */
  unresolved(backend: Backend, why: string): void;
}

const REFRESH_MS = 10_000;

/** The shortest time between two look-ups of one name, and the first wait for an unknown one. */
const SHORTEST_MS = 1000;

/** More at once would only stand in the queue of the system's resolver. */
const LOOK_UPS_AT_ONCE = 16;

/** One name, however many backends share it. */
interface Name {
  readonly name: string;
  readonly backends: Set<Backend>;
  addresses: readonly string[];
  askedMs: number;
  /** What failed in a row. */
  failures: number;
  asking: boolean;
  /** Asked for while a look-up was under way: its answer may be too old. */
  again: boolean;
  crossOut: CrossOut;
}

export class Names {
  private readonly resolver: Resolver;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly events: NamesEvents;
  private readonly names = new Map<string, Name>();
  private readonly agenda = new Agenda<Name>();
  private asking = 0;
  private alarm: Alarm | null = null;
  private onAsked: (() => void) | null = null;
  private askedAlarm: Alarm | null = null;

  constructor(resolver: Resolver, clock: Clock, log: Log, events: NamesEvents) {
    this.resolver = resolver;
    this.clock = clock;
    this.log = log;
    this.events = events;
  }

  /** Sets `backend.addresses` now if that is possible, else begins to look them up. */
  add(backend: Backend): void {
    const { host } = backend.config;
    const fixed = fixedAddresses(host);
    if (fixed !== null) {
      backend.addresses = fixed;
      return;
    }
    const known = this.names.get(host);
    if (known !== undefined) {
      known.backends.add(backend);
      backend.addresses = known.addresses;
      // One that waits for its first look-up is told with the others; one that failed asks again.
      if (known.addresses.length === 0 && !known.asking) this.askBy(known, this.clock.nowMs());
      return;
    }
    const name: Name = {
      name: host,
      backends: new Set([backend]),
      addresses: [],
      askedMs: Number.NEGATIVE_INFINITY,
      failures: 0,
      asking: false,
      again: false,
      crossOut: () => {},
    };
    this.names.set(host, name);
    this.askBy(name, this.clock.nowMs());
  }

  remove(backend: Backend): void {
    const name = this.names.get(backend.config.host);
    if (name === undefined) return;
    name.backends.delete(backend);
    if (name.backends.size > 0) return;
    name.crossOut();
    this.names.delete(name.name);
  }

  /** A connection to this address was made: it is tried first from now on. */
  noteGood(backend: Backend, address: string): void {
    const { addresses } = backend;
    if (addresses[0] === address || !addresses.includes(address)) return;
    backend.addresses = inFront(addresses, address);
    this.events.addressed(backend);
  }

  /** A connect failed: the addresses may be old. At most one look-up a second and name. */
  lookAgain(backend: Backend): void {
    const name = this.names.get(backend.config.host);
    if (name === undefined) return;
    if (name.asking) name.again = true;
    else this.askBy(name, Math.max(this.clock.nowMs(), name.askedMs + SHORTEST_MS));
  }

  /** Calls `done` when every name has had its first answer, or after `mostMs`; maybe at once. */
  whenAsked(mostMs: number, done: () => void): void {
    this.onAsked = done;
    if (this.allAsked()) this.tellAsked();
    else {
      const dueMs = this.clock.nowMs() + mostMs;
      this.askedAlarm = this.clock.wakeAt(dueMs, () => this.tellAsked());
    }
  }

  private allAsked(): boolean {
    return [...this.names.values()].every((name) => name.addresses.length + name.failures > 0);
  }

  private tellAsked(): void {
    const { onAsked } = this;
    this.onAsked = null;
    this.askedAlarm?.cancel();
    this.askedAlarm = null;
    onAsked?.();
  }

  /** Looks nothing up any more; answers that are still to come change nothing. */
  stop(): void {
    this.tellAsked();
    for (const name of this.names.values()) name.crossOut();
    this.names.clear();
    this.alarm?.cancel();
    this.alarm = null;
  }

  private askBy(name: Name, dueMs: number): void {
    name.crossOut();
    name.crossOut = this.agenda.put(name, dueMs);
    this.wake();
  }

  private wake(): void {
    this.alarm?.cancel();
    this.alarm = null;
    const dueMs = this.agenda.firstDueMs();
    if (dueMs === null || this.asking >= LOOK_UPS_AT_ONCE) return;
    this.alarm = this.clock.wakeAt(dueMs, () => {
      const nowMs = this.clock.nowMs();
      while (this.asking < LOOK_UPS_AT_ONCE) {
        const name = this.agenda.take(nowMs);
        if (name === null) break;
        this.ask(name, nowMs);
      }
      this.wake();
    });
  }

  private ask(name: Name, nowMs: number): void {
    name.asking = true;
    name.again = false;
    name.askedMs = nowMs;
    this.asking++;
    this.resolver.resolve(name.name, (addresses, failure) => {
      this.asking--;
      name.asking = false;
      if (this.names.get(name.name) === name) this.answered(name, addresses, failure);
      else this.wake();
    });
  }

  private answered(name: Name, addresses: readonly string[], failure: Failure | null): void {
    if (failure !== null || addresses.length === 0) {
      this.failed(name, failure?.cause ?? `cannot resolve ${name.name}: it has no address`);
    } else {
      this.found(name, addresses);
    }
    if (this.onAsked !== null && this.allAsked()) this.tellAsked();
    const waitMs = name.again
      ? SHORTEST_MS
      : name.addresses.length > 0
        ? REFRESH_MS
        : Math.min(REFRESH_MS, SHORTEST_MS << Math.min(name.failures - 1, 4));
    this.askBy(name, Math.max(this.clock.nowMs(), name.askedMs + waitMs));
  }

  /** `why` names the name, as resolvers' failures do. */
  private failed(name: Name, why: string): void {
    name.failures++;
    const first = name.failures === 1;
    const fields = { name: name.name, why };
    if (name.addresses.length > 0) {
      const message = `${why}; its last good addresses stay in use`;
      if (first) this.log.event('warn', 'name_lookup_failed', message, fields);
      return;
    }
    const message = `${why}; trying again every 10 s or sooner`;
    if (first) this.log.event('warn', 'name_unresolved', message, fields);
    for (const backend of [...name.backends]) this.events.unresolved(backend, why);
  }

  private found(name: Name, addresses: readonly string[]): void {
    const before = name.addresses;
    const recovered = name.failures > 0;
    name.failures = 0;
    name.addresses = addresses;
    const changed = !sameMembers(before, addresses);
    if (changed || recovered) {
      const was = before.length > 0 && changed ? ` (was ${list(before)})` : '';
      const fields = { name: name.name, addresses: addresses.join(' ') };
      const first = before.length === 0 && !recovered;
      const message = `${name.name} is ${list(addresses)}${was}`;
      this.log.event(first ? 'debug' : 'info', 'name_resolved', message, fields);
    }
    for (const backend of [...name.backends]) {
      if (sameMembers(backend.addresses, addresses)) continue;
      const good = backend.addresses[0];
      backend.addresses = inFront(addresses, good);
      this.events.addressed(backend);
      this.events.resolved(backend);
    }
  }
}

/** The addresses that need no look-up, or null. `localhost` is both loopbacks, whoever listens. */
function fixedAddresses(host: string): readonly string[] | null {
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1'];
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host) ? [host] : null;
}

/** `first` in front of the others, if it is among them. */
function inFront(addresses: readonly string[], first: string | undefined): readonly string[] {
  if (first === undefined || !addresses.includes(first)) return addresses;
  return [first, ...addresses.filter((address) => address !== first)];
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address));
}
