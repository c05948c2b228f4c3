/**
 * What the engine alone costs per request: `npm run bench:engine`. Nanoseconds and bytes of garbage
 * for exchanges between pretended sockets; a kernel and a runtime's sockets come on top.
 *
 * `npm run bench:engine -- --against FOLDER` compares it with that of another built tree, in turns
 * in one process: the ratio holds still also while others use the machine.
 */
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { configFromArguments } from '../src/config/from-arguments.ts';
import { installByteOps, latin1 } from '../src/core/base/bytes.ts';
import { createRng } from '../src/core/base/rng.ts';
import type { Config } from '../src/core/config.ts';
import type { Pool as Members } from '../src/core/control/members.ts';
import { Schedules } from '../src/core/control/schedules.ts';
import { Engine } from '../src/core/engine/engine.ts';
import type { Evidence } from '../src/core/engine/evidence.ts';
import { Waiting } from '../src/core/resilience/waiting.ts';
import { Backend } from '../src/core/table/backend.ts';
import { State, Table } from '../src/core/table/table.ts';
import type { Log } from '../src/core/telemetry/log.ts';
import { createNodeByteOps } from '../src/platform/node/bytes.ts';
import { describeMachine } from './machine.ts';
import { type PretendedSocket, PretendedWorld } from './pretended-sockets.ts';
import { git } from './repository.ts';
import { BROWSER_FIELDS } from './scenarios/scenarios.ts';
import { spread } from './statistics.ts';

const CLIENTS = 64;
const BACKENDS = 3;
const ROUNDS = 101;
/** Rounds before the first that counts, until everything is compiled. */
const WARM_UP = 40;
/** In each round every client asks so often. */
const TURNS = 100;
/** Between two looks at the heap: few enough that it is seldom collected in between. */
const TURNS_PER_LOOK = 2;
const LOOKS = 101;
/** So long a turn of the loop is made to last. */
const TURN_MS = 1.37;

const SILENT: Log = { exchange: () => {}, event: () => {} };

interface Traffic {
  readonly name: string;
  readonly request: string;
  readonly answer: string;
  readonly log: boolean;
}

const answer = (body: string, fields = ''): string =>
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 24 Nov 2026 17:04:05 GMT\r\n' +
  `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n` +
  `Connection: keep-alive\r\n${fields}\r\n${body}`;

const FILE_FIELDS =
  'Last-Modified: Tue, 24 Nov 2026 17:04:05 GMT\r\nETag: "6923a1f5-400"\r\n' +
  'Accept-Ranges: bytes\r\n';

const KIB = 'x'.repeat(1024);
const SMALL = 'GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n';
const HELLO = answer('Hello, world\n');

/** What is measured. */
export const traffics: readonly Traffic[] = [
  { name: 'small GET', request: SMALL, answer: HELLO, log: false },
  {
    name: 'browser, 1 KiB back',
    request: `GET /1k HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n${BROWSER_FIELDS.join('\r\n')}\r\n\r\n`,
    answer: answer(KIB, FILE_FIELDS),
    log: false,
  },
  {
    name: 'POST of 1 KiB',
    request:
      'POST /post HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 1024\r\n' +
      `Content-Type: application/octet-stream\r\n\r\n${KIB}`,
    answer: HELLO,
    log: false,
  },
  { name: 'small GET, logged', request: SMALL, answer: HELLO, log: true },
];

/** One engine, its clients, and what they ask. */
export class Loop {
  private readonly world = new PretendedWorld();
  private readonly engine: Engine;
  private readonly clients: PretendedSocket[] = [];
  private readonly request: Uint8Array;
  private readonly answer: Uint8Array;

  constructor(traffic: Traffic) {
    const ports = Array.from({ length: BACKENDS }, (_, n) => String(9001 + n));
    const made = configFromArguments({ targets: ports });
    if (!('config' in made)) throw new Error('the configuration has a mistake');
    const { log } = made.config;
    const config: Config = { ...made.config, log: { ...log, access: traffic.log } };
    this.request = latin1(traffic.request);
    this.answer = latin1(traffic.answer);
    this.engine = this.start(config);
    this.engine.listen(config.listeners[0], () => {});
    for (let n = 0; n < CLIENTS; n++) this.clients.push(this.world.client());
  }

  /** With a table as workers share it, and every backend up. */
  private start(config: Config): Engine {
    const size = { capacity: 64, workers: 2 };
    const table = new Table(size, new SharedArrayBuffer(Table.bytesFor(size)));
    const engine = new Engine({
      resources: { descriptors: 4096, memoryBytes: 2 ** 30, workers: 1 },
      transport: this.world,
      clock: this.world,
      rng: createRng(1),
      table,
      log: SILENT,
      config,
    });
    engine.control = { loopWasLate() {} } as unknown as Evidence;
    const [pool] = config.pools;
    const backends = pool.backends.map((each) => {
      const slot = table.claim(each.weight, State.up)!;
      const backend = new Backend(slot, table.generation(slot), each, pool);
      backend.addresses = [each.host];
      return backend;
    });
    const members = { config: pool, members: backends.map((backend) => ({ backend })) };
    const schedules = new Schedules(table, this.world, SILENT, engine);
    const schedule = schedules.of(members as unknown as Members);
    const waiting = new ArrayBuffer(Waiting.bytesFor(1));
    engine.configure(config, new Map([[pool.name, { backends, schedule, waiting }]]), {
      routes: [],
      clients: null,
      circuits: new Map(),
      sessions: new Map(),
    });
    return engine;
  }

