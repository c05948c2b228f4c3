/**
 * Much data through one connection, up and down, with a receiver that stops for a while: the
 * balancer reads little more than the receiver takes, and its memory stays as it is.
 *
 * What the balancer holds is worked out from outside: what one side has handed to its kernel,
 * less what waits in kernels, less what the other side has got.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Balancer, shortConfig } from '../e2e/harness/balancer.ts';
import { until } from '../e2e/harness/until.ts';
import { atMost, type Figure, mebibytes, type Scale, told } from './figures.ts';
import { MemoryWatch, queues, untilStill } from './process-figures.ts';

const piece = Buffer.alloc(8192, 'evenkeel');
const stillMs = 400;
const patienceMs = 600_000;

/** Sends so many bytes, one piece after the other has gone to the kernel. */
class Sender {
  /** Bytes that may be in the kernel; at most a piece too many. */
  sent = 0;
  private readonly socket: Socket;

  constructor(socket: Socket, total: number) {
    this.socket = socket;
    this.send(total);
  }

  private send(left: number): void {
    if (left <= 0 || this.socket.destroyed) return;
    const size = Math.min(left, piece.length);
    this.sent += size;
    this.socket.write(piece.subarray(0, size), () => this.send(left - size));
  }
}

/** Takes bytes; stops after so many of them, until told to go on. */
class Receiver {
  taken = 0;
  stalled = false;
  private readonly socket: Socket;
  private stallAt: number;

  constructor(socket: Socket, stallAt: number) {
    this.socket = socket;
    this.stallAt = stallAt;
    socket.on('data', (bytes) => this.take(bytes.length));
  }

  goOn(): void {
    this.stallAt = Number.POSITIVE_INFINITY;
    this.stalled = false;
    this.socket.resume();
  }

  take(bytes: number): void {
    this.taken += bytes;
    if (this.taken < this.stallAt) return;
    this.stalled = true;
    this.socket.pause();
  }
}

interface Ends {
  readonly client: Socket;
  readonly backend: Socket;
}

/** A balancer, a backend and one client connection that has come through to the backend. */
class Pipe {
  readonly balancer: Balancer;
  private readonly server: Server;

  private constructor(balancer: Balancer, server: Server) {
    this.balancer = balancer;
    this.server = server;
  }

  static async open(): Promise<Pipe> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const config = `${shortConfig([`http://127.0.0.1:${port}`])}timeouts: {idle: 300s}\n`;
    return new Pipe(await Balancer.start({ config }), server);
  }

  /** Sends this head; resolves when the backend has got its first bytes, which it still has. */
  async begin(head: string): Promise<Ends> {
    const client = connect({ port: this.balancer.port, host: '127.0.0.1', noDelay: true });
    client.on('error', () => {});
    const arrived = once(this.server, 'connection') as Promise<[Socket]>;
    client.write(head);
    const [backend] = await arrived;
    backend.on('error', () => {});
    await once(backend, 'readable');
    return { client, backend };
  }

  /** Bytes on the way from one end to the other that the balancer's process holds itself. */
  held({ client, backend }: Ends, up: boolean, sent: number, gotFromKernel: number): number {
    const { port } = this.balancer;
    const backendPort = (this.server.address() as AddressInfo).port;
    const clientPort = client.localPort!;
    const dialedFrom = backend.remotePort!;
    const kernels = up
      ? queues(clientPort, port).unsent +
        queues(port, clientPort).unread +
        queues(dialedFrom, backendPort).unsent +
        queues(backendPort, dialedFrom).unread
      : queues(backendPort, dialedFrom).unsent +
        queues(dialedFrom, backendPort).unread +
        queues(port, clientPort).unsent +
        queues(clientPort, port).unread;
    return sent - gotFromKernel - kernels;
  }

  async close(): Promise<void> {
    await this.balancer.stop('SIGKILL');
    this.server.close();
  }
}

interface Passage {
  /** What the balancer held while the receiver stood still, bytes. */
  readonly held: number;
  /** Bytes that did not come, or came too many. */
  readonly missing: number;
}

const headOf = (up: boolean, total: number): string =>
  up
    ? `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`
    : 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Moves `total` bytes; with `stalls` the receiver stands still after a quarter of them. */
async function pass(pipe: Pipe, up: boolean, total: number, stalls: boolean): Promise<Passage> {
  const ends = await pipe.begin(headOf(up, total));
  const { client, backend } = ends;
  const headBytes = (backend.read() as Buffer | null)?.indexOf('\r\n\r\n') ?? -1;
  if (headBytes === -1) throw new Error('the head did not come in one piece');
  // What the receiver's kernel gives it besides the body.
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${up ? 0 : total}\r\n\r\n`;
  if (!up) backend.write(answer);
  const [from, to] = up ? [client, backend] : [backend, client];
  const receiver = new Receiver(to, stalls ? total / 4 : Number.POSITIVE_INFINITY);
  const before = up ? to.bytesRead : 0;
  const sender = new Sender(from, total);
  let held = 0;
  if (stalls) {
    await until('the receiver stands still', () => receiver.stalled, patienceMs);
    await untilStill(() => sender.sent, stillMs);
    held = pipe.held(ends, up, sender.sent, to.bytesRead - before);
    receiver.goOn();
  }
  const wanted = (): boolean => receiver.taken >= total;
  await until('all has come', wanted, patienceMs);
  if (up) backend.write(answer);
  // The head of a response is counted among what the client takes.
  const extra = receiver.taken - total;
  client.destroy();
  backend.destroy();
  return { held, missing: up ? extra : Math.max(0, extra - answer.length - 1000) };
}

/** `started`: the event of that name. */
export const isBun = (started: Record<string, unknown> | null): boolean =>
  String(started?.runtime).startsWith('Bun');

/** On Bun a read cannot be told to bring less than 512 KiB (docs/decisions/bun-sockets.md). */
export const mostHeldKiB = (started: Record<string, unknown> | null): number =>
  isBun(started) ? 256 + 512 : 256;

/** Both directions, each as fast as it goes and with a receiver that stands still. */
export async function bulk(scale: Scale): Promise<Figure[]> {
  const total = (scale === 'full' ? 1024 : 64) * 1024 * 1024;
  const figures: Figure[] = [told('bulk: MiB each way', mebibytes(total))];
  for (const up of [true, false]) {
    const pipe = await Pipe.open();
    const start = pipe.balancer.residentBytes();
    // The runtime's young generation grows to its bound with whatever flows first: not with what
    // waits, and not for ever.
    await pass(pipe, up, total, false);
    const before = pipe.balancer.residentBytes();
    for (const stalls of [false, true]) {
      const name = `${up ? 'up' : 'down'}${stalls ? ', receiver stalls' : ''}`;
      const memory = new MemoryWatch(pipe.balancer);
      const { held, missing } = await pass(pipe, up, total, stalls);
      const grown = mebibytes(memory.stop() - before);
      figures.push(atMost(`${name}: memory grows by, MiB`, grown, 16));
      figures.push(atMost(`${name}: bytes too many`, missing, 0));
      const inMemory = mostHeldKiB(await pipe.balancer.logged('started', patienceMs));
      // What goes down unseen may stand in a pipe of the kernel's (src/platform/kernel/pipes.ts).
      const most = up ? inMemory : Math.max(inMemory, 512);
      if (stalls) figures.push(atMost(`${name}: held by the balancer, KiB`, held / 1024, most));
    }
    const since = mebibytes(pipe.balancer.residentBytes() - start);
    figures.push(told(`${up ? 'up' : 'down'}: memory more than at the start, MiB`, since));
    await pipe.close();
  }
  return figures;
}
