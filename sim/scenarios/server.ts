/**
 * A server of a scenario: some hands that do one exchange after the other, as fast as it is at the
 * moment. It answers each GET with a few bytes; what is more than its hands can do waits.
 */

import { LoadMeter } from '../../src/core/balancing/load-meter.ts';
import { latin1, toLatin1 } from '../../src/core/base/bytes.ts';
import type { Clock } from '../../src/core/base/clock.ts';
import { ln } from '../../src/core/base/math.ts';
import type { Rng } from '../../src/core/base/rng.ts';
import type { Listener, Socket, SocketHandler } from '../../src/core/base/transport.ts';
import type { SimNetwork } from '../network.ts';
import { SERVICE_MS } from './scenario.ts';

/** What comes of a request: its work, 500 at once, a reset, one of half of all, nothing ever. */
export type Mood = 'good' | 'failing' | 'resetting' | 'resetting_half' | 'hanging';

const PORT = 80;
const PROBE = 'GET /health ';
const FAILURE = latin1('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno');
const answer = (fields: string): Uint8Array =>
  latin1(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`);
const ANSWER = answer('');

interface ServerWorld {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly network: SimNetwork;
  /** It says in its answers how busy it is. */
  readonly reports: boolean;
}

export class Server {
  readonly address: string;
  /** So much faster than others. */
  speed = 1;
  mood: Mood = 'good';
  /** What has come since it was set to 0; probes do not count. */
  arrived = 0;
  readonly clock: Clock;
  private readonly world: ServerWorld;
  private readonly hands: number;
  private busy = 0;
  private pausedUntilMs = 0;
  private readonly waiting: Visit[] = [];
  private readonly meter = new LoadMeter();
  private listener: Listener | null = null;

  constructor(world: ServerWorld, number: number, hands: number) {
    this.world = world;
    this.clock = world.clock;
    this.hands = hands;
    this.address = `10.0.0.${number}`;
    this.start();
  }

  start(): void {
    const transport = this.world.network.transport(this.address);
    const accept = (socket: Socket): SocketHandler => new Visit(this, socket);
    this.listener ??= transport.listen({ host: null, port: PORT }, accept, () => {});
  }

  /** Its connections are reset, new ones refused. */
  die(): void {
    this.listener = null;
    this.waiting.length = 0;
    this.world.network.kill(this.address);
  }

  /** It does nothing for a while: a garbage collector, a disk. */
  pause(ms: number): void {
    this.pausedUntilMs = this.clock.nowMs() + ms;
  }

  arrive(visit: Visit): void {
    this.arrived += 1;
    if (this.mood === 'failing') visit.answer(FAILURE);
    else if (this.resets()) visit.socket.reset();
    else if (this.mood !== 'hanging') this.admit(visit);
  }

  private resets(): boolean {
    if (this.mood === 'resetting_half') return this.world.rng.chance(1, 2);
    return this.mood === 'resetting';
  }

  private admit(visit: Visit): void {
    visit.met = this.meter.begin();
    visit.beganMs = this.clock.nowMs();
    if (this.busy < this.hands) this.serve(visit);
    else this.waiting.push(visit);
  }

  private serve(visit: Visit): void {
    const { clock, rng } = this.world;
    this.busy += 1;
    const workMs = (-ln((rng.next() + 1) / 0x100000000) * SERVICE_MS) / this.speed;
    const beginsMs = Math.max(clock.nowMs(), this.pausedUntilMs);
    clock.wakeAt(beginsMs + workMs, () => this.finish(visit));
  }

  private finish(visit: Visit): void {
    const { clock, pausedUntilMs } = this;
    if (clock.nowMs() < pausedUntilMs) {
      clock.wakeAt(pausedUntilMs, () => this.finish(visit));
      return;
    }
    this.busy -= 1;
    const { reports } = this.world;
    visit.answer(reports ? answer(`Backend-Load: ${this.meter.report()}\r\n`) : ANSWER);
    this.meter.end(visit.met, clock.nowMs() - visit.beganMs);
    this.next();
  }

  /** Whoever has left meanwhile is found out when it would be served. */
  private next(): void {
    for (;;) {
      const visit = this.waiting.shift();
      if (visit === undefined) return;
      if (!visit.gone) {
        this.serve(visit);
        return;
      }
      this.meter.end(visit.met, this.clock.nowMs() - visit.beganMs);
    }
  }
}

/** One connection to it. Requests come one at a time. */
class Visit implements SocketHandler {
  readonly socket: Socket;
  gone = false;
  /** Requests there when the present one came. */
  met = 0;
  beganMs = 0;
  private readonly server: Server;
  private text = '';

  constructor(server: Server, socket: Socket) {
    this.server = server;
    this.socket = socket;
  }

  answer(bytes: Uint8Array): void {
    if (!this.gone) this.socket.write(bytes);
  }

  onOpen(): void {}

  onData(bytes: Uint8Array): void {
    this.text += toLatin1(bytes);
    if (!this.text.endsWith('\r\n\r\n')) return;
    const isProbe = this.text.startsWith(PROBE);
    this.text = '';
    if (isProbe) this.answer(ANSWER);
    else this.server.arrive(this);
  }

  onDrain(): void {}

  onEnd(): void {
    this.socket.end();
  }

  onClose(): void {
    this.gone = true;
  }
}
