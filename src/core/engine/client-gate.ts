/** How many connections one client may have at once, over all workers: above, they are reset. */
import { Timer, type TimerWheel } from '../base/timer-wheel.ts';
import type { LimitsConfig } from '../config.ts';
import { ClientTable, NOT_COUNTED, TOO_MANY } from '../table/client-table.ts';
import type { Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import { SecretHash } from './secret-hash.ts';
import type { ClientPeer } from './sides.ts';

const NOTICE_MS = 1000;

/** A connection as it is counted. */
export interface Counted {
  readonly peer: ClientPeer;
  /** Where it is counted, or NOT_COUNTED. */
  countedAt: number;
}

/** One per engine. */
export class ClientGate extends Timer {
  private readonly wheel: TimerWheel;
  private readonly log: Log;
  private readonly connections: Iterable<Counted>;
  /** Null: clients are not limited. */
  private table: ClientTable | null = null;
  private hash!: SecretHash;
  private limit = 0;
  private turnedAway = 0;
  /** One of those who were turned away. */
  private client = '';

  /** `connections`: all that are open. */
  constructor(wheel: TimerWheel, log: Log, connections: Iterable<Counted>) {
    super();
    this.wheel = wheel;
    this.log = log;
    this.connections = connections;
  }

  /** `memory`: where all workers count; null: clients may have as many as they like. */
  configure(limits: LimitsConfig, memory: ArrayBufferLike | null, { workers, me }: Table): void {
    if (memory === null) {
      for (const connection of this.connections) connection.countedAt = NOT_COUNTED;
      this.table = null;
      return;
    }
    this.limit = limits.maxConnectionsPerClient ?? Number.POSITIVE_INFINITY;
    // Memory that was sent is another object each time: its secret says which it is.
    const table = new ClientTable(memory, workers, me);
    const { secret0, secret1 } = this.table ?? {};
    if (secret0 === table.secret0 && secret1 === table.secret1) return;
    this.table = table;
    this.hash = new SecretHash(table);
    for (const connection of this.connections) {
      connection.countedAt = this.enter(table, connection.peer, Number.POSITIVE_INFINITY);
    }
  }

  /**
   * May this client have one more connection? Where that is counted, or NOT_COUNTED; or TOO_MANY,
   * and the log says so once a second. Trusted proxies are not counted: many come through them.
   */
  admit(peer: ClientPeer): number {
    if (this.table === null) return NOT_COUNTED;
    const place = this.enter(this.table, peer, this.limit);
    if (place === TOO_MANY) this.note(peer.network);
    return place;
  }

  private enter(table: ClientTable, peer: ClientPeer, limit: number): number {
    if (peer.trusted) return NOT_COUNTED;
    const place = this.hash.text(peer.network) >>> 1;
    return table.enter(place, this.hash.tag, limit);
  }

  /** One that `admit` has counted there is closed. */
  leave(place: number): void {
    if (place >= 0) this.table!.leave(place);
  }

  private note(client: string): void {
    this.turnedAway++;
    this.client = client;
    if (this.turnedAway === 1) this.wheel.set(this, this.wheel.nowMs() + NOTICE_MS);
  }

  override onTimer(): void {
    const { turnedAway: connections, limit, client } = this;
    this.log.event(
      'warn',
      'clients_turned_away',
      `${connections} connections turned away, the last of ${client}: it has ${limit} open ` +
        '(limits.max_connections_per_client)',
      { connections, limit, client },
    );
    this.turnedAway = 0;
  }
}
