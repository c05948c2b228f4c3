/** Which runtime this is, and so which sockets carry the traffic. */
import { closeSync } from 'node:fs';
import type { Transport } from '../core/base/transport.ts';
import { findBunRuntime } from './bun/ffi.ts';
import { createBunTransport } from './bun/sockets.ts';
import { Descriptors } from './kernel/descriptors.ts';
import type { Runtime } from './kernel/libc.ts';
import { createKernelIo, type ThreadIo } from './kernel/transport.ts';
import { createNodeClock } from './node/clock.ts';
import { findNodeRuntime } from './node/koffi.ts';
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

export interface WorkerTransportOptions extends TransportOptions {
  /** From `descriptorMemory`. */
  readonly descriptors: ArrayBufferLike;
}

/**
 * The fastest transport there is for a thread that carries traffic and does nothing else, and the
 * clock that goes with it.
 */
export function createWorkerTransport(options: WorkerTransportOptions): ThreadIo {
  const { sharesPorts, descriptors } = options;
  const runtime = findRuntime();
  if (runtime !== null) return createKernelIo(runtime, new Descriptors(descriptors), sharesPorts);
  return { transport: createTransport(options), clock: createNodeClock() };
}

/** How this runtime calls the kernel itself; null: it cannot, here. */
export function findRuntime(): Runtime | null {
  return isBun ? findBunRuntime() : findNodeRuntime();
}

/** Where a worker writes down which descriptors it has; shared with the thread that starts it. */
export function descriptorMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(Descriptors.bytes);
}

/** Closes what a worker that has ended has left open. */
export function closeLeft(descriptors: ArrayBufferLike): void {
  for (const fd of new Descriptors(descriptors).take()) {
    try {
      closeSync(fd);
    } catch {
      // Ended just before it came to close it, or just after.
    }
  }
}

/** Whether this runtime lets several threads listen on one port: Bun, and Node from 22.12 on. */
export function canSharePorts(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return isBun || major > 22 || (major === 22 && minor >= 12);
}
