/** Which runtime this is, and so which sockets carry the traffic. */
import type { Transport } from '../core/base/transport.ts';
import { createBunTransport } from './bun/sockets.ts';
import { createNodeTransport } from './node/sockets.ts';

/** The transport of this thread, on the runtime's own sockets. */
export function createTransport(): Transport {
  return process.versions.bun === undefined ? createNodeTransport() : createBunTransport();
}
