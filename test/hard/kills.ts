/** Backends that end, reset, freeze or vanish under load, and the balancer told to stop. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { BackendProcess } from '../e2e/harness/backend-process.ts';
import type { Balancer } from '../e2e/harness/balancer.ts';
import { type Outcome, plainGet } from '../e2e/harness/load.ts';
import { until } from '../e2e/harness/until.ts';
import { Battlefield, connections, loadOn, logged, waitMs } from './battlefield.ts';
import { atMost, type Figure, type Scale, told } from './figures.ts';
import { Tally } from './tally.ts';

/** How long all but one GET in a thousand may take; a busy machine must not fail a short run. */
const mostMs: Readonly<Record<Scale, number>> = { short: 15_000, full: 1000 };
const timesOf = (scale: Scale): number => (scale === 'full' ? 50 : 2);

async function onBattlefield(
  fight: (field: Battlefield) => Promise<Figure[]>,
  backlog = 1024,
): Promise<Figure[]> {
  const field = await Battlefield.open(backlog);
  try {
    return await fight(field);
  } finally {
    await field.close();
  }
}

const more = (tally: Tally, count: number): Promise<void> => {
  const enough = tally.count + count;
  return until('traffic goes on', () => tally.count >= enough, waitMs);
};

/** What happens to the victim, until it is as before. */
type Blow = (balancer: Balancer, victim: BackendProcess, tally: Tally) => Promise<void>;

const endedBy =
  (signal: NodeJS.Signals): Blow =>
  async (balancer, victim, tally) => {
    await victim.kill(signal);
    await more(tally, 300);
    await victim.restart();
    await logged(balancer, 'backend_up', victim.name);
  };

const reset: Blow = async (_, victim, tally) => {
  victim.signal('SIGUSR2');
  await more(tally, 300);
};

async function strike(field: Battlefield, name: string, blow: Blow, scale: Scale) {
  const balancer = await field.balancer(scale);
  const tally = new Tally(name.replaceAll(/\W/g, ''));
  const load = loadOn(balancer, tally.request, tally.add);
  for (let n = 0; n < timesOf(scale); n++) {
    await more(tally, 300);
    balancer.forgetLogs();
    await blow(balancer, field.backends[n % field.backends.length], tally);
  }
  await load.stop();
  const figures = tally.figures(name, field.files, { part: 0.999, mostMs: mostMs[scale] });
  await balancer.stop('SIGKILL');
  return [told(`${name}: times`, timesOf(scale)), ...figures];
}

/** SIGKILL, SIGTERM and the reset of every connection of one backend of three. */
export const kills = (scale: Scale): Promise<Figure[]> =>
  onBattlefield(async (field) => [
    ...(await strike(field, 'SIGKILL', endedBy('SIGKILL'), scale)),
    ...(await strike(field, 'SIGTERM', endedBy('SIGTERM'), scale)),
    ...(await strike(field, 'RST', reset, scale)),
  ]);

/** Few, so that a frozen backend can be made one that takes no connection. */
const smallBacklog = 2 * connections;
/** More than the kernel holds then. */
const fillers = 2 * smallBacklog;

/** Takes up the room in the kernel, so that no further connection opens. */
function fill(victim: BackendProcess): Socket[] {
  return Array.from({ length: fillers }, () =>
    connect({ port: victim.port, host: '127.0.0.1' }).on('error', () => {}),
  );
}

/** How many exchanges that began while the victim was known to be down were tried there. */
function picksWhileDown(
  balancer: Balancer,
  victim: string,
  down: Record<string, unknown>,
  up: Record<string, unknown>,
): number {
  const [from, to] = [String(down.time), String(up.time)];
  return balancer.logs().filter(({ event, time, backend, attempts }) => {
    if (event !== 'exchange' || String(time) <= from || String(time) >= to) return false;
    return backend === victim || Number(attempts) > 1;
  }).length;
}

async function silence(field: Battlefield, name: string, scale: Scale, hole: boolean) {
  const tallies: Tally[] = [];
  let picks = 0;
  let slowestMs = 0;
  const figures: Figure[] = [];
  for (let n = 0; n < timesOf(scale); n++) {
    const victim = field.backends[n % field.backends.length];
    const balancer = await field.balancer(scale, true);
    const tally = new Tally(`${name.replaceAll(/\W/g, '')}${n}`);
    tallies.push(tally);
    const load = loadOn(balancer, tally.request, tally.add);
    await more(tally, 300);
    balancer.forgetLogs();
    const began = performance.now();
    victim.freeze();
    const sockets = hole ? fill(victim) : [];
    const down = await logged(balancer, 'backend_down', victim.name);
    slowestMs = Math.max(slowestMs, performance.now() - began);
    await more(tally, 500);
    for (const socket of sockets) socket.destroy();
    victim.thaw();
    const up = await logged(balancer, 'backend_up', victim.name);
    await load.stop();
    picks += picksWhileDown(balancer, victim.name, down, up);
    await balancer.stop('SIGKILL');
    figures.push(...tally.figures(name, field.files, { part: 1, mostMs: 15_000 }));
  }
  return [
    told(`${name}: times`, timesOf(scale)),
    told(`${name}: slowest detection, ms`, slowestMs),
    atMost(`${name}: picks after detection`, picks, 0),
    ...worst(figures),
  ];
}

