/**
 * The engine of one worker: carries exchanges between clients and backends. Bytes, time and chance
 * are handed in; it runs the same on real sockets and on pretended ones. It holds what all its
 * connections share; the story of an exchange is in `exchange.ts`.
 */
import type { Schedule } from '../balancing/schedule.ts';
import { copy, latin1, writeLineEnd } from '../base/bytes.ts';
import { httpDate } from '../base/civil.ts';
import type { Clock } from '../base/clock.ts';
import { assert, type Failure } from '../base/failure.ts';
import type { Rng } from '../base/rng.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import type { Peer, Socket, SocketHandler, Transport } from '../base/transport.ts';
import type {
  Config,
  LimitsConfig,
  ListenerConfig,
  PoolConfig,
  TimeoutsConfig,
} from '../config.ts';
import { ForwardedFields, writeStranger } from '../http/forwarded.ts';
import { Head } from '../http/head.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import { RequestIds } from '../http/request-ids.ts';
import { ResponseFacts } from '../http/response-facts.ts';
import { TrustedPeers } from '../http/trusted-peers.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { WRITE_MARGIN } from '../http1/write-head.ts';
import { Waiting } from '../resilience/waiting.ts';
import type { Backend } from '../table/backend.ts';
import { TOO_MANY } from '../table/client-table.ts';
import type { OpenCounts } from '../table/slabs.ts';
import { State, type Table } from '../table/table.ts';
import type { Log } from '../telemetry/log.ts';
import type { BackendConnection } from './backend-connection.ts';
import { BackendLink } from './backend-link.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientGate } from './client-gate.ts';
import { ClientPeers } from './client-peers.ts';
import { type Destination, Destinations } from './destinations.ts';
import type { Evidence } from './evidence.ts';
import { Exchange } from './exchange.ts';
import { connectionBound, Gate, NOBODY } from './gate.ts';
import { Listeners, type OpenListener } from './listeners.ts';
import { type Holder, MemoryGuard } from './memory-guard.ts';
import { PolicyFailures } from './policy-failures.ts';
import { type PolicyNeeds, Pool } from './pool.ts';
import { Queue } from './queue.ts';
import { Settling } from './settling.ts';
import type { SharedMemories } from './shared-memories.ts';
import { COALESCE_BYTES, WriteBuffer } from './write-buffer.ts';

/** What the machine gives this process. */
export interface Resources {
  /** How many files and sockets may be open. */
  readonly descriptors: number;
  /** Of the machine, or of the group of processes this one is confined to. */
  readonly memoryBytes: number;
  /** How many engines share all that: each may use its part. */
  readonly workers: number;
}

export interface EngineDeps {
  readonly resources: Resources;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly table: Table;
  readonly log: Log;
  readonly config: Config;
}

/** Who is in a pool, and the order in which they are picked. */
export interface PoolMembers {
  readonly backends: readonly Backend[];
  readonly schedule: Schedule;
  /** The memory of `Waiting`. */
  readonly waiting: ArrayBufferLike;
}

type Pools = ReadonlyMap<string, PoolMembers>;

/** Of the fine wheel, in milliseconds. */
const FINE_TICK_MS = 5;

/** Exchanges kept for reuse when idle. */
const SPARE_EXCHANGES = 256;

/** One worker's engine. Driven by its transport's and clock's callbacks, and by EngineControls. */
export class Engine {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** For waits of milliseconds: before a retry. */
  readonly fineWheel: TimerWheel;
  /** Responses that are whole; after one quiet turn their connections count as clean. */
  readonly settling: Settling;
  readonly table: Table;
  readonly log: Log;
  readonly requestIds: RequestIds;
  control!: Evidence;
  limits: LimitsConfig;
  timeouts: TimeoutsConfig;
  clientPeers: ClientPeers;
  /** Clients at most, and as many connections to backends. */
  maxConnections = 0;
  logsExchanges = true;
  stopping = false;

  // Shared by all connections of this worker: used within one call, never across turns.
  requestParser: HeadParser;
  responseParser: HeadParser;
  responseHead: Head;
  readonly responseFacts = new ResponseFacts();
  requestOut: WriteBuffer;
  responseOut: WriteBuffer;

