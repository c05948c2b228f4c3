/**
 * `evenkeel backend PORT NAME`: a backend to try things with. It answers `Response from NAME` to
 * everything, and 200 on `/health`. It says in `Backend-Load` how busy it is (docs/policies.md).
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LoadMeter } from '../core/balancing/load-meter.ts';
import { describePortOwner, portOwner } from '../platform/node/port-owner.ts';
import { installSignals } from '../platform/node/signals.ts';
import { ExitCode } from './exit-code.ts';
import { explainListenFailure } from './listen-errors.ts';
import type { Terminal } from './terminal.ts';

/** What is in flight gets so long when the backend is stopped. */
const STOP_MS = 5_000;

/** The server, not yet listening. Once it is closed, answers end their connections. */
export function createBackend(name: string): Server {
  const meter = new LoadMeter();
  const server = createServer((request, response) => {
    const met = meter.begin();
    const beganMs = performance.now();
    response.on('close', () => meter.end(met, performance.now() - beganMs));
    const isProbe = request.url === '/health' || request.url?.startsWith('/health?') === true;
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    // A body is read to its end, so that the connection can be used again.
    request.resume();
    request.on('end', () => {
      if (!server.listening) response.setHeader('connection', 'close');
      response.setHeader('backend-load', meter.report());
      response.end(isProbe ? 'ok\n' : `Response from ${name}\n`);
    });
  });
  return server;
}

/** Listens on every address, IPv4 and IPv6; rejects with the system's error. */
export function listenBackend(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Stops accepting and resolves when what was in flight has been answered. */
export function stopBackend(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), STOP_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

const FAILURE_KINDS = { EADDRINUSE: 'address_in_use', EACCES: 'not_permitted' } as const;

/** `withInput`: stop as well when standard input ends, which is when the parent is gone. */
export async function backend(
  terminal: Terminal,
  portText: string,
  name: string,
  withInput: boolean,
): Promise<ExitCode> {
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) {
    terminal.err(`evenkeel: "${portText}" is not a port; write one from 1 to 65535\n`);
    return ExitCode.usage;
  }
  const server = createBackend(name);
  try {
    const actual = await listenBackend(server, port);
    terminal.out(`${name} listens on http://localhost:${actual}; stop it with Ctrl-C\n`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const kind = FAILURE_KINDS[code as keyof typeof FAILURE_KINDS] ?? 'internal';
    const failed = { listener: { host: null, port }, failure: { kind, cause: message } };
    const owner = describePortOwner(portOwner(port));
    const change = `choose another port: evenkeel backend PORT ${name}`;
    terminal.err(explainListenFailure(failed, owner, change));
    return ExitCode.failure;
  }
  const code = await untilToldToStop(withInput);
  if (code === ExitCode.ok) await stopBackend(server);
  return code;
}

function untilToldToStop(withInput: boolean): Promise<ExitCode> {
  return new Promise((resolve) => {
    const stop = (): void => resolve(ExitCode.ok);
    installSignals({
      stop,
      force: () => process.exit(ExitCode.failure),
      reload: stop,
      reopen: () => {},
    });
    if (withInput) process.stdin.on('end', stop).on('error', stop).resume();
  });
}
