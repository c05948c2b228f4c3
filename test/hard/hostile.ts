/**
 * Hostile backends beside an honest one: nobody may get an answer that is not its own. HTTP/1.1
 * cannot tell a late extra answer from the next one, so there each connection that was open when
 * the backend was found out may deliver one.
 */
import { Balancer, shortConfig } from '../e2e/harness/balancer.ts';
import { Load, type Outcome } from '../e2e/harness/load.ts';
import { until } from '../e2e/harness/until.ts';
import { atLeast, atMost, type Figure, pause, type Scale, told } from './figures.ts';
import {
  type Behaviour,
  type Extra,
  early,
  flooding,
  HostileBackend,
  honest,
  poisoning,
} from './hostile-backends.ts';

/** Each is found out once in a round: many make many findings, one alone is in use by then. */
const hostileCounts = [16, 1];
const clients = 2;

interface Round {
  readonly outcomes: readonly Outcome[];
  readonly hostile: readonly HostileBackend[];
  readonly honest: HostileBackend;
  /** Wall time when each backend was found out. */
  readonly foundMs: ReadonlyMap<number, number>;
  readonly crashed: boolean;
}

interface Plan {
  /** How many of the hostile kind. */
  readonly hostile: number;
  readonly behave: Behaviour;
  readonly when?: 'head' | 'whole';
  readonly requests: number;
  readonly request: (id: number) => string;
}

const nonce = (id: number): string => `/nonce-${id}`;
const getNonce = (id: number): string => `GET ${nonce(id)} HTTP/1.1\r\nHost: a\r\n\r\n`;
const postBytes = 100_000;
const postNonce = (id: number): string =>
  `POST ${nonce(id)} HTTP/1.1\r\nHost: a\r\nContent-Length: ${postBytes}\r\n\r\n` +
  'x'.repeat(postBytes);

/** Half of the requests go to the hostile backends, half to the honest one. */
async function playRound(plan: Plan): Promise<Round> {
  const hostile = Array.from(
    { length: plan.hostile },
    (_, n) => new HostileBackend(n, plan.behave, plan.when),
  );
  const good = new HostileBackend(plan.hostile, honest);
  for (const each of [...hostile, good]) await each.start();
  const urls = hostile.map(({ url }) => url);
  const last = `  - {url: "${good.url}", name: honest, weight: ${plan.hostile}}\n`;
  const config = `${shortConfig(urls)}${last}log: {access: false}\n`;
  const balancer = await Balancer.start({ config });
  const outcomes: Outcome[] = [];
  const load = new Load({
    port: balancer.port,
    connections: clients,
    request: plan.request,
    onOutcome: (outcome) => void outcomes.push(outcome),
  });
  await until('all are answered', () => outcomes.length >= plan.requests, 120_000);
  await load.stop();
  // The last of the late bytes, and what is said of them.
  await pause(150);
  const crashed = !balancer.isRunning() || balancer.logs().some((line) => isBad(line));
  const foundMs = new Map<number, number>();
  for (const { event, backend, time } of balancer.logs()) {
    if (event !== 'backend_distrusted') continue;
    foundMs.set(Number(String(backend).replace('server-', '')) - 1, Date.parse(String(time)));
  }
  await balancer.stop('SIGKILL');
  for (const each of [...hostile, good]) await each.stop();
  return { outcomes, hostile, honest: good, foundMs, crashed };
}

const isBad = ({ event }: Record<string, unknown>): boolean =>
  event === 'uncaught_error' || event === 'stop_failed';

const isWrong = ({ id, status, body }: Outcome): boolean => status === 200 && body !== nonce(id);

/** Connections to this backend that were open when it was found out. */
function openWhenFound({ hostile, foundMs }: Round, backend: number): number {
  const at = foundMs.get(backend) ?? Number.POSITIVE_INFINITY;
  return hostile[backend].visits.filter(
    ({ openedWallMs, closedWallMs }) => openedWallMs <= at && closedWallMs >= at,
  ).length;
}