  private forwarded: ForwardedFields;
  private destinations: Destinations;
  private readonly pools = new Map<string, Pool>();
  private readonly needs: PolicyNeeds;
  private readonly links = new Map<number, BackendLink>();
  private readonly listeners: Listeners;
  private readonly connections = new Set<ClientConnection>();
  private readonly gate: Gate;
  private readonly clientGate: ClientGate;
  private readonly guard: MemoryGuard;
  private readonly resources: Resources;
  /** To all backends, of which there may be far more than connections. */
  private readonly backendConnections = new Set<BackendConnection>();
  private tunnels = 0;
  private readonly spare: Exchange[] = [];
  private exchanges = 0;
  /** The most that `limits.head` has ever been. */
  private largestHead: number;
  private dateSecond = -1;
  private dateLine: Uint8Array = new Uint8Array(0);

  constructor(deps: EngineDeps) {
    this.transport = deps.transport;
    this.resources = deps.resources;
    this.clock = deps.clock;
    this.settling = new Settling(deps.clock);
    this.table = deps.table;
    this.log = deps.log;
    this.wheel = new TimerWheel(deps.clock, (lagMs) => this.control.loopWasLate(lagMs));
    this.fineWheel = new TimerWheel(deps.clock, () => {}, FINE_TICK_MS);
    this.requestIds = new RequestIds(deps.rng);
    this.needs = { rng: deps.rng, wallMs: () => this.wallMs(), log: deps.log };
    const { config } = deps;
    this.limits = config.limits;
    this.timeouts = config.timeouts;
    this.gate = new Gate(this, this.connections);
    this.clientGate = new ClientGate(this.wheel, deps.log, this.connections);
    this.listeners = new Listeners(deps.transport, deps.clock, (socket, peer) =>
      this.accept(socket, peer),
    );
    this.guard = new MemoryGuard(this);
    this.bound();
    const trusted = new TrustedPeers(config.trustedProxies);
    this.clientPeers = new ClientPeers(trusted);
    this.destinations = new Destinations([], this.pools, [], this);
    this.requestParser = new HeadParser(this.limits);
    this.responseParser = new HeadParser(this.limits);
    this.responseHead = new Head(this.limits.headerFields);
    this.largestHead = this.limits.headBytes;
    this.requestOut = new WriteBuffer(this.outBytes());
    this.responseOut = new WriteBuffer(this.outBytes());
    this.forwarded = new ForwardedFields(trusted, this.outBytes());
  }

  /** Room for a head as it is sent, and some of what follows it. */
  private outBytes(): number {
    return 2 * this.largestHead + WRITE_MARGIN + COALESCE_BYTES;
  }

  // ---- what the control thread asks -----------------------------------------------------------

  configure(config: Config, pools: Pools, memories: SharedMemories): void {
    this.limits = config.limits;
    this.timeouts = config.timeouts;
    this.bound();
    this.logsExchanges = config.log.access;
    const trusted = new TrustedPeers(config.trustedProxies);
    this.clientPeers = new ClientPeers(trusted);
    this.requestParser = new HeadParser(this.limits);
    this.responseParser = new HeadParser(this.limits);
    this.responseHead = new Head(this.limits.headerFields);
    // Never smaller: heads that were read under the old limits are still to be written.
    if (this.limits.headBytes > this.largestHead) {
      this.largestHead = this.limits.headBytes;
      this.requestOut = new WriteBuffer(this.outBytes());
      this.responseOut = new WriteBuffer(this.outBytes());
    }
    this.forwarded = new ForwardedFields(trusted, this.outBytes());
    this.spare.length = 0;
    for (const link of this.links.values()) link.configured();
    this.configurePools(config, pools, memories);
    this.destinations = new Destinations(config.routes, this.pools, memories.routes, this);
    this.clientGate.configure(this.limits, memories.clients, this.table);
  }

  /** Its part of the bounds of the whole process. */
  private bound(): void {
    const { maxConnections, maxBufferBytes } = this.limits;
    const { descriptors, memoryBytes, workers } = this.resources;
    this.maxConnections = connectionBound(maxConnections, descriptors, workers);
    this.guard.maxBytes = (maxBufferBytes ?? memoryBytes / 4) / workers;
  }

