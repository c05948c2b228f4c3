/** Traffic in threads of its own: `worker.ts` runs in each, the fleet is their owner here. */
import type { Config } from '../core/config.ts';
import { Fleet } from '../core/control/fleet.ts';
import type { FromWorker, ToWorker } from '../core/control/messages.ts';
import { withoutFunctions } from '../core/control/prepare-vote.ts';
import { Slabs } from '../core/table/slabs.ts';
import { Table, type TableSize } from '../core/table/table.ts';
import type { Log } from '../core/telemetry/log.ts';
import { claimPort } from '../platform/node/claim-port.ts';
import { createNodeClock } from '../platform/node/clock.ts';
import { startThread } from '../platform/node/threads.ts';
import { closeLeft, descriptorMemory } from '../platform/transport.ts';
import type { Traffic } from './traffic.ts';
import type { WorkerData } from './worker.ts';

export interface WorkersOptions {
  /** How many. */
  readonly workers: number;
  readonly log: Log;
  /** How workers write their own lines. */
  readonly lines: { readonly isTty: boolean; readonly colour: boolean };
  /** Lines that a worker has written, each with its end. */
  readonly logLines: (bytes: Uint8Array<ArrayBuffer>, lines: number) => void;
  /** Workers keep dying: the process should end. Called once. */
  readonly giveUp: (why: string) => void;
}

/** The module that runs in a worker: as built, or as written when the sources are run. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
);

/** Threads start with `begin`. */
export function trafficInWorkers(config: Config, options: WorkersOptions): Traffic {
  const { workers, log, lines, logLines, giveUp } = options;
  const size: TableSize = { capacity: config.tableSize, workers };
  const table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
  const slabs = new Slabs(workers, new SharedArrayBuffer(Slabs.bytesFor(workers)));
  const fleet = new Fleet({
    workers,
    table,
    slabs,
    log,
    logLines,
    giveUp,
    claimPort,
    clock: createNodeClock(),
    start: (worker, events) => {
      const descriptors = descriptorMemory();
      const data: WorkerData = {
        worker,
        size,
        table: table.buffer,
        slabs: slabs.buffer,
        descriptors,
        config: withoutFunctions(config),
        lines,
      };
      const ended = (why: string | null): void => {
        closeLeft(descriptors);
        events.ended(why);
      };
      const heard = { message: events.message, ended };
      return startThread<ToWorker, FromWorker>(entry, `evenkeel-${worker}`, data, heard);
    },
  });
  return {
    table,
    engine: fleet,
    prepare: (next) => new Promise((resolve) => fleet.prepare(next, resolve)),
    begin: (controller) => {
      fleet.control = controller;
      fleet.begin();
    },
    listening: () => fleet.listening(),
    end: (done) => fleet.end(done),
  };
}