/** How many more wrong answers a backend delivered than it had open when it was found out. */
function excess(round: Round): number {
  const wrong = new Map<number, number>();
  for (const { body } of round.outcomes.filter(isWrong)) {
    const [word, backend] = body.split(' ');
    const at = word === 'poison' ? Number(backend) : -1;
    wrong.set(at, (wrong.get(at) ?? 0) + 1);
  }
  let more = 0;
  for (const [backend, count] of wrong) {
    more += Math.max(0, count - (backend === -1 ? 0 : openWhenFound(round, backend)));
  }
  return more;
}

async function extraBytes(extra: Extra, rounds: number, requests: number): Promise<Figure[]> {
  let wrong = 0;
  let over = 0;
  let failed = 0;
  let found = 0;
  let crashes = 0;
  let backends = 0;
  const honestSeen = { requests: 0, connections: 0 };
  for (let n = 0; n < rounds; n++) {
    const hostile = hostileCounts[n % hostileCounts.length];
    const behave = poisoning(extra);
    const round = await playRound({ hostile, behave, requests, request: getNonce });
    backends += hostile;
    wrong += round.outcomes.filter(isWrong).length;
    over += excess(round);
    failed += round.outcomes.filter(({ status }) => status !== 200).length;
    found += round.foundMs.size;
    crashes += Number(round.crashed);
    honestSeen.requests += round.honest.requests;
    honestSeen.connections += round.honest.visits.length;
  }
  const reused = 1 - honestSeen.connections / honestSeen.requests;
  const name = `extra bytes, ${extra}`;
  return [
    told(`${name}: requests`, rounds * requests),
    told(`${name}: backends found out, of ${backends}`, found),
    extra === 'late'
      ? told(`${name}: wrong answers`, wrong)
      : atMost(`${name}: wrong answers`, wrong, 0),
    ...(extra === 'late'
      ? [atMost(`${name}: wrong answers beyond one per open connection`, over, 0)]
      : []),
    atMost(`${name}: requests without an answer`, failed, 0),
    atMost(`${name}: crashes`, crashes, 0),
    atLeast(`${name}: reuse at the honest backend, %`, 100 * reused, 90),
  ];
}

/** Early answers and floods: own answers, or none, and no crash. */
async function oddAnswers(name: string, plan: Plan): Promise<Figure[]> {
  const round = await playRound(plan);
  const others = round.outcomes.filter(({ status }) => status !== 200);
  return [
    atMost(`${name}: wrong answers`, round.outcomes.filter(isWrong).length, 0),
    told(`${name}: requests`, round.outcomes.length),
    told(`${name}: answered with 502`, others.filter(({ status }) => status === 502).length),
    told(`${name}: without a whole answer`, others.filter(({ status }) => status === 0).length),
    atMost(`${name}: crashes`, Number(round.crashed), 0),
  ];
}

/** The part about bytes after a response. */
export async function hostileExtras(scale: Scale): Promise<Figure[]> {
  const [rounds, requests] = scale === 'full' ? [26, 1000] : [2, 150];
  const figures: Figure[] = [];
  for (const extra of ['coalesced', 'same turn', 'next turn', 'late'] as const) {
    figures.push(...(await extraBytes(extra, rounds, requests)));
  }
  return figures;
}

/** The part about early answers and floods of interim ones. */
export async function hostileAnswers(scale: Scale): Promise<Figure[]> {
  const requests = scale === 'full' ? 2000 : 50;
  const hostile = 4;
  const figures: Figure[] = [];
  for (const after of ['keep', 'fin', 'rst'] as const) {
    const behave = early(after);
    const plan: Plan = { hostile, behave, when: 'head', requests, request: postNonce };
    figures.push(...(await oddAnswers(`early answer, then ${after}`, plan)));
  }
  for (const count of [3, 100, 10_000]) {
    const plan: Plan = { hostile, behave: flooding(count), requests, request: getNonce };
    figures.push(...(await oddAnswers(`${count} interim answers`, plan)));
  }
  return figures;
}
