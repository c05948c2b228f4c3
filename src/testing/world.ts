/** The world that tests see: backends, a balancer, clients, and time that passes when asked to. */
import { createSimClock, type SimClock } from '../../sim/clock.ts';
import { createSimNetwork, type SimNetwork } from '../../sim/network.ts';
import { addressOfListener, type Rehearsal, startRehearsal } from '../../sim/rehearsal.ts';
import type { ConfigInput } from '../config/define-config.ts';
import { formatDiagnostics, Report, show } from '../config/diagnostics.ts';
import { configFromValue } from '../config/load.ts';
import { asMapping, type Mapping } from '../config/written.ts';
import type { Balancer } from '../control/balancer.ts';
import { toLatin1 } from '../core/base/bytes.ts';
import { createRng, type Rng } from '../core/base/rng.ts';
import type { Config, LogLevel } from '../core/config.ts';
import { parseAddress } from '../core/http/trusted-peers.ts';
import { endCode } from '../core/telemetry/end-code.ts';
import { LineBytes } from '../core/telemetry/line-bytes.ts';
import type { EventFields, ExchangeRecord, Log } from '../core/telemetry/log.ts';
import { createTextFormat } from '../core/telemetry/log-line.ts';
import { Driver } from './driver.ts';
import { type Duration, milliseconds } from './duration.ts';
import { type Answering, type FakeBackend, Server } from './fake-backend.ts';
import { Call, type ClientAnswer } from './fake-client.ts';
import { messageBytes, type SentHeaders } from './message.ts';

export interface WorldOptions {
  /** A whole number; the same one gives the same world. 1 unless set. */
  readonly seed?: number;
}

/** An exchange that has ended. */
export interface WorldExchange extends ExchangeRecord {
  /** How it ended, as the log says it: `ok`, or one of the codes in docs/log.md. */
  readonly end: string;
}

/** A line of the log that is not about one exchange. */
export interface WorldEvent {
  /** Milliseconds since the world began. */
  readonly atMs: number;
  readonly level: LogLevel;
  /** Its name: docs/log.md. */
  readonly event: string;
  /** A sentence for people. */
  readonly message: string;
  readonly fields: EventFields;
}

export interface RequestOptions {
  readonly headers?: SentHeaders;
  /** There is none unless set. */
  readonly body?: string;
  /** The client's address; 192.0.2.1 unless set. */
  readonly from?: string;
  /** The listener's; that of the first one unless set. */
  readonly port?: number;
  /** When the client goes away; 10m unless set. */
  readonly timeout?: Duration;
}

/** As `startBalancer` gives it, in a world where promises resolve when time has passed. */
export interface WorldBalancer extends Balancer {
  reload(config: ConfigInput | Config): Promise<readonly string[]>;
}

/** One for each test. Time stands still in it unless one of its promises is pending. */
export interface World {
  /** Milliseconds since it began. */
  readonly nowMs: number;
  /** Every exchange that has ended, in that order, as the balancer logs it. */
  readonly exchanges: readonly WorldExchange[];
  /** What else the balancer has logged. */
  readonly events: readonly WorldEvent[];
  /** All of the log, as it is shown on a terminal (UTC): equal in two runs with the same seed. */
  readonly lines: readonly string[];
  /**
   * Starts a server at this URL, which answers 200 with `Response from HOST` unless a function
   * says else. A URL of the configuration at which there is none refuses connections.
   */
  backend(url: string, answering?: Answering): FakeBackend;
  /**
   * Starts the balancer, of which there is one in a world. Resolves when it listens. A
   * configuration with mistakes is rejected with all of them.
   */
  balancer(config: ConfigInput | Config): Promise<WorldBalancer>;
  /** Sends GET. As `request`. */
  get(path: string, options?: RequestOptions): Promise<ClientAnswer>;
  /** Sends a request over a connection of its own. Resolves also when no answer comes. */
  request(method: string, path: string, options?: RequestOptions): Promise<ClientAnswer>;
  /** Lets so much time pass. */
  run(duration: Duration): Promise<void>;
  /**
   * Does this when so much time has passed: `world.after('5s', () => one.kill())`. What it throws,
   * or its promise is rejected with, is what the test is waiting for rejected with.
   */
  after(duration: Duration, act: () => void): void;
}

