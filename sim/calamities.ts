/** What befalls the world as a whole, now and then: processes die, networks fall silent. */

import type { Backend } from './backend.ts';
import type { Calamity } from './options.ts';
import type { World } from './world.ts';

const LASTS_MS = [10, 8000] as const;

/** One calamity after another, until the world heals. */
export function startCalamities(world: World): void {
  const { calamities, calamityEveryMs } = world.options;
  if (calamities.length === 0) return;
  world.after(world.drawMs(calamityEveryMs), () => {
    if (world.healed) return;
    strike(world, world.pick(calamities));
    startCalamities(world);
  });
}

/** One worker after another dies or hangs, until the world heals. */
export function startWorkerDeaths(world: World): void {
  const { workerDiesEveryMs, workers } = world.options;
  const { threads } = world.balancer;
  if (workerDiesEveryMs === null || threads === null) return;
  world.after(world.drawMs(workerDiesEveryMs), () => {
    if (world.healed) return;
    const worker = world.rng.below(workers);
    const how = world.pick(['die', 'die', 'hang'] as const);
    const atStake = world.pending().filter(({ at }) => at === world.balancer.addresses[worker]);
    if (threads.mayStrike(worker)) {
      world.note('fault', `worker ${worker} is made to ${how}`);
      for (const request of atStake) world.hit(request, `worker-${how}`);
      threads.strike(worker, how);
    }
    startWorkerDeaths(world);
  });
}

/** The wall clock is set, again and again, until the world heals. */
export function startClockJumps(world: World): void {
  const { clockJumps } = world.options;
  if (clockJumps === null) return;
  world.after(world.drawMs(clockJumps.everyMs), () => {
    if (world.healed) return;
    const { mostMs } = clockJumps;
    const byMs = Math.trunc(((world.rng.below(2001) - 1000) / 1000) * mostMs);
    world.note('fault', `the wall clock jumps by ${byMs} ms`);
    world.hitAll('clock-jump', () => true);
    world.tell((each) => each.clockJumps?.(byMs));
    world.clock.jump(byMs);
    startClockJumps(world);
  });
}

function strike(world: World, calamity: Calamity): void {
  if (calamity === 'black-hole-client') {
    const client = world.pick(world.clients);
    for (const request of client.waiting) world.hit(request, calamity);
    fallSilent(world, client.address);
    return;
  }
  if (calamity === 'backlog-ours') {
    fillBacklog(world, world.pick(world.balancer.addresses));
    return;
  }
  const backend = world.pick(world.backends);
  world.note('fault', `${calamity} befalls ${backend.name}`);
  if (calamity === 'backlog') {
    fillBacklog(world, backend.address);
    return;
  }
  if (calamity !== 'refuse') world.hits += backend.busy;
  world.hitAll(calamity, ({ attempts }) => attempts.current.backend?.config.name === backend.name);
  befall(world, calamity, backend);
}

function befall(
  world: World,
  calamity: Exclude<Calamity, 'black-hole-client' | 'backlog' | 'backlog-ours'>,
  backend: Backend,
): void {
  const lastsMs = world.drawMs(LASTS_MS);
  // It may move meanwhile.
  const { address } = backend;
  switch (calamity) {
    case 'kill':
      backend.die();
      world.after(lastsMs, () => backend.start());
      return;
    case 'reset-all':
      world.network.resetAll(address);
      return;
    case 'refuse':
      world.network.refusing.add(address);
      world.after(lastsMs, () => world.network.refusing.delete(address));
      return;
    case 'black-hole':
      fallSilent(world, address);
      return;
    case 'hang':
      backend.hanging = true;
      world.after(lastsMs, () => {
        backend.hanging = false;
      });
  }
}

function fillBacklog(world: World, address: string): void {
  const room = world.pick([0, 1, 100]);
  world.network.stopAccepting(address, room);
  world.note('fault', `nobody is accepted at ${address}, where ${room} may wait`);
  world.after(world.drawMs(LASTS_MS), () => world.network.acceptAgain(address));
}

function fallSilent(world: World, address: string): void {
  world.network.blackHole(address);
  world.note('fault', `nothing from or to ${address} arrives`);
  world.after(world.drawMs(LASTS_MS), () => world.network.heal(address));
}

/** Everything works again, from now on. */
export function healWorld(world: World): void {
  const { network } = world;
  world.healed = true;
  world.healedMs = world.clock.nowMs();
  world.note('world', 'heals');
  const none = [0, 1] as const;
  Object.assign(network.options, {
    resetChance: none,
    halfCloseLossChance: none,
    clogChance: none,
    acceptDelayMs: [0, 0],
    closeDelayMs: [0, 0],
  });
  network.refusing.clear();
  for (const backend of world.backends) backend.heal();
  world.names.heal();
  for (const { address } of [...world.backends, ...world.clients]) network.heal(address);
  for (const address of world.balancer.addresses) network.heal(address);
  for (const client of world.clients) client.heal();
}
