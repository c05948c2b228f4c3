/**
 * No backend ever has more exchanges and tunnels than `max_requests` says, nor more connections
 * than `max_connections`, and nobody waits for room there longer than allowed.
 */
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

/** How often a queue looks, and time to be late. */
const LOOK_MS = 20;

export function createLimits(world: World, fail: Fail): Checker {
  const { maxRequests, maxBackendConnections, queue } = world.options;
  const { operatorEveryMs, workerDiesEveryMs, namesChangeEveryMs } = world.options;
  // A backend that is taken out and listed again is another one, at the same address, and so are
  // two whose names have been swapped; and nobody sees the connections of a worker that dies close.
  const changes = [operatorEveryMs, workerDiesEveryMs, namesChangeEveryMs];
  const isSteady = changes.every((change) => change === null);
  const isBounded = maxBackendConnections > 0 && isSteady;
  return {
    name: 'limits',
    logged(_request, { target, attempts, queueMs }) {
      // Each attempt may wait, and one that finds nobody in the end is none.
      const mostMs = (attempts + 1) * (queue.timeoutMs + LOOK_MS);
      if (queueMs > mostMs) fail(`${target} waited ${queueMs} ms, ${mostMs} ms are allowed`);
    },
    picked(slot) {
      const { table } = world.balancer;
      const busy = table.inFlight(slot) + table.tunnels(slot);
      if (maxRequests > 0 && busy > maxRequests) {
        fail(`slot ${slot} has ${busy} in flight, ${maxRequests} are allowed`);
      }
    },
    dialled(address, open) {
      if (!isBounded || open <= maxBackendConnections) return;
      fail(`${address} has ${open} connections, ${maxBackendConnections} are allowed`);
    },
  };
}
