/**
 * Those who ask one balancer: requests come at random, whatever has become of those before, as from
 * a great many people who know nothing of each other. Connections are kept and used again.
 */
import { latin1, toLatin1 } from '../../src/core/base/bytes.ts';
import type { Clock } from '../../src/core/base/clock.ts';
import { ln } from '../../src/core/base/math.ts';
import type { Rng } from '../../src/core/base/rng.ts';
import type { Socket, SocketHandler, Target, Transport } from '../../src/core/base/transport.ts';

const REQUEST = latin1('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
/** Bytes before the status in an answer. */
const STATUS_AT = 'HTTP/1.1 '.length;

interface ClientsWorld {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly transport: Transport;
  readonly balancer: Target;
  readonly perSecond: number;
  /** An exchange is over. `status`: 0: it broke off. */
  readonly ended: (askedMs: number, status: number) => void;
}

export class Clients {
  readonly world: ClientsWorld;
  /** When those asked who still wait. */
  readonly waiting = new Set<Connection>();
  private readonly idle: Connection[] = [];
  private stopped = false;

  constructor(world: ClientsWorld) {
    this.world = world;
  }

  begin(): void {
    const { clock, rng, perSecond } = this.world;
    const afterMs = (-ln((rng.next() + 1) / 0x100000000) * 1000) / perSecond;
    clock.wakeAt(clock.nowMs() + afterMs, () => {
      if (this.stopped) return;
      this.ask();
      this.begin();
    });
  }

  /** Nobody comes any more. */
  stop(): void {
    this.stopped = true;
  }

  private ask(): void {
    const connection = this.idle.pop() ?? new Connection(this);
    this.waiting.add(connection);
    connection.ask();
  }

  over(connection: Connection, status: number): void {
    this.waiting.delete(connection);
    this.world.ended(connection.askedMs, status);
  }

  /** It may be asked over again. */
  rest(connection: Connection): void {
    this.idle.push(connection);
  }

  forget(connection: Connection): void {
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }
}

class Connection implements SocketHandler {
  askedMs = 0;
  private readonly clients: Clients;
  private readonly socket: Socket;
  private isWaiting = false;
  private text = '';

  constructor(clients: Clients) {
    this.clients = clients;
    this.socket = clients.world.transport.connect(clients.world.balancer, this);
  }

  ask(): void {
    this.askedMs = this.clients.world.clock.nowMs();
    this.isWaiting = true;
    this.socket.write(REQUEST);
  }

  onOpen(): void {}

  onData(bytes: Uint8Array): void {
    this.text += toLatin1(bytes);
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /content-length: (\d+)/i.exec(this.text);
    if (this.text.length < end + 4 + Number(length?.[1] ?? 0)) return;
    const status = Number(this.text.slice(STATUS_AT, STATUS_AT + 3));
    const isLast = /connection: close/i.test(this.text);
    this.text = '';
    this.isWaiting = false;
    this.clients.over(this, status);
    if (isLast) this.socket.end();
    else this.clients.rest(this);
  }

  onDrain(): void {}

  onEnd(): void {
    this.socket.end();
  }

  onClose(): void {
    if (this.isWaiting) this.clients.over(this, 0);
    else this.clients.forget(this);
  }
}
