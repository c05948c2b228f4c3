/** Traffic in the thread that asks for it: one engine over plain memory, for the library. */
import { randomInt } from 'node:crypto';
import { createRng } from '../core/base/rng.ts';
import type { Config } from '../core/config.ts';
import { Engine } from '../core/engine/engine.ts';
import { Table } from '../core/table/table.ts';
import type { Log } from '../core/telemetry/log.ts';
import { createNodeClock } from '../platform/node/clock.ts';
import { readResources } from '../platform/node/resources.ts';
import { createTransport } from '../platform/transport.ts';
import type { Traffic } from './traffic.ts';

/** Nothing happens before its controller configures it. */
export function trafficInThread(config: Config, log: Log): Traffic {
  const table = new Table({ capacity: config.tableSize, workers: 1 });
  const engine = new Engine({
    resources: readResources(1),
    transport: createTransport({ sharesPorts: false }),
    clock: createNodeClock(),
    rng: createRng(randomInt(2 ** 47)),
    table,
    log,
    config,
  });
  return {
    table,
    engine,
    prepare: async () => null,
    begin: (controller) => {
      engine.control = controller;
    },
    listening: () => engine.listening(),
    end: (done) => done(),
  };
}
