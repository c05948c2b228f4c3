/**
 * Backends that break HTTP on purpose: bytes after a response, answers before the request is
 * whole, floods of interim answers. Each request names itself in its target, and gets that back.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type RequestMessage, RequestReader } from '../e2e/harness/strict-reader.ts';

/** What a backend does with one request; `connection` counts from 1 at each backend. */
export type Behaviour = (socket: Socket, request: RequestMessage, connection: Visit) => void;

/** A connection to such a backend. */
export interface Visit {
  readonly backend: number;
  readonly number: number;
  readonly openedWallMs: number;
  closedWallMs: number;
  requests: number;
}

export class HostileBackend {
  readonly visits: Visit[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  /** `when`: at the head of a request, or once it is whole. */
  constructor(backend: number, behave: Behaviour, when: 'head' | 'whole' = 'whole') {
    this.server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const visit: Visit = {
        backend,
        number: this.visits.length + 1,
        openedWallMs: Date.now(),
        closedWallMs: Number.POSITIVE_INFINITY,
        requests: 0,
      };
      this.visits.push(visit);
      this.sockets.add(socket);
      const act = (request: RequestMessage): void => {
        visit.requests++;
        behave(socket, request, visit);
      };
      const none = (): void => {};
      const reader = new RequestReader(when === 'head' ? act : none, when === 'whole' ? act : none);
      socket.on('data', (bytes) => reader.push(bytes.toString('latin1')));
      socket.on('end', () => socket.end());
      socket.on('error', () => {});
      socket.on('close', () => {
        visit.closedWallMs = Date.now();
        this.sockets.delete(socket);
      });
    });
  }

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Requests on all connections. */
  get requests(): number {
    return this.visits.reduce((sum, { requests }) => sum + requests, 0);
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }
}

export const response = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Answers as it should. */
export const honest: Behaviour = (socket, request) => {
  socket.write(response(request.target));
};

/** The body of an answer that nobody asked for; it names the connection it came on. */
const poisonOf = ({ backend, number }: Visit): string => `poison ${backend} ${number}`;

/** When the bytes come that belong to no response. */
export type Extra = 'coalesced' | 'same turn' | 'next turn' | 'late';

/** Answers, and sends another answer after it. */
export const poisoning =
  (extra: Extra): Behaviour =>
  (socket, request, visit) => {
    const good = response(request.target);
    const poison = response(poisonOf(visit));
    if (extra === 'coalesced') {
      socket.write(good + poison);
      return;
    }
    socket.write(good);
    const more = (): void => {
      if (socket.writable) socket.write(poison);
    };
    if (extra === 'same turn') more();
    else if (extra === 'next turn') setImmediate(more);
    else setTimeout(more, 1 + Math.floor(50 * Math.random()));
  };

/** Many interim answers, then the answer. */
export const flooding =
  (count: number): Behaviour =>
  (socket, request) => {
    const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
    const burst = hint.repeat(Math.min(100, count));
    let left = Math.ceil(count / 100);
    const go = (): void => {
      if (!socket.writable) return;
      if (left-- <= 0) {
        socket.write(response(request.target));
        return;
      }
      if (socket.write(burst)) setImmediate(go);
      else socket.once('drain', go);
    };
    go();
  };

/** Answers at once, whatever is still to come of the request, and then does this. */
export const early =
  (after: 'keep' | 'fin' | 'rst'): Behaviour =>
  (socket, request) => {
    socket.write(response(request.target));
    if (after === 'fin') socket.end();
    else if (after === 'rst') setImmediate(() => socket.resetAndDestroy());
  };
