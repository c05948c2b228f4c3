/**
 * One backend as a worker reaches it: its open connections, which of them are idle and clean, and
 * what experience says about reusing them.
 */
import { type Failure, failure } from '../base/failure.ts';
import type { Target, TlsTarget } from '../base/transport.ts';
import type { Forward } from '../http1/write-head.ts';
import { type Backend, tlsTargetOf } from '../table/backend.ts';
import type { Attempt } from './attempt.ts';
import { BackendConnection } from './backend-connection.ts';
import { ConnectionPlaces } from './connection-places.ts';
import type { Engine } from './engine.ts';
import { IdleClose } from './idle-close.ts';

/** After bytes that belonged to no response: no reuse for so long. */
const DISTRUST_MS = 600_000;
/** Requests that must not be repeated take only connections idle for less than this. */
const FRESH_MS = 1000;
/** Never reuse after longer than this, whatever a backend promises. */
const MAX_IDLE_MS = 60_000;

function forwardTo({ pool, config }: Backend): Forward {
  const { authority, basePath } = config;
  const own = pool.host.kind === 'name' ? pool.host.name : authority;
  return {
    basePath,
    host: pool.host.kind === 'preserve' ? null : own,
    fallbackHost: authority,
  };
}

function isSameTls(a: TlsTarget | null, b: TlsTarget | null): boolean {
  if (a === null || b === null) return a === b;
  return a.serverName === b.serverName && a.verify === b.verify && a.caPem === b.caPem;
}

export class BackendLink {
  readonly backend: Backend;
  readonly engine: Engine;
  /** Every connection, in any state. */
  readonly connections = new Set<BackendConnection>();
  private readonly idle: BackendConnection[] = [];
  private readonly places = new ConnectionPlaces(this);
  /** How requests are written for this backend; null: to be made, as the configuration is new. */
  private forward: Forward | null = null;
  /** How connections are opened. Another object only when a reload has changed what it says. */
  private tls: TlsTarget | null;
  private distrustedUntilMs = 0;
  /** How many are known here. */
  private offences = 0;
  private readonly idleClose = new IdleClose();

  constructor(backend: Backend, engine: Engine) {
    this.backend = backend;
    this.engine = engine;
    this.tls = tlsTargetOf(backend);
  }

  /** A reload: what was opened over TLS by other settings carries nothing from here on. */
  configured(): void {
    this.forward = null;
    const tls = tlsTargetOf(this.backend);
    if (isSameTls(tls, this.tls)) return;
    this.tls = tls;
    this.closeIdle();
  }

  /** How requests are written for this backend. */
  get forwarding(): Forward {
    this.forward ??= forwardTo(this.backend);
    return this.forward;
  }

  /** A connection for the attempt: `onBackendOpen` or `onBackendFailure` follows, even at once. */
  acquire(attempt: Attempt): void {
    const connection = this.takeIdleFor(attempt);
    if (connection !== null) connection.take(attempt);
    else this.dialWhenAllowed(attempt, this.backend.addresses, null);
  }

  /** One that this attempt may go over; null: there is none. */
  takeIdleFor({ exchange }: Attempt): BackendConnection | null {
    if (exchange.wantsFresh || this.idle.length === 0 || !this.trusted) return null;
    return this.takeIdle(exchange.facts.idempotent);
  }

  /** Every attempt that is on its way to the backend, or there. */
  attempts(): readonly Attempt[] {
    const there = [...this.connections].flatMap(({ busyWith }) => busyWith ?? []);
    return [...there, ...this.places.attempts];
  }

  private takeIdle(idempotent: boolean): BackendConnection | null {
    const connection = this.idle[this.idle.length - 1]!;
    // The top one is the freshest: what is too old there is too old everywhere.
    if (!idempotent && this.engine.wheel.nowMs() - connection.idleSinceMs >= FRESH_MS) return null;
    this.idle.pop();
    return connection;
  }

  /** Tries the first of the addresses that are left; `last`: how those before it failed. */
  private dialWhenAllowed(attempt: Attempt, left: readonly string[], last: Failure | null): void {
    if (this.stillKnown(left, last).length === 0) this.nothingLeft(attempt, last);
    else if (this.places.take()) this.dial(attempt, left, last);
    else this.places.wait(attempt, left, last);
  }

  /** The addresses may have changed meanwhile: none is tried twice, none that is gone. */
  private stillKnown(left: readonly string[], last: Failure | null): readonly string[] {
    const { addresses } = this.backend;
    return last === null ? addresses : left.filter((address) => addresses.includes(address));
  }

  private nothingLeft(attempt: Attempt, last: Failure | null): void {
    if (last === null) {
      const cause = `no address is known for ${this.backend.config.host}`;
      this.failLater(attempt, failure('unresolved', 'us', 'connect', 'safe', cause));
      return;
    }
    if (last.side === 'backend') this.unreached(last);
    attempt.onBackendFailure(last);
  }

