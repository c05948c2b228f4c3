/**
 * Sends one request through a balancer with this configuration, in a pretended world where all its
 * backends answer, and writes down what became of it.
 */
import { createSimClock, type SimClock } from '../../sim/clock.ts';
import { createSimNetwork, type SimNetwork } from '../../sim/network.ts';
import {
  addressOfListener,
  PROBER_ADDRESS,
  type Rehearsal,
  serveBackend,
  startRehearsal,
} from '../../sim/rehearsal.ts';
import { latin1, toLatin1, utf8 } from '../core/base/bytes.ts';
import { createRng } from '../core/base/rng.ts';
import type { Socket, SocketHandler } from '../core/base/transport.ts';
import type { BackendConfig, Config, ListenerConfig, PoolConfig } from '../core/config.ts';
import { mergeWindowMs } from '../core/control/merge-windows.ts';
import type { ExchangeRecord } from '../core/telemetry/log.ts';
import { type Notes, WatchedEngine, WatchedTable } from './watched.ts';

/** A backend of a pool, by name. */
export interface Named {
  readonly pool: string;
  readonly backend: string;
}

/** A request, and what the world is like when it comes. */
export interface Question {
  readonly config: Config;
  readonly listener: ListenerConfig;
  /** The request as it is sent. */
  readonly bytes: Uint8Array;
  /** The address that connects. */
  readonly from: string;
  readonly seed: number;
  /** Nobody listens there. */
  readonly down: readonly Named[];
  /** Asked to drain. */
  readonly drained: readonly Named[];
  /** So many other requests are in flight there. */
  readonly busy: readonly (Named & { readonly requests: number })[];
}

/** Until every backend is known to be up or down; a health check may take its time. */
const SETTLING_MS = 600_000;
/** Until the request has its answer: who waits in a queue waits its timeout. */
const ANSWER_MS = 7_200_000;
const STEP_MS = 50;
const NO_BODY = new Uint8Array(0);

/** One end of a connection, and all that came. */
class Ear implements SocketHandler {
  heard = '';
  private readonly onHead: (ear: Ear) => void;

  constructor(onHead: (ear: Ear) => void) {
    this.onHead = onHead;
  }

  onOpen(): void {}

  onData(bytes: Uint8Array): void {
    const had = this.heard.includes('\r\n\r\n');
    this.heard += toLatin1(bytes);
    if (!had && this.heard.includes('\r\n\r\n')) this.onHead(this);
  }

  onDrain(): void {}
  onEnd(): void {}
  onClose(): void {}

  /** The first head, one line each. */
  get head(): string[] {
    const end = this.heard.indexOf('\r\n\r\n');
    return end === -1 ? [] : this.heard.slice(0, end).split('\r\n');
  }
}

/** A balancer that has been started, and whose backends have settled. */
export class Stage {
  readonly engine: WatchedEngine;
  readonly table: WatchedTable;
  /** Heads that backends got, of exchanges, in order. */
  readonly heads: (readonly string[])[] = [];
  readonly records: ExchangeRecord[] = [];
  private readonly question: Question;
  private readonly clock: SimClock = createSimClock();
  private readonly network: SimNetwork;
  private readonly rehearsal: Rehearsal;

  constructor(question: Question) {
    this.question = question;
    const { clock } = this;
    const { config, seed } = question;
    const rng = createRng(seed);
    this.network = createSimNetwork({ clock, rng: rng.fork() });
    for (const pool of config.pools) {
      for (const backend of pool.backends) this.serve(pool, backend);
    }
    this.rehearsal = startRehearsal({
      config,
      clock,
      network: this.network,
      rng,
      log: { event: () => {}, exchange: (record) => void this.records.push({ ...record }) },
      makeTable: (size) => new WatchedTable(size),
      makeEngine: (deps) => new WatchedEngine(deps, deps.table as WatchedTable),
    });
    this.engine = this.rehearsal.engine as WatchedEngine;
    this.table = this.rehearsal.table as WatchedTable;
    this.settle();
  }

  private serve(pool: PoolConfig, backend: BackendConfig): void {
    if (this.question.down.some((each) => isNamed(each, pool.name, backend.name))) return;
    const [good] = pool.healthCheck?.expectedStatus[0] ?? [200];
    const wanted = utf8(pool.healthCheck?.expectedBody ?? '');
    serveBackend(this.network, backend, (socket, peer) => {
      const isProbe = peer.address === PROBER_ADDRESS;
      const status = isProbe ? good : 200;
      return new Ear((ear) => {
        const { head } = ear;
        ear.heard = '';
        // Else it is the end of a body in chunks.
        if (!head[0].endsWith(' HTTP/1.1')) return;
        if (!isProbe) this.heads.push(head);
        const body = isProbe ? wanted : NO_BODY;
        socket.write(latin1(`HTTP/1.1 ${status} OK\r\nContent-Length: ${body.length}\r\n\r\n`));
        if (body.length > 0) socket.write(body);
      });
    });
  }

  /** Until every backend has been found to be up or down; then what else was asked for. */
  private settle(): void {
    const { question, rehearsal, clock, table } = this;
    this.runUntil(SETTLING_MS, () =>
      this.status().every(({ backends }) => backends.every(({ state }) => state !== 'checking')),
    );
    for (const { pool, backend } of question.drained) rehearsal.controller.drain(pool, backend);
    const windows = question.config.pools.map(({ policy, backends }) =>
      mergeWindowMs(policy, backends.length),
    );
    clock.run(clock.nowMs() + Math.max(STEP_MS, ...windows));
    for (const { pool, backend, requests } of question.busy) {
      const found = this.engine.members.get(pool)!.find(({ config }) => config.name === backend)!;
      for (let i = 0; i < requests; i++) table.enter(found.slot, found.generation, ~0);
    }
  }

  status(): ReturnType<Rehearsal['controller']['status']> {
    return this.rehearsal.controller.status();
  }

  /** Sends the request once more, and waits for what the log says. Null: it never ended. */
  ask(notes: Notes | null): { readonly record: ExchangeRecord | null; readonly answer: Ear } {
    const { engine, question, network } = this;
    const { listener, bytes, from } = question;
    engine.notes = notes;
    const answer = new Ear(() => {});
    const count = this.records.length;
    const at = engine.listening().find(({ address }) => address === listener.address);
    const target = { address: addressOfListener(listener), port: at?.port ?? 0, tls: null };
    const socket: Socket = network.transport(from).connect(target, answer);
    socket.write(bytes);
    this.runUntil(ANSWER_MS, () => this.records.length > count);
    socket.reset();
    this.clock.run(this.clock.nowMs() + STEP_MS);
    engine.notes = null;
    return { record: this.records[count] ?? null, answer };
  }

  private runUntil(lastsMs: number, isOver: () => boolean): void {
    const { clock } = this;
    const endMs = clock.nowMs() + lastsMs;
    clock.run(clock.nowMs() + STEP_MS);
    while (!isOver() && clock.nowMs() < endMs) clock.run(clock.nowMs() + STEP_MS);
  }
}

const isNamed = (each: Named, pool: string, backend: string): boolean =>
  each.pool === pool && each.backend === backend;
