import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe } from 'vitest';
import { createSimClock } from '../../sim/clock.ts';
import { createSimNetwork, type SimNetworkOptions } from '../../sim/network.ts';
import { createRng } from '../../src/core/base/rng.ts';
import type { Target, Transport } from '../../src/core/base/transport.ts';
import { createBunTransport } from '../../src/platform/bun/sockets.ts';
import { createKernelIo } from '../../src/platform/kernel/transport.ts';
import { createNodeClock } from '../../src/platform/node/clock.ts';
import { createNodeTransport } from '../../src/platform/node/sockets.ts';
import { findRuntime } from '../../src/platform/transport.ts';
import { clockConformance } from './clock.ts';
import { transportConformance } from './transport.ts';
import type { TransportWorld } from './transport-world.ts';

const PATIENCE_MS = 20_000;

clockConformance('the platform', () => ({ clock: createNodeClock(), until: untilReally }));
clockConformance('the simulator', () => {
  const clock = createSimClock();
  return { clock, until: async (done) => runUntil(() => clock.step(), done) };
});

transportConformance('the platform', () => createRealWorld(createNodeTransport()));
const onBun = process.versions.bun !== undefined;
describe.skipIf(onBun)('on Node', () => {
  transportConformance('the platform, by its streams alone', () =>
    createRealWorld(createNodeTransport(false, false)),
  );
});
describe.skipIf(!onBun)('on Bun', () => {
  transportConformance("Bun's own sockets", () => createRealWorld(createBunTransport()));
});
const runtime = findRuntime();
describe.skipIf(runtime === null)('with the calls of the kernel', () => {
  if (runtime === null) return;
  const { transport, clock } = createKernelIo(runtime);
  transportConformance('the kernel', () => createRealWorld(transport, clock));
  clockConformance('the loop of the kernel', () => ({ clock, until: untilReally }));
});
transportConformance('the simulator, benign and without latency', () =>
  createSimWorld(
    { latencyForthMs: [0, 0], latencyBackMs: [0, 0], relayChance: [1, 1] },
    2_000_000,
    true,
  ),
);
transportConformance('the simulator, with everything late and cut at random', () =>
  createSimWorld(
    {
      latencyForthMs: [0.1, 20],
      latencyBackMs: [0, 5],
      acceptDelayMs: [0, 10],
      closeDelayMs: [0, 50],
      delivery: 'random',
      relayChance: [1, 2],
      clogChance: [1, 20],
      clogMs: [1, 30],
      sendBufferBytes: 30_000,
    },
    400_000,
    false,
  ),
);
transportConformance('the simulator, byte by byte', () =>
  createSimWorld({ delivery: 'bytes', sendBufferBytes: 5000 }, 120_000, false),
);

async function untilReally(done: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > deadline) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Runs pretended time; what waits for events that nobody planned waits in vain. */
function runUntil(step: () => boolean, done: () => boolean): void {
  while (!done()) {
    if (!step()) throw new Error('nothing is planned that could bring it about');
  }
}

async function createSimWorld(
  options: Partial<SimNetworkOptions>,
  bulkBytes: number,
  instant: boolean,
): Promise<TransportWorld> {
  const clock = createSimClock();
  const network = createSimNetwork({ clock, rng: createRng(1), options });
  network.blackHole('10.0.0.3');
  return {
    clock,
    server: network.transport('10.0.0.1'),
    client: network.transport('10.0.0.1'),
    address: '10.0.0.1',
    closedPort: 9,
    blackHole: { address: '10.0.0.3', port: 80, tls: null },
    bulkBytes,
    instant,
    until: async (done) => runUntil(() => clock.step(), done),
    close: async () => {},
  };
}

async function createRealWorld(
  transport: Transport,
  clock = createNodeClock(),
): Promise<TransportWorld> {
  const hole = await createBlackHole();
  return {
    clock,
    server: transport,
    client: transport,
    address: '127.0.0.1',
    closedPort: await closedPort(),
    blackHole: hole.target,
    bulkBytes: 12_000_000,
    instant: true,
    until: untilReally,
    close: hole.close,
  };
}

/** A port that was free a moment ago; the system gives out others first. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A listener whose thread sleeps and whose short queue is full: the kernel drops every further SYN,
 * which is what a host behind a silent firewall looks like.
 */
async function createBlackHole(): Promise<{ target: Target; close: () => Promise<void> }> {
  const lock = new SharedArrayBuffer(4);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const server = require('node:net').createServer((socket) => socket.destroy());
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(workerData), 0, 0);
      server.close();
    });`;
  const worker = new Worker(program, { eval: true, workerData: lock });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const fillers: net.Socket[] = [];
  for (let full = false; !full; ) {
    const filler = net.connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    full = await Promise.race([
      new Promise<boolean>((resolve) => filler.once('connect', () => resolve(false))),
      new Promise<boolean>((resolve) => setTimeout(resolve, 150, true)),
    ]);
  }
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    Atomics.store(new Int32Array(lock), 0, 1);
    Atomics.notify(new Int32Array(lock), 0);
    await worker.terminate();
  };
  return { target: { address: '127.0.0.1', port, tls: null }, close };
}
