/** Real threads on one table, at random and without a pause, some of which die on the way. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { createRng } from '../../src/core/base/rng.ts';
import { State, Table } from '../../src/core/table/table.ts';
import { canSharePorts } from '../../src/platform/transport.ts';
import { root } from '../e2e/harness/root.ts';
import { until } from '../e2e/harness/until.ts';
import { atLeast, atMost, type Figure, pause, type Scale, told } from './figures.ts';

const size = { capacity: 12, workers: 8 };
const script = join(root, 'test/hard/peers/table-worker.mjs');
const module = pathToFileURL(join(root, 'dist/src/core/table/table.js')).href;
const waitMs = 60_000;
/** On a busy machine a thread takes seconds to begin. */
const leastDeaths: Readonly<Record<Scale, number>> = { short: 0, full: 100 };
/** What the control thread does between two turns of its loop. */
const steps = 4;
const killEveryMs = 150;
/** As `core/control/drains.ts` does: who drains is looked at again. */
const lookEveryMs = 1000;

type Said =
  | { readonly kind: 'released'; readonly slot: number }
  | { readonly kind: 'wrong'; readonly what: string }
  | { readonly kind: 'begun'; readonly worker: number }
  | { readonly kind: 'done' };

/** What all threads share beside the table: whether it is over, and how often they did what. */
const words = { over: 0, entered: 1, refused: 2, tunnels: 3 };

/** The control thread of eight workers, as far as it has to do with the table. */
class Stress {
  readonly seen = {
    claimed: 0,
    freed: 0,
    lookedFreed: 0,
    deaths: 0,
    lost: 0,
    crashes: 0,
    wrong: 0,
  };
  readonly complaints: string[] = [];
  done = 0;
  private readonly table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
  readonly shared = new Int32Array(new SharedArrayBuffer(4 * Object.keys(words).length));
  private readonly rng = createRng(42);
  private readonly threads: Worker[] = [];
  /** Those that have begun: who dies before that has nothing to lose. */
  private readonly busy = new Set<number>();

  begin(): void {
    for (let worker = 0; worker < size.workers; worker++) this.start(worker);
  }

  private start(worker: number): void {
    const thread = new Worker(script, {
      workerData: {
        module,
        size,
        buffer: this.table.buffer,
        shared: this.shared.buffer,
        worker,
        seed: 1 + this.rng.below(0x7fff_ffff),
      },
    });
    this.threads[worker] = thread;
    thread.on('message', (said: Said) => this.hear(said));
    thread.on('error', (error: unknown) => {
      this.seen.crashes++;
      this.complaints.push(String(error));
    });
  }

  private hear(said: Said): void {
    if (said.kind === 'released') this.settle(said.slot);
    else if (said.kind === 'begun') this.busy.add(said.worker);
    else if (said.kind === 'done') this.done++;
    else {
      this.seen.wrong++;
      this.complaints.push(said.what);
    }
  }

  /** A backend that drains gives its slot back when nothing is on it. */
  private settle(slot: number): void {
    if (this.table.state(slot) !== State.draining) return;
    if (this.table.inFlight(slot) > 0 || this.table.tunnels(slot) > 0) return;
    this.table.free(slot);
    this.seen.freed++;
  }

  private look(): void {
    const before = this.seen.freed;
    this.settleAll();
    this.seen.lookedFreed += this.seen.freed - before;
  }

  private settleAll(): void {
    for (let slot = 0; slot < size.capacity; slot++) this.settle(slot);
  }

  /** One thing that the control thread may do at any moment. */
  private step(): void {
    const slot = this.rng.below(size.capacity);
    const what = this.rng.below(32);
    const state = this.table.state(slot);
    if (state === State.free) {
      if (this.table.claim(1 + what, State.checking) !== null) this.seen.claimed++;
    } else if (state === State.draining) return;
    else if (what === 0) {
      this.drain(slot);
    } else {
      const next = [State.checking, State.up, State.up, State.up, State.suspect, State.down];
      this.table.setState(slot, next[this.rng.below(next.length)]);
    }
  }