  /** Every client asks so often, and gets its answers. Returns how many requests that were. */
  run(turns: number): number {
    const { world, clients, request } = this;
    for (let turn = 0; turn < turns; turn++) {
      for (let n = 0; n < clients.length; n++) clients[n].handler.onData(request);
      world.answer(this.answer);
      world.pass(TURN_MS);
    }
    return turns * clients.length;
  }

  /** Throws unless every client got `requests` whole answers. */
  check(requests: number): void {
    const { exchanges } = this.engine.open();
    const bytes = this.clients[0].written / requests;
    const isEven = this.clients.every(({ written }) => written === bytes * requests);
    if (exchanges !== 0 || !isEven || bytes < this.answer.length / 2 || bytes % 1 !== 0) {
      throw new Error(`${exchanges} exchanges go on, ${bytes} bytes per answer`);
    }
  }
}

/** Bytes that a request leaves on the heap; null where the runtime does not say. */
export function bytesPerRequest(loop: Loop): number | null {
  if (process.versions.bun !== undefined) return null;
  const grown: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const before = getHeapStatistics().used_heap_size;
    const requests = loop.run(TURNS_PER_LOOK);
    grown.push((getHeapStatistics().used_heap_size - before) / requests);
  }
  // Where it has shrunk something was collected.
  return spread(grown.filter((bytes) => bytes >= 0)).median;
}

/** What one build brings to the comparison. */
interface Side {
  readonly name: string;
  readonly loops: readonly Loop[];
}

/** For the functions of this build. */
export function loops(): Loop[] {
  installByteOps(createNodeByteOps());
  return traffics.map((traffic) => new Loop(traffic));
}

async function sidesOf(against: string | undefined): Promise<Side[]> {
  const here = { name: 'here', loops: loops() };
  if (against === undefined) return [here];
  const url = pathToFileURL(resolve(against, 'dist/bench/engine.js')).href;
  const there = (await import(url)) as { loops: typeof loops };
  return [here, { name: against, loops: there.loops() }];
}

/** Nanoseconds per request of each round, by traffic and side. */
function timesOf(sides: readonly Side[]): number[][][] {
  const times = traffics.map(() => sides.map((): number[] => []));
  // In turns, so that what disturbs the machine for a while disturbs all alike.
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    times.forEach((ofSides, traffic) => {
      ofSides.forEach((_, turn) => {
        // Nobody is always the first.
        const side = round % 2 === 0 ? turn : ofSides.length - 1 - turn;
        const began = performance.now();
        const requests = sides[side].loops[traffic].run(TURNS);
        if (round >= 0) ofSides[side].push(((performance.now() - began) * 1e6) / requests);
      });
    });
  }
  return times;
}

function tell(sides: readonly Side[]): void {
  const times = timesOf(sides);
  process.stdout.write('                       ns per request\n');
  process.stdout.write('                      median    least   bytes per request\n');
  traffics.forEach(({ name }, traffic) => {
    const [ours, theirs] = times[traffic];
    sides.forEach((side, index) => {
      const loop = side.loops[traffic];
      loop.check((WARM_UP + ROUNDS) * TURNS);
      const { median, least } = spread(times[traffic][index]);
      const bytes = bytesPerRequest(loop);
      const cells = [
        name.padEnd(20),
        median.toFixed(0).padStart(7),
        least.toFixed(0).padStart(8),
        (bytes === null ? '-' : bytes.toFixed(0)).padStart(19),
        sides.length === 1 ? '' : `  ${side.name}`,
      ];
      process.stdout.write(`${cells.join(' ').trimEnd()}\n`);
    });
    if (theirs === undefined) return;
    const ratio = spread(ours.map((time, round) => time / theirs[round])).median;
    process.stdout.write(`${'x'.padStart(20)} ${ratio.toFixed(3).padStart(7)}\n`);
  });
}

async function main(args: readonly string[]): Promise<void> {
  const { bun, node, v8 } = process.versions;
  const version = bun === undefined ? `Node ${node} (V8 ${v8})` : `Bun ${bun}`;
  const changed = git('status', '--porcelain') === '' ? '' : ', changed';
  const commit = git('rev-parse', '--short', 'HEAD');
  const command = ['npm run bench:engine', ...(args.length === 0 ? [] : ['--', ...args])];
  process.stdout.write(`${JSON.stringify(describeMachine())}\n`);
  process.stdout.write(`${version}, commit ${commit}${changed}, ${command.join(' ')}\n`);
  tell(await sidesOf(args[0] === '--against' ? args[1] : undefined));
}

// Not awaited: a tree that is compared with itself imports this module while it runs.
if (process.argv[1] === fileURLToPath(import.meta.url)) void main(process.argv.slice(2));