  /** The same, with a place for the connection. */
  dial(attempt: Attempt, left: readonly string[], last: Failure | null): void {
    const { config } = this.backend;
    const [address, ...others] = this.stillKnown(left, last);
    if (address === undefined) {
      this.places.give();
      this.nothingLeft(attempt, last);
      return;
    }
    const target: Target = { address, port: config.port, tls: this.tls };
    const connection = new BackendConnection(this, attempt, target, others, last);
    this.connections.add(connection);
    this.engine.backendConnectionOpens(connection);
    attempt.dialing = connection;
    connection.open();
  }

  /** Not from inside `acquire`: a long row of such backends must not become a deep stack. */
  private failLater(attempt: Attempt, why: Failure): void {
    const { serial } = attempt;
    this.engine.clock.nextTurn(() => {
      if (attempt.serial === serial && attempt.isUnderWay) attempt.onBackendFailure(why);
    });
  }

  /** A connection did not open. Another address, or the attempt has failed. */
  dialFailed(connection: BackendConnection, attempt: Attempt, why: Failure): void {
    if (why.side === 'backend') {
      this.engine.control.connectFailed(this.backend, connection.target.address, why);
    }
    if (why.kind === 'tls') {
      attempt.onBackendFailure(why);
      return;
    }
    // Descriptors of ours that nobody needs now are given back.
    if (why.kind === 'no_resources') this.engine.closeIdle();
    // What we lack ourselves (IPv6, say) does not hide that another address refused.
    const { earlier } = connection;
    const worst = why.side === 'us' && earlier !== null ? earlier : why;
    this.dialWhenAllowed(attempt, connection.otherAddresses, worst);
  }

  /** A connection is gone. */
  closed(connection: BackendConnection): void {
    this.connections.delete(connection);
    this.engine.backendConnectionClosed(connection);
    this.places.give();
  }

  private unreached(why: Failure): void {
    if (this.engine.table.suspect(this.backend.slot)) {
      this.engine.control.suspected(this.backend, why);
    }
  }

  opened(connection: BackendConnection): void {
    if (connection.earlier !== null) {
      this.engine.control.connected(this.backend, connection.target.address);
    }
  }

  /** May a connection that is clean in itself be kept? Not after an offence, whoever saw it. */
  get trusted(): boolean {
    this.hearOfOffences();
    return this.distrustedUntilMs === 0 || this.engine.wheel.nowMs() >= this.distrustedUntilMs;
  }

  private hearOfOffences(): void {
    const offences = this.engine.table.offences(this.backend.slot);
    if (offences === this.offences) return;
    this.offences = offences;
    this.distrustedUntilMs = this.engine.wheel.nowMs() + DISTRUST_MS;
    this.closeIdle();
  }

  /** The backend sent what HTTP/1.1 gives no place: its connections are not reused for a while. */
  distrust(what: string): void {
    const first = this.trusted;
    this.engine.table.addOffence(this.backend.slot);
    if (first) this.tellOfOffence(what);
    // After the line: it says when the backend was found out, and what closes, closes for that.
    this.hearOfOffences();
  }

  private tellOfOffence(what: string): void {
    const { name } = this.backend.config;
    this.engine.log.event(
      'error',
      'backend_distrusted',
      `${name} sent ${what}: its connections are not reused for 10 minutes`,
      { pool: this.backend.pool.name, backend: name, what },
    );
  }

  /** A quiet turn has passed: the connection is clean. Returns how long it may stay idle, or -1. */
  keep(connection: BackendConnection, promisedMs: number): number {
    if (!this.trusted || this.retired || this.engine.stopping || !this.places.mayKeep) return -1;
    if (connection.target.tls !== this.tls) return -1;
    const { limits, timeouts } = this.engine;
    if (limits.idlePerBackend === 0) return -1;
    if (this.idle.length >= limits.idlePerBackend) this.idle.shift()!.retire();
    this.idle.push(connection);
    const own = promisedMs < 0 ? timeouts.backendKeepAliveMs : promisedMs / 2;
    return Math.min(own, this.idleClose.usableMs(this.engine.wheel.nowMs()), MAX_IDLE_MS);
  }

  /** Reload took the backend out: nothing is kept. */
  retired = false;

  /** The backend closed a connection that had been idle for `idleMs`. */
  closedIdle(idleMs: number): void {
    this.idleClose.seen(idleMs, this.engine.wheel.nowMs());
  }

  /** The connection is gone or busy: not idle any more. */
  forgetIdle(connection: BackendConnection): void {
    const at = this.idle.indexOf(connection);
    if (at !== -1) this.idle.splice(at, 1);
  }

  /** Closes the connection that has been idle longest. False: none is. */
  closeOneIdle(): boolean {
    const [oldest] = this.idle;
    oldest?.retire();
    return oldest !== undefined;
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.retire();
  }
}
