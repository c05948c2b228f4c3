/** What runs in a worker's thread: an engine on the platform's sockets, led by messages. */
import { randomInt } from 'node:crypto';
import { importFunctions } from '../config/module.ts';
import { installByteOps } from '../core/base/bytes.ts';
import { createRng } from '../core/base/rng.ts';
import type { Config } from '../core/config.ts';
import type { FromWorker, ToWorker } from '../core/control/messages.ts';
import { WorkerSide } from '../core/control/worker-side.ts';
import { Engine } from '../core/engine/engine.ts';
import { Slabs } from '../core/table/slabs.ts';
import { Table, type TableSize } from '../core/table/table.ts';
import { createNodeByteOps } from '../platform/node/bytes.ts';
import { createLog } from '../platform/node/log-writer.ts';
import { readResources } from '../platform/node/resources.ts';
import { threadOutlet } from '../platform/node/thread-outlet.ts';
import { ownThread } from '../platform/node/threads.ts';
import { createWorkerTransport } from '../platform/transport.ts';

export interface WorkerData {
  /** Which worker it is: 0 and up. */
  readonly worker: number;
  readonly size: TableSize;
  /** Shared memory. */
  readonly table: ArrayBufferLike;
  readonly slabs: ArrayBufferLike;
  /** Shared memory. */
  readonly descriptors: ArrayBufferLike;
  /** The first one; `configure` follows. */
  readonly config: Config;
  readonly lines: { readonly isTty: boolean; readonly colour: boolean };
}

function work(): void {
  const { data, onMessage, post } = ownThread<WorkerData, ToWorker, FromWorker>();
  const { worker, size, config } = data;
  const slabs = new Slabs(size.workers, data.slabs);
  installByteOps(createNodeByteOps());
  const log = createLog({ ...config.log, ...data.lines }, (onProgress) =>
    threadOutlet(
      slabs,
      worker,
      (bytes, lines) => post({ kind: 'log', bytes, lines }, [bytes.buffer]),
      onProgress,
    ),
  );
  const { transport, clock } = createWorkerTransport({
    sharesPorts: size.workers > 1,
    descriptors: data.descriptors,
  });
  const engine = new Engine({
    resources: readResources(size.workers),
    transport,
    clock,
    rng: createRng(randomInt(2 ** 47)),
    table: new Table(size, data.table, worker),
    log,
    config,
  });
  const side = new WorkerSide({
    engine,
    clock,
    slabs,
    worker,
    post,
    importFunctions: (functions, done) => void importFunctions(functions).then(done),
    finishLog: log.handOver,
  });
  onMessage((message) => {
    if (message.kind === 'configure') log.configure(message.config.log);
    side.receive(message);
  });
}

work();
