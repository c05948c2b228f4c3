/** Which runtime this is, and so which sockets carry the traffic. */
import type { Transport } from '../core/base/transport.ts';
import { createBunTransport } from './bun/sockets.ts';
import { createNodeTransport } from './node/sockets.ts';

export interface TransportOptions {
  /** Other threads of this process listen on the same ports, see `canSharePorts`. */
  readonly sharesPorts: boolean;
}

const isBun = process.versions.bun !== undefined;

/** The transport of this thread, on the runtime's own sockets. */
export function createTransport({ sharesPorts }: TransportOptions): Transport {
  return isBun ? createBunTransport(sharesPorts) : createNodeTransport(sharesPorts);
}

/** Whether this runtime lets several threads listen on one port: Bun, and Node from 22.12 on. */
export function canSharePorts(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return isBun || major > 22 || (major === 22 && minor >= 12);
}