  private drain(slot: number): void {
    this.table.setState(slot, State.draining);
    this.settle(slot);
  }

  /** Ends a thread wherever it is; another one takes its ledger over. */
  private async replace(worker: number): Promise<void> {
    this.busy.delete(worker);
    await this.threads[worker].terminate();
    this.seen.deaths++;
    const ledger = new Table(size, this.table.buffer, worker);
    for (let slot = 0; slot < size.capacity; slot++) {
      this.seen.lost += ledger.ownInFlight(slot) + ledger.ownTunnels(slot);
    }
    this.table.clearLedger(worker);
    this.settleAll();
    this.start(worker);
  }

  async run(forMs: number): Promise<void> {
    const end = performance.now() + forMs;
    let nextKill = performance.now() + killEveryMs;
    let nextLook = performance.now() + lookEveryMs;
    let killing: Promise<void> | null = null;
    while (performance.now() < end) {
      for (let n = 0; n < steps; n++) this.step();
      if (performance.now() > nextLook) {
        this.look();
        nextLook = performance.now() + lookEveryMs;
      }
      if (killing === null && performance.now() > nextKill && this.busy.size > 0) {
        killing = this.replace([...this.busy][this.rng.below(this.busy.size)]).finally(() => {
          killing = null;
          nextKill = performance.now() + killEveryMs;
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await killing;
  }

  /** All leave; who drained before that, and all others now, have to be free at the end. */
  async end(): Promise<void> {
    for (let slot = 0; slot < size.capacity; slot++) {
      const state = this.table.state(slot);
      if (state !== State.free && state !== State.draining) this.drain(slot);
    }
    await pause(100);
    Atomics.store(this.shared, words.over, 1);
    await until('all have left', () => this.done + this.seen.crashes >= size.workers, waitMs);
    for (const thread of this.threads) await thread.terminate();
    this.look();
  }

  /** What is left in the table. */
  rest(): { readonly inFlight: number; readonly tunnels: number; readonly waiting: number } {
    const left = { inFlight: 0, tunnels: 0, waiting: 0 };
    for (let slot = 0; slot < size.capacity; slot++) {
      left.inFlight += Math.abs(this.table.inFlight(slot));
      left.tunnels += Math.abs(this.table.tunnels(slot));
      if (this.table.state(slot) !== State.free) left.waiting++;
    }
    return left;
  }
}

/** Eight threads that enter and leave, a ninth that drains, frees, claims, and ends them. */
export async function workers(scale: Scale): Promise<Figure[]> {
  const name = 'table of 8 threads';
  if (!canSharePorts())
    return [told(`${name}: skipped, one worker is all that this runtime has`, 0)];
  const forMs = scale === 'full' ? 600_000 : 3000;
  const stress = new Stress();
  stress.begin();
  await stress.run(forMs);
  await stress.end();
  const { seen } = stress;
  const rest = stress.rest();
  for (const complaint of stress.complaints.slice(0, 10)) process.stderr.write(`${complaint}\n`);
  return [
    told(`${name}: s`, forMs / 1000),
    atLeast(`${name}: threads that were ended`, seen.deaths, leastDeaths[scale]),
    atLeast(`${name}: exchanges and tunnels that died with them`, seen.lost, leastDeaths[scale]),
    atLeast(`${name}: backends claimed`, seen.claimed, 100),
    atLeast(`${name}: exchanges`, stress.shared[words.entered], 10_000),
    atLeast(`${name}: tunnels`, stress.shared[words.tunnels], 1000),
    atLeast(`${name}: refusals`, stress.shared[words.refused], 1000),
    told(`${name}: drains that ended when looked at again`, seen.lookedFreed),
    atMost(`${name}: threads that failed`, seen.crashes, 0),
    atMost(`${name}: slots given away with something in flight`, seen.wrong, 0),
    atMost(`${name}: exchanges left`, rest.inFlight, 0),
    atMost(`${name}: tunnels left`, rest.tunnels, 0),
    atMost(`${name}: drains that nobody ended`, rest.waiting, 0),
    atMost(`${name}: claimed and never freed`, seen.claimed - seen.freed, 0),
  ];
}
