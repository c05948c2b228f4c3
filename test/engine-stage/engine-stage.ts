/**
 * A stage for the tests of `core/engine`: the real engine between raw clients and raw backends on
 * a pretended network and clock. Nobody helps: clients and backends send the bytes a test gives
 * them, and keep what they get as text.
 */
import { createSimClock, type SimClock } from '../../sim/clock.ts';
import { listenerConfig } from '../../sim/default-config.ts';
import { createSimNetwork, type SimNetwork, type SimNetworkOptions } from '../../sim/network.ts';
import { latin1, toLatin1 } from '../../src/core/base/bytes.ts';
import type { Failure } from '../../src/core/base/failure.ts';
import { createRng } from '../../src/core/base/rng.ts';
import type { Socket, SocketHandler } from '../../src/core/base/transport.ts';
import type { Config, LimitsConfig, PoolConfig, TimeoutsConfig } from '../../src/core/config.ts';
import type { Pool } from '../../src/core/control/members.ts';
import { Memories } from '../../src/core/control/memories.ts';
import { Schedules } from '../../src/core/control/schedules.ts';
import { Engine, type PoolMembers } from '../../src/core/engine/engine.ts';
import type { Evidence } from '../../src/core/engine/evidence.ts';
import { Tracker } from '../../src/core/health/tracker.ts';
import { Backend } from '../../src/core/table/backend.ts';
import { State, Table } from '../../src/core/table/table.ts';
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import { backendConfig, config, emptyPool, poolConfig, SILENT } from '../fixtures/control-world.ts';

const BALANCER = '10.0.0.100';
const PORT = 8080;

/** One end of a connection in a test's hands. */
export class Raw implements SocketHandler {
  socket!: Socket;
  /** Everything that has come, one character per byte. */
  received = '';
  /** Bytes that have come, also when `keep` is off. */
  count = 0;
  /** Off: bytes are counted and thrown away. */
  keep = true;
  opened = false;
  /** The peer has sent its FIN. */
  ended = false;
  /** Undefined: still open. Null: closed in order. */
  closed: Failure | null | undefined = undefined;
  onBytes: (raw: Raw) => void = () => {};

  onOpen(): void {
    this.opened = true;
  }

  onData(bytes: Uint8Array): void {
    this.count += bytes.length;
    if (this.keep) this.received += toLatin1(bytes);
    this.onBytes(this);
  }

  onDrain(): void {}

  onEnd(): void {
    this.ended = true;
  }

  onClose(why: Failure | null): void {
    this.closed = why;
  }

  get wasReset(): boolean {
    return this.closed?.kind === 'reset';
  }

  send(text: string | Uint8Array): this {
    this.socket.write(typeof text === 'string' ? latin1(text) : text);
    return this;
  }

  /** What has come since the last call. */
  take(): string {
    const { received } = this;
    this.received = '';
    return received;
  }

  /** The status codes of the answers in `received`, in order, interim ones too. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }
}

/** A backend that accepts; what it answers is in a test's hands, or in `answering`. */
export class RawBackend {
  readonly address: string;
  /** Every connection it has accepted, in order. */
  readonly connections: Raw[] = [];
  /** Called with each request head that has come whole. */
  onHead: (head: string, connection: Raw) => void = () => {};
  /** Called with each connection as it is accepted, before anything has come. */
  onConnection: (connection: Raw) => void = () => {};

  constructor(address: string) {
    this.address = address;
  }

  /** The newest connection. */
  get last(): Raw {
    return this.connections[this.connections.length - 1];
  }

