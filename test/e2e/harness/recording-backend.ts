/**
 * A backend on a raw socket that writes down every byte it gets, reads requests with the strict
 * reader, and answers `ok`, or plays a script of raw bytes. A request for `/canary-...` is always
 * answered with its own target as body: the proof that answers are not mixed up.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Cut, cutBytes } from './cut.ts';
import { fieldValue, type RequestMessage, RequestReader } from './strict-reader.ts';

/** What the backend does after its bytes: keeps the connection, ends it with FIN, or resets it. */
export type After = 'keep' | 'fin' | 'rst';

export interface Script {
  /** latin1: each character is one byte. */
  readonly bytes: string;
  readonly after: After;
  /**
   * `whole` (the default): once the request has been read whole; `head`: once its head has;
   * `late`: a moment after it is whole, in which no further byte may come.
   */
  readonly when?: 'head' | 'whole' | 'late';
}

export interface SeenConnection {
  readonly id: number;
  /** Every byte it sent us, latin1. */
  received: string;
  /** Requests whose head was read, canaries apart, also those that never became whole. */
  readonly requests: RequestMessage[];
  /** The strict reader's complaint. */
  problem: () => string | null;
  /** Bytes after an upgrade. */
  tunnelled: () => string;
  /** How the balancer ended it; null: it is open. */
  ended: 'fin' | 'rst' | null;
  /** A request is whole and its answer has not begun: nothing may come now. */
  owesAnswer: boolean;
}

export interface SeenRequest {
  readonly connection: SeenConnection;
  readonly message: RequestMessage;
}

const lateMs = 30;

export class RecordingBackend {
  /** Whole requests other than canaries, in order. */
  requests: SeenRequest[] = [];
  /** The connection that brought each canary, by its target. */
  readonly canaries = new Map<string, SeenConnection>();
  /** All connections since the last `forget()`, and those still open from before. */
  connections: SeenConnection[] = [];
  /** Scripts for the next requests in turn; the last one goes on being played. Empty: `ok`. */
  private scripts: readonly Script[] = [];
  private played = 0;
  private cut: Cut = 'whole';
  private readonly server: Server;
  private readonly sockets = new Map<Socket, SeenConnection>();
  private nextId = 1;

  constructor() {
    this.server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.accept(socket);
    });
  }

  async start(port = 0): Promise<void> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.keys()) socket.destroy();
    this.server.close();
    if (this.server.listening) await once(this.server, 'close');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on requests get these answers. */
  play(scripts: readonly Script[], cut: Cut = 'whole'): void {
    this.scripts = scripts;
    this.played = 0;
    this.cut = cut;
  }

  /** A clean sheet: nothing seen, nothing scripted. Open connections go on, unless unreadable. */
  forget(): void {
    this.requests = [];
    this.canaries.clear();
    this.play([]);
    for (const [socket, connection] of this.sockets) {
      connection.received = '';
      connection.requests.length = 0;
      if (connection.problem() !== null || connection.tunnelled() !== '') socket.destroy();
    }
    this.connections = [...this.sockets.values()].filter(
      (connection) => connection.ended === null && connection.problem() === null,
    );
  }

  /** Ends these connections with FIN and waits until the balancer has closed its side. */
  async end(connections: readonly SeenConnection[]): Promise<void> {
    const open = [...this.sockets].filter(([, seen]) => connections.includes(seen));
    const closed = open.map(([socket]) => once(socket, 'close'));
    for (const [socket] of open) socket.end();
    const patience = setTimeout(() => {
      for (const [socket] of open) socket.destroy();
    }, 500);
    await Promise.all(closed);
    clearTimeout(patience);
  }

  private accept(socket: Socket): void {
    let hasty = false;
    const reader = new RequestReader(
      (request) => {
        if (!isCanary(request)) seen.requests.push(request);
        this.onHead(socket, request);
      },
      (request) => {
        hasty ||= reader.hasMore;
        this.onWhole(socket, reader, seen, request);
      },
    );
    const seen: SeenConnection = {
      id: this.nextId++,
      received: '',
      requests: [],
      problem: () => reader.problem ?? (hasty ? 'bytes before the answer' : null),
      tunnelled: () => reader.raw,
      ended: null,
      owesAnswer: false,
    };
    this.connections.push(seen);
    this.sockets.set(socket, seen);
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      hasty ||= seen.owesAnswer;
      seen.received += text;
      reader.push(text);
    });
    socket.on('end', () => {
      seen.ended ??= 'fin';
      socket.end();
    });
    socket.on('error', () => {
      seen.ended ??= 'rst';
    });
    socket.on('close', () => {
      seen.ended ??= 'fin';
      this.sockets.delete(socket);
    });
  }

  private onHead(socket: Socket, request: RequestMessage): void {
    if (isCanary(request)) return;
    if (this.scripts[this.turn()]?.when === 'head') {
      this.perform(socket, this.scripts[this.played++]);
    } else if (fieldValue(request.fields, 'expect') !== null) {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
  }

  private onWhole(
    socket: Socket,
    reader: RequestReader,
    seen: SeenConnection,
    request: RequestMessage,
  ): void {
    if (isCanary(request)) {
      this.canaries.set(request.target, seen);
      answer(socket, request, request.target);
      return;
    }
    this.requests.push({ connection: seen, message: request });
    if (this.scripts.length === 0) {
      answer(socket, request, 'ok');
      return;
    }
    const script = this.scripts[this.turn()];
    if (script.when === 'head') return;
    this.played++;
    const answerIt = (): void => {
      seen.owesAnswer = false;
      if (script.bytes.startsWith('HTTP/1.1 101 ')) reader.becomeRaw();
      this.perform(socket, script);
    };
    seen.owesAnswer = script.when === 'late';
    if (script.when === 'late') setTimeout(answerIt, lateMs);
    else answerIt();
  }

  private turn(): number {
    return Math.min(this.played, this.scripts.length - 1);
  }

  private perform(socket: Socket, script: Script): void {
    const pieces = cutBytes(Buffer.from(script.bytes, 'latin1'), this.cut);
    const next = (): void => {
      const piece = pieces.shift();
      if (socket.destroyed) return;
      if (piece === undefined) {
        // The reset must not overtake the bytes before it: the balancer gets a moment to read them.
        if (script.after === 'rst') setTimeout(() => socket.resetAndDestroy(), 20);
        else if (script.after === 'fin') socket.end();
        return;
      }
      socket.write(piece);
      setImmediate(next);
    };
    next();
  }
}

function isCanary(request: RequestMessage): boolean {
  return request.target.startsWith('/canary-');
}

function answer(socket: Socket, request: RequestMessage, body: string): void {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(request.method === 'HEAD' ? head : head + body, 'latin1');
}
