/**
 * Ten servers in one process, of which the last, or all, may be bad: `ten.js KIND SERVICE_MS
 * PORT...`. Each does four things at once, and each thing takes it `SERVICE_MS`; more than four
 * wait in line. They say how busy they are, for those who go by that; `GET /attempts` says how
 * often all of them were asked. Some kinds begin when SIGUSR2 comes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { LoadMeter } from '../../src/core/balancing/load-meter.ts';
import { isServerKind, type ServerKind } from './kinds.ts';
import { swallow } from './swallow.ts';

const AT_ONCE = 4;
/** Of those that are `slow`, and of `all-slow`. */
const SLOWER = 10;
const SOMEWHAT_SLOWER = 3;
/** What flaps is there for so long, and then is not. */
const UP_MS = 1500;
const DOWN_MS = 700;

class Desk {
  private readonly serviceMs: number;
  private busy = 0;
  private readonly line: ServerResponse[] = [];
  private readonly meter = new LoadMeter();

  constructor(serviceMs: number) {
    this.serviceMs = serviceMs;
  }

  ask(response: ServerResponse): void {
    const met = this.meter.begin();
    const beganMs = performance.now();
    response.on('close', () => this.meter.end(met, performance.now() - beganMs));
    if (this.busy === AT_ONCE) this.line.push(response);
    else this.serve(response, beganMs);
  }

  /** Whoever follows another begins when that was due: late timers take nothing from capacity. */
  private serve(response: ServerResponse, fromMs: number): void {
    this.busy += 1;
    const dueMs = fromMs + this.serviceMs;
    setTimeout(
      () => {
        this.busy -= 1;
        response.setHeader('backend-load', this.meter.report());
        response.end('answer\n');
        const next = this.line.shift();
        if (next !== undefined) this.serve(next, dueMs);
      },
      Math.ceil(dueMs - performance.now()),
    );
  }
}

/** Of all servers together. */
let attempts = 0;
let hasBegun = false;

function answer(kind: ServerKind, desk: Desk, request: IncomingMessage, to: ServerResponse): void {
  if (request.url === '/attempts') {
    to.end(String(attempts));
    return;
  }
  attempts += 1;
  if (kind === 'failing') to.writeHead(500).end('no\n');
  else if (kind === 'resetting' && hasBegun) request.socket.resetAndDestroy();
  else if (kind !== 'hanging') desk.ask(to);
}

function flap(server: Server, port: number): void {
  setTimeout(() => {
    server.close();
    server.closeAllConnections();
    setTimeout(() => {
      server.listen(port, '127.0.0.1');
      flap(server, port);
    }, DOWN_MS);
  }, UP_MS);
}

function slowness(kind: ServerKind): number {
  if (kind === 'slow') return SLOWER;
  return kind === 'all-slow' ? SOMEWHAT_SLOWER : 1;
}

function serve(port: number, kind: ServerKind, serviceMs: number): void {
  const desk = new Desk(serviceMs * slowness(kind));
  const server = createServer((request, response) => answer(kind, desk, request, response));
  server.keepAliveTimeout = 3_600_000;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  process.on('SIGUSR2', () => {
    hasBegun = true;
    if (kind === 'flapping') flap(server, port);
    if (kind === 'black-hole') swallow([server, ...sockets]);
  });
}

if (process.argv[1]?.endsWith('ten.js')) {
  const [kind, serviceMs, ...ports] = process.argv.slice(2);
  if (kind === undefined || !isServerKind(kind)) throw new Error(`no server is ${kind}`);
  process.setMaxListeners(ports.length + 1);
  const isForAll = kind === 'all-slow' || kind === 'resetting';
  ports.forEach((port, i) => {
    const isBad = isForAll || i === ports.length - 1;
    serve(Number(port), isBad ? kind : 'good', Number(serviceMs));
  });
}