  /** Answers each request head from now on with `answer`. */
  answering(answer = ok()): this {
    this.onHead = (_head, connection) => void connection.send(answer);
    return this;
  }
}

export const ok = (body = 'ok', fields = ''): string =>
  `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;

export const get = (path = '/', fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

export const post = (body: string, fields = ''): string =>
  `POST / HTTP/1.1\r\nHost: a.test\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;

export interface StageOptions {
  /** How many backends there are: 10.0.0.1 and so on, all up, none listening yet. */
  readonly backends?: number;
  readonly pool?: Partial<PoolConfig>;
  readonly config?: Partial<Config>;
  readonly timeouts?: Partial<TimeoutsConfig>;
  readonly limits?: Partial<LimitsConfig>;
  readonly network?: Partial<SimNetworkOptions>;
  /** Turns of the loop pass only when `turn` is called. */
  readonly manualTurns?: boolean;
}

export class Stage {
  readonly clock: SimClock = createSimClock();
  readonly network: SimNetwork;
  readonly table = new Table({ capacity: 16, workers: 2 });
  readonly engine: Engine;
  readonly records: ExchangeRecord[] = [];
  /** Events of the log, by name. */
  readonly events: string[] = [];
  /** What the engine told the control thread. */
  readonly evidence: string[] = [];
  readonly backends: Backend[] = [];
  config: Config;

  private readonly schedules: Schedules;
  private readonly memories = new Memories(createRng(3), this.table);
  private pools: readonly Pool[] = [];
  private readonly raws: Raw[] = [];
  private freshTurns: (() => void)[] = [];
  private ripeTurns: (() => void)[] = [];

  constructor(options: StageOptions = {}) {
    const { clock, table } = this;
    this.network = createSimNetwork({ clock, rng: createRng(1), options: options.network ?? {} });
    this.config = this.configOf(options);
    for (const each of this.config.pools[0].backends) this.addBackend(each.host);
    const { manualTurns } = options;
    const turns = (callback: () => void): void => void this.freshTurns.push(callback);
    this.engine = new Engine({
      resources: { descriptors: 1024, memoryBytes: 2 ** 30, workers: 1 },
      transport: this.network.transport(BALANCER),
      clock: {
        nowMs: () => clock.nowMs(),
        wallMs: () => clock.wallMs(),
        wakeAt: (deadlineMs, wake) => clock.wakeAt(deadlineMs, wake),
        nextTurn: manualTurns ? turns : (callback) => clock.nextTurn(callback),
      },
      rng: createRng(2),
      table,
      log: {
        exchange: (record) => void this.records.push({ ...record }),
        event: (_level, event) => void this.events.push(event),
      },
      config: this.config,
    });
    this.schedules = new Schedules(table, clock, SILENT, this.engine);
    this.engine.control = this.recorder();
    this.configure(this.config);
    this.engine.listen(listenerConfig(PORT), () => {});
    this.pass(1);
  }

  private configOf({
    backends = 1,
    pool,
    config: changes,
    timeouts,
    limits,
  }: StageOptions): Config {
    const members = Array.from({ length: backends }, (_, index) => backendConfig(index + 1));
    const whole = config([poolConfig(members, { healthCheck: null, ...pool })], changes);
    return {
      ...whole,
      timeouts: { ...whole.timeouts, ...timeouts },
      limits: { ...whole.limits, ...limits },
    };
  }

  private addBackend(host: string): void {
    const { table } = this;
    const [pool] = this.config.pools;
    const each = pool.backends.find((backend) => backend.host === host)!;
    const slot = table.claim(each.weight, State.up)!;
    table.setLimit(slot, each.maxRequests || each.maxConnections);
    const backend = new Backend(slot, table.generation(slot), each, pool);
    backend.addresses = [host];
    this.backends.push(backend);
  }

  private recorder(): Evidence {
    const note = (text: string): void => void this.evidence.push(text);
    return {
      suspected: (backend, why) => {
        note(`suspected ${backend.config.name}: ${why.kind}`);
        this.refresh();
      },
      failing: (backend, why) => note(`failing ${backend.config.name} ${why}`),
      tried: (backend, failed) => note(`tried ${backend.config.name} ${failed ?? 'well'}`),
      connectFailed: (backend, address, why) =>
        note(`connectFailed ${backend.config.name} ${address}: ${why.kind}`),
      connected: (backend, address) => note(`connected ${backend.config.name} ${address}`),
      policyFailed: (pool, failures, why) => note(`policyFailed ${pool} ${failures}: ${why}`),
      released: (backend) => note(`released ${backend.config.name}`),
      connectionWanted: (backend) => note(`connectionWanted ${backend.config.name}`),
      room: (pool, worker) => note(`room ${pool} ${worker}`),
      loopWasLate: (lagMs) => note(`late ${lagMs}`),
    };
  }

