/**
 * Whether a port is free, before threads share it: a shared port would be shared just as silently
 * with a stranger who shares it too. Linux tells who listens; elsewhere, and to have the system
 * choose a port, it is bound alone for a moment.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { Failure } from '../../core/base/failure.ts';
import type { ListenAddress } from '../../core/base/transport.ts';
import { listeningSockets } from './port-owner.ts';
import { listenFailure } from './socket-failures.ts';

const IN_USE = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' });

/** `done` once, from the loop, with the port: the one that the system chose for 0. */
export function claimPort(
  at: ListenAddress,
  done: (failure: Failure | null, port: number) => void,
): void {
  const taken = at.port === 0 ? null : isTaken(at, systemTables());
  if (taken === null) bindForAMoment(at, done);
  else if (taken) setImmediate(() => done(listenFailure(IN_USE, at), 0));
  else setImmediate(() => done(null, at.port));
}

export interface SocketTables {
  /** The texts of /proc/net/tcp and tcp6; null: there is no such file. */
  readonly v4: string | null;
  readonly v6: string | null;
}

/** Whether somebody listens where this would; null: it cannot be known. */
export function isTaken({ host, port }: ListenAddress, { v4, v6 }: SocketTables): boolean | null {
  const own = host === null ? null : hexOf(host);
  // A name, or an IPv6 address, which has many spellings.
  if (v4 === null || (host !== null && own === null)) return null;
  const listening = [v4, v6 ?? ''].flatMap((table) => listeningSockets(table, port));
  if (listening.length === 0) return false;
  // Whoever listens on every address has it; another one address is another place.
  if (own === null) return true;
  return listening.some(({ address }) => /^0+$/.test(address) || address === own);
}

/** An IPv4 address as the tables write it; null: it is none. */
function hexOf(host: string): string | null {
  if (!net.isIPv4(host)) return null;
  const bytes = host.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}

function systemTables(): SocketTables {
  return { v4: textOf('/proc/net/tcp'), v6: textOf('/proc/net/tcp6') };
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}

function bindForAMoment(
  at: ListenAddress,
  done: (failure: Failure | null, port: number) => void,
): void {
  const server = net.createServer();
  server.once('error', (error) => done(listenFailure(error, at), 0));
  const options: net.ListenOptions = { port: at.port, exclusive: true };
  if (at.host !== null) options.host = at.host;
  server.listen(options, () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : at.port;
    server.close(() => done(null, port));
  });
}
