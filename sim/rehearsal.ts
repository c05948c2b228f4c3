/**
 * A balancer with any configuration in a pretended world: the engine, the controller and the table
 * as they are. Every name is its own address there; who answers at a backend's is up to the caller.
 */
import type { Rng } from '../src/core/base/rng.ts';
import type {
  Listener,
  Peer,
  Resolver,
  Socket,
  SocketHandler,
} from '../src/core/base/transport.ts';
import type { BackendConfig, Config, ListenerConfig } from '../src/core/config.ts';
import { Controller } from '../src/core/control/controller.ts';
import { Engine, type EngineDeps } from '../src/core/engine/engine.ts';
import { Table, type TableSize } from '../src/core/table/table.ts';
import type { Log } from '../src/core/telemetry/log.ts';
import type { SimClock } from './clock.ts';
import type { SimNetwork } from './network.ts';

/** From where exchanges come to backends. */
const ENGINE_ADDRESS = 'balancer';
/** From where probes do. */
export const PROBER_ADDRESS = 'prober';
const RESOURCES = { descriptors: 65_536, memoryBytes: 4_294_967_296, workers: 1 };

export interface RehearsalOptions {
  readonly config: Config;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly rng: Rng;
  readonly log: Log;
  /** Called when it listens. */
  readonly ready?: () => void;
  /** Others than the engine and the table as they are, to be watched. */
  readonly makeEngine?: (deps: EngineDeps) => Engine;
  readonly makeTable?: (size: TableSize) => Table;
}

/** A balancer in a pretended world. */
export interface Rehearsal {
  readonly engine: Engine;
  readonly controller: Controller;
  readonly table: Table;
}

/** Starts it. It listens when its clock has run for a while: names are looked up first. */
export function startRehearsal(options: RehearsalOptions): Rehearsal {
  const { config, clock, network, rng, log } = options;
  const makeEngine = options.makeEngine ?? ((deps: EngineDeps) => new Engine(deps));
  const makeTable = options.makeTable ?? ((size: TableSize) => new Table(size));
  const table = makeTable({ capacity: config.tableSize, workers: 1 });
  const { listen, connect } = network.transport(ENGINE_ADDRESS);
  const engine = makeEngine({
    resources: RESOURCES,
    transport: {
      listen: ({ host, port }, accept, ready) => {
        return listen({ host: addressOfListener({ host }), port }, accept, ready);
      },
      connect,
    },
    clock,
    rng: rng.fork(),
    table,
    log,
    config,
  });
  const transport = network.transport(PROBER_ADDRESS);
  const resolver: Resolver = {
    resolve: (name, done) => void clock.wakeAt(clock.nowMs() + 1, () => done([name], null)),
  };
  const deps = { transport, resolver, clock, rng: rng.fork(), table, log, engine };
  const controller = new Controller(deps);
  engine.control = controller;
  controller.start(config, () => options.ready?.());
  return { engine, controller, table };
}

/** Where clients connect. No backend has such an address, whatever the configuration says. */
export const addressOfListener = ({ host }: Pick<ListenerConfig, 'host'>): string =>
  `listener ${host ?? '*'}`;

type Accept = (socket: Socket, peer: Peer) => SocketHandler;

/** Listens at all addresses of a backend; one where somebody listens already stays his. */
export function serveBackend(
  network: SimNetwork,
  { host, port }: Pick<BackendConfig, 'host' | 'port'>,
  accept: Accept,
): Listener[] {
  // As `core/control/names.ts` has them.
  const addresses = host.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  return addresses.map((address) => {
    return network.transport(address).listen({ host: null, port }, accept, () => {});
  });
}
