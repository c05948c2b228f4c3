/**
 * Real connections: the Transport port on `node:net` and `node:tls`, for Node and Bun.
 *
 * What it promises beyond the port: no 'error' event of a socket ever goes unheard, no delay
 * (Nagle) on any connection, and no allocation per read on outgoing plain connections.
 */
import net from 'node:net';
import tls from 'node:tls';
import { assert, type Failure } from '../../core/base/failure.ts';
import type {
  ListenAddress,
  Listener,
  Peer,
  Socket,
  SocketHandler,
  Target,
  TlsTarget,
  Transport,
} from '../../core/base/transport.ts';
import { failure } from '../../core/base/failure.ts';
import { closeReading, deliver, nextReadBuffer, writeBytes } from './socket-buffers.ts';
import { authority, brokenFailure, connectFailure, listenFailure } from './socket-failures.ts';

/** Connections the kernel may hold before we accept them; it lowers this to its own limit. */
const BACKLOG = 4096;

/** The transport of this thread. */
export function createNodeTransport(): Transport {
  return { listen, connect };
}