/** A new world, at its time 0, with nobody in it. */
export function createWorld({ seed = 1 }: WorldOptions = {}): World {
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`the seed is ${seed}: write a whole number below 2 ** 53`);
  }
  return new PretendedWorld(seed);
}

const LINE_BYTES = 1024;

class PretendedWorld implements World {
  readonly exchanges: WorldExchange[] = [];
  readonly events: WorldEvent[] = [];
  readonly lines: string[] = [];
  private readonly clock: SimClock = createSimClock();
  private readonly driver = new Driver(this.clock);
  private readonly rng: Rng;
  private readonly network: SimNetwork;
  private readonly format = createTextFormat(() => 0, false);
  private readonly out = new LineBytes(LINE_BYTES);
  /** Where there are backends. */
  private readonly places = new Set<string>();
  /** Null: it does not listen yet. */
  private rehearsal: Rehearsal | null = null;
  private hasBalancer = false;

  constructor(seed: number) {
    this.rng = createRng(seed);
    this.network = createSimNetwork({ clock: this.clock, rng: this.rng.fork() });
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  backend(url: string, answering: Answering = () => response(url)): FakeBackend {
    const server = new Server({ clock: this.clock, network: this.network }, url, answering);
    const place = `${server.at.host.toLowerCase()}:${server.at.port}`;
    if (this.places.has(place)) {
      throw new Error(`this world has a backend at ${place}: use that, or another host or port`);
    }
    this.places.add(place);
    return server;
  }

  async balancer(given: ConfigInput | Config): Promise<WorldBalancer> {
    const config = configOf(given);
    if (this.hasBalancer) throw new Error('this world has its balancer: make another world');
    this.hasBalancer = true;
    const { clock, network, rng, driver } = this;
    const log = this.log();
    const rehearsal = await driver.until<Rehearsal>((done) => {
      const begun = startRehearsal({ config, clock, network, rng, log, ready: () => done(begun) });
    });
    this.rehearsal = rehearsal;
    return balancerOf(rehearsal, driver, config);
  }

  get(path: string, options?: RequestOptions): Promise<ClientAnswer> {
    return this.request('GET', path, options);
  }

  async request(
    method: string,
    path: string,
    { headers = {}, body, from = '192.0.2.1', port, timeout = '10m' }: RequestOptions = {},
  ): Promise<ClientAnswer> {
    const { clock, network } = this;
    if (parseAddress(from) === null) {
      throw new Error(`a client is at an IP address, such as 192.0.2.1, not at ${show(from)}`);
    }
    const listener = this.listenerAt(port);
    const hasHost = Object.keys(headers).some((name) => name.toLowerCase() === 'host');
    const line = `${method} ${path} HTTP/1.1${hasHost ? '' : '\r\nHost: localhost'}`;
    const bytes = messageBytes(line, headers, body ?? null);
    const beganMs = clock.nowMs();
    const timeoutMs = milliseconds(timeout);
    return this.driver.until((done) => {
      const call = new Call(method === 'HEAD', (answer) => {
        patience.cancel();
        done({ ...answer, tookMs: clock.nowMs() - beganMs });
      });
      const patience = clock.wakeAt(beganMs + timeoutMs, () => call.giveUp());
      const target = { address: addressOfListener(listener), port: listener.port, tls: null };
      call.begin(network.transport(from).connect(target, call), bytes);
    });
  }

  run(duration: Duration): Promise<void> {
    const untilMs = this.nowMs + milliseconds(duration);
    return this.driver.until((done) => void this.clock.wakeAt(untilMs, () => done()));
  }

  after(duration: Duration, act: () => void): void {
    if (typeof act !== 'function') {
      throw new Error(`after ${duration} a function is called: write () => one.kill()`);
    }
    this.clock.wakeAt(this.nowMs + milliseconds(duration), () => {
      const result: unknown = act();
      if (result instanceof Promise) result.catch((error: unknown) => this.driver.handOn(error));
    });
  }

  private listenerAt(port: number | undefined): Balancer['listeners'][number] {
    if (this.rehearsal === null) {
      const what = this.hasBalancer ? 'the balancer does not listen' : 'there is no balancer';
      throw new Error(`${what}: await world.balancer(...)`);
    }
    const all = this.rehearsal.engine.listening();
    const found = port === undefined ? all[0] : all.find((each) => each.port === port);
    // One that has stopped refuses; its address is as good as any.
    return found ?? { address: '', host: null, port: port ?? 0 };
  }

  private log(): Log {
    const { format, out, clock } = this;
    return {
      exchange: (record) => {
        this.exchanges.push({ ...record, end: endCode(record.failure) });
        format.exchange(record, out);
        this.lines.push(toLatin1(out.take()).trimEnd());
      },
      event: (level, event, message, fields = {}) => {
        this.events.push({ atMs: clock.nowMs(), level, event, message, fields });
        this.lines.push(format.event(clock.wallMs(), level, event, message).trimEnd());
      },
    };
  }
}

const response = (url: string) => ({ body: `Response from ${new URL(url).hostname}` });

/** Throws where it has mistakes, with all of them. */
function configOf(given: ConfigInput | Config): Config {
  if (typeof given !== 'object' || given === null) {
    const instead = 'write it here, or give the config that loadConfig has read';
    throw new Error(`a configuration is an object, not ${show(given)}: ${instead}`);
  }
  if (given instanceof Promise) throw new Error('a configuration is an object: await this promise');
  if ('tableSize' in given) return given;
  if ('config' in given) {
    throw new Error('give the config that loadConfig has read: (await loadConfig(file)).config');
  }
  const result = configFromValue(
    asMapping(given) === null ? given : withUrls(given),
    new Report(''),
    '.',
  );
  if ('config' in result) return result.config;
  throw new Error(formatDiagnostics(result.diagnostics));
}

/** With the URLs of fake backends that stand in it themselves. */
function withUrls(given: object): object {
  const { backends, pools } = given as Mapping;
  const named = asMapping(pools);
  return {
    ...given,
    ...(Array.isArray(backends) ? { backends: backends.map(urlOf) } : {}),
    ...(named === null ? {} : { pools: Object.fromEntries(Object.entries(named).map(inPool)) }),
  };
}

const inPool = ([name, pool]: [string, unknown]): [string, unknown] => {
  const value = asMapping(pool);
  return [name, value === null ? pool : withUrls(value)];
};

function urlOf(backend: unknown): unknown {
  if (backend instanceof Server) return backend.url;
  const item = asMapping(backend);
  return item?.url instanceof Server ? { ...item, url: item.url.url } : backend;
}

function balancerOf(
  { engine, controller }: Rehearsal,
  driver: Driver,
  { shutdown }: Config,
): WorldBalancer {
  return {
    get listeners() {
      return engine.listening();
    },
    status: () => controller.status(),
    ready: () => controller.ready(),
    drain: (pool, backend) => controller.drain(pool, backend),
    reload: async (given) => {
      const config = configOf(given);
      const { problem } = await driver.until<{ problem: string | null }>((done) =>
        controller.reload(config, done),
      );
      return problem === null ? [] : [problem];
    },
    stop: ({ timeoutMs = shutdown.timeoutMs } = {}) =>
      driver.until<void>((done) => controller.stop({ timeoutMs }, done)),
  };
}