  private configurePools(config: Config, pools: Pools, memories: SharedMemories): void {
    const listed = new Set<Backend>();
    for (const [name, pool] of [...this.pools]) {
      if (pools.has(name)) continue;
      this.pools.delete(name);
      pool.retire();
    }
    for (const pool of config.pools) {
      const { backends, schedule, waiting } = pools.get(pool.name)!;
      for (const backend of backends) listed.add(backend);
      const known = this.pools.get(pool.name) ?? this.newPool(pool, waiting);
      known.configure(pool, backends, {
        circuit: memories.circuits.get(pool.name) ?? null,
        sessions: memories.sessions.get(pool.name) ?? null,
      });
      known.follow(schedule);
    }
    for (const backend of listed) {
      const link = this.links.get(backend.slot);
      if (link?.backend === backend) link.retired = false;
      else this.links.set(backend.slot, new BackendLink(backend, this));
    }
    for (const [slot, link] of [...this.links]) {
      if (listed.has(link.backend)) continue;
      link.retired = true;
      link.closeIdle();
      if (link.connections.size === 0 && link.attempts().length === 0) this.links.delete(slot);
    }
  }

  private newPool(config: PoolConfig, memory: ArrayBufferLike): Pool {
    const { clock, wheel, table } = this;
    const waiting = new Waiting(memory, table.me);
    const ring = (worker: number): void => this.control.room(config.name, worker);
    const pool = new Pool(config, table, this, this.needs);
    pool.queue = new Queue(config.queue, { clock, wheel, waiting, ring });
    pool.failures = new PolicyFailures(config.name, this);
    this.pools.set(config.name, pool);
    return pool;
  }

  /** Another worker made room where it is somebody's turn who waits here. */
  room(pool: string): void {
    this.pools.get(pool)?.queue?.rung();
  }

  giveConnection(backend: Backend): void {
    this.links.get(backend.slot)?.closeOneIdle();
  }

  schedule(pool: string, schedule: Schedule): void {
    this.pools.get(pool)?.follow(schedule);
  }

  /** Backends share their addresses with the control thread here. */
  addressed(): void {}

  backendDown(backend: Backend): void {
    const link = this.links.get(backend.slot);
    if (link === undefined) return;
    link.closeIdle();
    const budget = this.pools.get(backend.pool.name)?.budget;
    budget?.credit(this.table.ownInFlight(backend.slot), this.wheel.nowMs());
    for (const attempt of link.attempts()) attempt.backendWentDown();
  }

  cut(backend: Backend, what: 'exchanges' | 'tunnels'): void {
    const link = this.links.get(backend.slot);
    if (link === undefined) return;
    const over = 'the time to drain the backend is over';
    for (const attempt of link.attempts()) {
      if (attempt.exchange.tunnel === (what === 'tunnels')) attempt.cut('stopping', over, 'never');
    }
  }

  listen(at: ListenerConfig, ready: (failure: Failure | null, port: number) => void): void {
    this.listeners.open(at, ready);
  }

  unlisten(at: ListenerConfig): void {
    this.listeners.close(at);
  }

  /** The listeners that are open, each with the port in use. */
  listening(): readonly OpenListener[] {
    return this.listeners.all();
  }

  private accept(socket: Socket, peer: Peer): SocketHandler {
    const client = this.clientPeers.of(peer.address);
    const place = this.clientGate.admit(client);
    if (place !== TOO_MANY && this.gate.admits()) {
      return new ClientConnection(this, socket, client, place);
    }
    this.clientGate.leave(place);
    socket.reset();
    return NOBODY;
  }

  beginStop(): void {
    this.stopping = true;
    this.listeners.closeAll();
    for (const connection of this.connections) connection.beginStop();
    for (const pool of this.pools.values()) pool.failures?.stop();
    this.closeIdle();
  }

  open(): OpenCounts {
    const { exchanges, tunnels } = this;
    const listeners = this.listeners.size;
    return { listeners, connections: this.connections.size, exchanges, tunnels };
  }

  cutAll(): void {
    for (const connection of [...this.connections]) connection.cutOff();
    for (const connection of [...this.backendConnections]) connection.abandon();
  }