/** Of figures that say the same: their sum, but of times the longest. */
function worst(figures: readonly Figure[]): Figure[] {
  const byName = new Map<string, Figure>();
  for (const each of figures) {
    const before = byName.get(each.what);
    const both = each.what.endsWith(' ms') ? Math.max : (a: number, b: number) => a + b;
    byName.set(each.what, {
      ...each,
      value: both(before?.value ?? 0, each.value),
      good: each.good && (before?.good ?? true),
    });
  }
  return [...byName.values()];
}

/** SIGSTOP: it accepts (the kernel does) and answers nothing. */
export const freezes = (scale: Scale): Promise<Figure[]> =>
  onBattlefield((field) => silence(field, 'SIGSTOP', scale, false));

/** Nothing opens any more, and what is open is silent. */
export const blackHoles = (scale: Scale): Promise<Figure[]> =>
  onBattlefield((field) => silence(field, 'black hole', scale, true), smallBacklog);

/** All three die at once: 503 until they are back. */
export const allDead = (scale: Scale): Promise<Figure[]> =>
  onBattlefield(async (field) => {
    const balancer = await field.balancer(scale);
    const seen = { dead: 0, not503: 0, got502: 0, after: 0, afterFailed: 0 };
    let answered = 0;
    for (let n = 0; n < timesOf(scale); n++) {
      let deadFrom = Number.POSITIVE_INFINITY;
      let deadTo = Number.POSITIVE_INFINITY;
      let upFrom = Number.POSITIVE_INFINITY;
      const load = loadOn(balancer, plainGet, ({ id, status }) => {
        answered++;
        if (id > upFrom) {
          seen.after++;
          if (status !== 200) seen.afterFailed++;
        } else if (id > deadFrom && id <= deadTo) {
          seen.dead++;
          if (status !== 503) seen.not503++;
        } else if (status === 502) seen.got502++;
      });
      const goesOn = async (count: number): Promise<void> => {
        const enough = answered + count;
        await until('answers come', () => answered >= enough, waitMs);
      };
      await goesOn(300);
      balancer.forgetLogs();
      await Promise.all(field.backends.map((backend) => backend.kill()));
      deadFrom = load.sent;
      await goesOn(500);
      deadTo = load.sent;
      await Promise.all(field.backends.map((backend) => backend.restart()));
      await field.allUp(balancer);
      upFrom = load.sent;
      await goesOn(300);
      await load.stop();
    }
    await balancer.stop('SIGKILL');
    const name = 'all three dead';
    return [
      told(`${name}: times`, timesOf(scale)),
      told(`${name}: requests meanwhile`, seen.dead),
      atMost(`${name}: answers other than 503`, seen.not503, 0),
      told(`${name}: 502 for what was in flight`, seen.got502),
      told(`${name}: requests after all are back`, seen.after),
      atMost(`${name}: failures after all are back`, seen.afterFailed, 0),
    ];
  });

const wayOf = ({ status, broken }: Outcome): string => (status === 0 ? broken : `status ${status}`);

/** SIGTERM of the balancer under load: no exchange that had begun fails. */
export const stops = (scale: Scale): Promise<Figure[]> =>
  onBattlefield(async (field) => {
    const outcomes: Outcome[] = [];
    let badExits = 0;
    for (let n = 0; n < timesOf(scale); n++) {
      const balancer = await field.balancer(scale);
      await balancer.logged('started', waitMs);
      const enough = outcomes.length + 500;
      const add = (outcome: Outcome): void => void outcomes.push(outcome);
      const load = loadOn(balancer, plainGet, add, false);
      await until('traffic flows', () => outcomes.length > enough, waitMs);
      const exited = once(balancer.process, 'exit');
      balancer.process.kill('SIGTERM');
      await load.ended();
      const [code] = await exited;
      if (code !== 0) badExits++;
    }
    const failed = outcomes.filter(({ status }) => status !== 200);
    const ways = new Set(failed.map(wayOf));
    return [
      told('balancer stops: times', timesOf(scale)),
      told('balancer stops: requests', outcomes.length),
      atMost('balancer stops: requests that failed', failed.length, 0),
      ...[...ways].map((way) =>
        told(`balancer stops: ${way}`, failed.filter((each) => wayOf(each) === way).length),
      ),
      atMost('balancer stops: exit codes other than 0', badExits, 0),
    ];
  });