  /** Lets `ms` pass. */
  pass(ms: number): void {
    this.clock.run(this.clock.nowMs() + ms);
  }

  /** Applies a configuration; the backends stay, `members` of them in each pool. */
  configure(
    next: Config,
    members: (pool: PoolConfig) => readonly Backend[] = () => this.backends,
  ): void {
    this.config = next;
    this.pools = next.pools.map((config) => {
      const known = this.pools.find((each) => each.config.name === config.name);
      const pool = known ?? emptyPool(config);
      pool.config = config;
      pool.members = members(config).map((backend) => ({
        backend,
        pool,
        tracker: new Tracker(null, true, 0),
        drain: null,
        turnedMs: null,
        pardoned: false,
      }));
      return pool;
    });
    const pools = this.pools.map((pool): [string, PoolMembers] => {
      const backends = pool.members.map((member) => member.backend);
      const { waiting } = pool;
      return [pool.config.name, { backends, schedule: this.schedules.of(pool), waiting }];
    });
    this.engine.configure(next, new Map(pools), this.memories.of(next));
  }

  /** States have changed: the control thread makes new schedules. */
  refresh(): void {
    for (const pool of this.pools) this.schedules.refresh(pool);
  }

  /** A probe takes a backend down: the control thread says so. From 1. */
  takeDown(number: number): void {
    const backend = this.backends[number - 1];
    this.table.setState(backend.slot, State.down);
    this.refresh();
    this.engine.backendDown(backend);
    this.pass(2);
  }

  /** One turn of the loop, as Node's clock counts them (`manualTurns`). */
  turn(): void {
    const due = this.ripeTurns;
    this.ripeTurns = this.freshTurns;
    this.freshTurns = [];
    for (const callback of due) callback();
  }

  /** Backend `number` (from 1) listens from now on. */
  backend(number = 1, address = `10.0.0.${number}`): RawBackend {
    const backend = new RawBackend(address);
    const { port } = this.backends[number - 1].config;
    this.network.transport(address).listen(
      { host: address, port },
      (socket) => {
        const raw = this.raw(socket);
        backend.connections.push(raw);
        backend.onConnection(raw);
        let seen = 0;
        raw.onBytes = () => {
          for (;;) {
            const end = raw.received.indexOf('\r\n\r\n', seen);
            if (end === -1) return;
            const head = raw.received.slice(seen, end + 4);
            seen = end + 4;
            backend.onHead(head, raw);
          }
        };
        return raw;
      },
      () => {},
    );
    this.pass(1);
    return backend;
  }

  private raw(socket: Socket): Raw {
    const raw = new Raw();
    raw.socket = socket;
    this.raws.push(raw);
    return raw;
  }

  /** A client, connected. */
  client(address = '192.0.2.1'): Raw {
    const raw = new Raw();
    this.raws.push(raw);
    raw.socket = this.network
      .transport(address)
      .connect({ address: BALANCER, port: PORT, tls: null }, raw);
    this.pass(1);
    return raw;
  }

  /** A client that has sent `text`, a little later. */
  ask(text: string | Uint8Array, ms = 2): Raw {
    const client = this.client().send(text);
    this.pass(ms);
    return client;
  }

  /** The only record of the log. */
  get record(): ExchangeRecord {
    if (this.records.length !== 1) throw new Error(`${this.records.length} records in the log`);
    return this.records[0];
  }

  /** Everybody goes away; what the engine still holds a while later, as text; empty: nothing. */
  leftovers(): string {
    for (const raw of this.raws) raw.socket.reset();
    this.pass(1);
    for (let turn = 0; turn < 3; turn++) this.turn();
    this.pass(120_000);
    const { engine, table } = this;
    const { connections, exchanges, tunnels } = engine.open();
    const inFlight = this.backends.map(({ slot }) => table.inFlight(slot) + table.tunnels(slot));
    const counts = {
      connections,
      exchanges,
      tunnels,
      inFlight: inFlight.reduce((a, b) => a + b, 0),
      timers: engine.wheel.size + engine.fineWheel.size,
      sockets: this.network.stats.openSockets,
      bytes: this.network.stats.pendingBytes,
    };
    return Object.entries(counts)
      .filter(([, count]) => count !== 0)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  }
}
