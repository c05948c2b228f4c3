/** Nothing is left behind: no exchange, no socket, no timer, no count in the table. */
import { State } from '../../src/core/table/table.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createLeaks(_world: World, fail: Fail): Checker {
  return {
    name: 'leaks',
    atRest(world) {
      checkCounts(world, fail);
    },
    atEnd(world) {
      checkCounts(world, fail);
      const { table } = world.balancer;
      const { openSockets, pendingBytes } = world.network.stats;
      const { connections } = world.open();
      if (connections > 0) fail(`${connections} clients are connected`);
      if (openSockets > 0) fail(`${openSockets} sockets are open`);
      if (pendingBytes > 0) fail(`${pendingBytes} bytes are on their way`);
      for (const { wheel, fineWheel } of world.balancer.engines) {
        const timers = wheel.size + fineWheel.size;
        if (timers > 0) fail(`${timers} timers are in the wheels`);
      }
      for (let slot = 0; slot < table.capacity; slot++) {
        const open = table.connections(slot);
        if (open > 0) fail(`slot ${slot} counts ${open} connections`);
      }
    },
    afterEnd(world) {
      const planned = world.clock.pending();
      if (planned > 0) fail(`${planned} events are planned`);
    },
  };
}

function checkCounts(world: World, fail: Fail): void {
  const { table } = world.balancer;
  const { exchanges, tunnels } = world.open();
  if (exchanges !== 0) fail(`${exchanges} exchanges are open with no request on its way`);
  if (tunnels > 0) fail(`${tunnels} tunnels are open with no request on its way`);
  for (let slot = 0; slot < table.capacity; slot++) {
    const inFlight = table.inFlight(slot);
    if (inFlight > 0) fail(`slot ${slot} counts ${inFlight} in flight`);
    if (table.tunnels(slot) > 0) fail(`slot ${slot} counts ${table.tunnels(slot)} tunnels`);
    const isOurs = table.state(slot) !== State.free;
    if (isOurs && slot >= 8 * world.backends.length) fail(`slot ${slot} is still taken`);
  }
}