  // ---- what exchanges need --------------------------------------------------------------------

  wallMs(): number {
    return this.clock.wallMs();
  }

  /** Where a request goes, or null. */
  route(head: Head, facts: RequestFacts): Destination | null {
    return this.destinations.of(head, facts);
  }

  link(slot: number): BackendLink {
    return this.links.get(slot)!;
  }

  generation(slot: number): number {
    return this.links.get(slot)?.backend.generation ?? -1;
  }

  takeExchange(): Exchange {
    this.exchanges++;
    this.guard.watch();
    return this.spare.pop() ?? new Exchange(this);
  }

  giveExchange(exchange: Exchange): void {
    assert(exchange.ended, 'an exchange is given back when it is over');
    this.exchanges--;
    const current = exchange.limits === this.limits;
    if (current && this.spare.length < SPARE_EXCHANGES) this.spare.push(exchange);
  }

  /** Learns from a trusted proxy who the client is, and its id of the request. */
  believe(exchange: Exchange): ForwardedFields {
    const { forwarded } = this;
    const { peer, head, facts, record } = exchange;
    forwarded.fromProxy(peer.address, peer.scheme, head, facts, exchange.requestId);
    record.client = forwarded.client;
    record.requestId = forwarded.requestId;
    return forwarded;
  }

  /** Writes the lines about the client of this exchange; returns the offset after them. */
  writeClient(exchange: Exchange, out: Uint8Array, at: number): number {
    const { peer, head, facts } = exchange;
    if (peer.trusted) {
      const { bytes, end } = this.believe(exchange);
      return copy(bytes, 0, end, out, at);
    }
    const to = writeStranger(peer.strangerLines, head, facts, out, at);
    return writeLineEnd(out, this.requestIds.writeField(exchange.count, out, to));
  }

  leave(backend: Backend, trial: number): void {
    const { table } = this;
    table.leave(backend.slot, trial);
    this.madeRoom(backend);
    // Nearly none drains, and the sum over all workers costs more than a look at the state.
    if (table.state(backend.slot) !== State.draining) return;
    if (table.inFlight(backend.slot) === 0) this.control.released(backend);
  }

  private madeRoom(backend: Backend): void {
    if (this.table.limit(backend.slot) > 0) this.pools.get(backend.pool.name)?.queue?.room();
  }

  enterTunnel(backend: Backend): void {
    this.tunnels++;
    this.table.enterTunnel(backend.slot);
  }

  leaveTunnel(backend: Backend): void {
    this.tunnels--;
    this.table.leaveTunnel(backend.slot);
    this.madeRoom(backend);
    if (this.table.state(backend.slot) !== State.draining) return;
    if (this.table.tunnels(backend.slot) === 0) this.control.released(backend);
  }

  connectionOpened(connection: ClientConnection): void {
    this.connections.add(connection);
  }

  connectionClosed(connection: ClientConnection): void {
    this.connections.delete(connection);
    this.clientGate.leave(connection.countedAt);
  }

  /** One more is about to be opened to a backend; an idle one makes room for it. */
  backendConnectionOpens(connection: BackendConnection): void {
    this.backendConnections.add(connection);
    if (this.backendConnections.size <= this.maxConnections) return;
    for (const link of this.links.values()) if (link.closeOneIdle()) return;
  }

  /** Closes every connection to a backend that carries nothing. */
  closeIdle(): void {
    for (const link of this.links.values()) link.closeIdle();
  }

  backendConnectionClosed(connection: BackendConnection): void {
    this.backendConnections.delete(connection);
  }

  /** More bytes wait in our memory than may: new exchanges are turned away. */
  get overfull(): boolean {
    return this.guard.overfull;
  }

  /** Everything that may hold bytes. */
  *holders(): Iterable<Holder> {
    yield* this.connections;
    yield* this.backendConnections;
  }

  /** `Date: ...` with its line end, made once a second. */
  dateField(): Uint8Array {
    const wallMs = this.clock.wallMs();
    const second = Math.floor(wallMs / 1000);
    if (second !== this.dateSecond) {
      this.dateSecond = second;
      this.dateLine = latin1(`Date: ${httpDate(wallMs)}\r\n`);
    }
    return this.dateLine;
  }
}
