/**
 * Crowds of slow clients: each is dropped by its deadline, those who behave hardly notice, and the
 * memory that the crowd took comes back.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackendProcess } from '../e2e/harness/backend-process.ts';
import { Balancer } from '../e2e/harness/balancer.ts';
import { Load, plainGet } from '../e2e/harness/load.ts';
import { root } from '../e2e/harness/root.ts';
import { until } from '../e2e/harness/until.ts';
import { isBun, mostHeldKiB } from './bulk.ts';
import {
  atLeast,
  atMost,
  type Figure,
  mebibytes,
  pause,
  quantile,
  type Scale,
  told,
} from './figures.ts';
import { MemoryWatch } from './process-figures.ts';

const peers = join(root, 'test/hard/peers');
const crowdScript = join(peers, 'slow-clients.mjs');
const goodConnections = 16;
const windowMs = 1000;
/** How often the pace of a client is looked at. */
const paceWindowMs = 5000;

type Kind = 'head' | 'body' | 'read';

interface Size {
  readonly clients: number;
  readonly perSecond: number;
  /** `client_head` and `idle`. */
  readonly timeoutMs: number;
  readonly byteEveryMs: number;
  readonly baselineWindows: number;
  /** For a machine that has other things to do: so much later a client may learn of its end. */
  readonly slackMs: number;
  /** A p99 below this is fine, whatever it was before. */
  readonly fineMs: number;
}

const sizes: Readonly<Record<Scale, Size>> = {
  short: {
    clients: 200,
    perSecond: 400,
    timeoutMs: 2000,
    byteEveryMs: 500,
    baselineWindows: 2,
    slackMs: 40_000,
    fineMs: 3000,
  },
  full: {
    clients: 5000,
    perSecond: 500,
    timeoutMs: 10_000,
    byteEveryMs: 4000,
    baselineWindows: 7,
    slackMs: 10_000,
    fineMs: 0,
  },
};

/** What the kernel holds of an answer that is not read. */
const unreadBytes = 3 * 1024 * 1024;

/** Descriptors are one bound; for readers the kernel's memory for TCP is a lower one. */
function countOf(kind: Kind, { clients }: Size): number {
  if (kind !== 'read') return clients;
  const [pages] = readFileSync('/proc/sys/net/ipv4/tcp_mem', 'latin1').split(/\s/).map(Number);
  return Math.min(clients, Math.floor((pages * 4096) / unreadBytes));
}

interface Lives {
  readonly event: string;
  readonly opened: number;
  readonly refused: number;
  /** The shortest and the longest life, milliseconds. */
  readonly least: number;
  readonly most: number;
}

/** Lets loose a crowd in a process of its own; resolves when the last of them was dropped. */
function crowd(port: number, kind: Kind, count: number, size: Size): Promise<Lives> {
  const words = [port, kind, count, size.perSecond, size.byteEveryMs].map(String);
  // What good clients wait for is to be the balancer, not this process: it gets what is left.
  const child = spawn('nice', ['-n', '19', process.execPath, crowdScript, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const patienceMs = 4 * (size.timeoutMs + paceWindowMs) + 60_000;
  const force = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('close', () => {
      clearTimeout(force);
      const last = printed.trim().split('\n').at(-1) ?? '';
      const lives = last === '' ? null : (JSON.parse(last) as Lives);
      if (lives?.event === 'closed') resolve(lives);
      else reject(new Error(`some slow clients were never dropped: ${printed}`));
    });
  });
}

/** Clients that behave: how long they wait, by windows of time. */
class Good {
  failed = 0;
  private readonly load: Load;
  private tookMs: number[] = [];
  private p99s: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(port: number) {
    this.load = new Load({
      port,
      connections: goodConnections,
      request: plainGet,
      onOutcome: ({ status, tookMs }) => {
        this.tookMs.push(tookMs);
        if (status !== 200) this.failed++;
      },
    });
    this.timer = setInterval(() => {
      this.p99s.push(quantile(this.tookMs, 0.99));
      this.tookMs = [];
    }, windowMs);
  }

  begin(): void {
    this.p99s = [];
    this.tookMs = [];
  }

  async windows(count: number): Promise<void> {
    await until('windows pass', () => this.p99s.length >= count, 120_000);
  }

  /** The p99 of the middle one of the windows since `begin`. */
  middle(): number {
    return quantile(this.p99s, 0.5);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.load.stop();
  }
}

/** Lets loose a crowd of each of these kinds at once. */
async function crowds(
  balancer: Balancer,
  kinds: readonly Kind[],
  scale: Scale,
): Promise<readonly Figure[]> {
  const size = sizes[scale];
  const good = new Good(balancer.port);
  await good.windows(1);
  good.begin();
  await good.windows(size.baselineWindows);
  const before = good.middle();
  const restBytes = balancer.residentBytes();
  const memory = new MemoryWatch(balancer);
  good.begin();
  const lives = await Promise.all(
    kinds.map((kind) => crowd(balancer.port, kind, countOf(kind, size), size)),
  );
  const during = good.middle();
  const mostBytes = memory.stop();
  await pause(2 * windowMs);
  await good.stop();
  const left = balancer.residentBytes() - restBytes;
  const all = lives.reduce((sum, { opened }) => sum + opened, 0);
  const readers = kinds.includes('read') ? lives[kinds.indexOf('read')].opened : 0;
  const kept = (readers * (await keptKiB(balancer))) / 1024;
  const name = `slow ${kinds.join(', ')}`;
  return [
    ...kinds.flatMap((kind, n) => livesFigures(kind, lives[n], size)),
    atMost(`${name}: good requests that failed`, good.failed, 0),
    told(`${name}: good clients' p99 before, ms`, before),
    atMost(`${name}: good clients' p99, ms`, during, Math.max(2 * before, size.fineMs)),
    told(`${name}: memory at most, MiB more`, mebibytes(mostBytes - restBytes)),
    atMost(`${name}: memory afterwards, MiB more`, mebibytes(left), memoryBound(all, kept)),
  ];
}

/** Each was dropped, by its deadline and not long before. */
function livesFigures(kind: Kind, lives: Lives, size: Size): Figure[] {
  // Silence is seen at the end of a window, and counts from the end of the last that was not.
  const windowsMs = kind === 'head' ? 0 : 2 * paceWindowMs;
  const latestMs = size.timeoutMs + windowsMs + size.byteEveryMs;
  const name = `slow ${kind}`;
  return [
    told(`${name}: clients at once`, lives.opened),
    atMost(`${name}: clients not let in`, lives.refused, 0),
    atLeast(`${name}: first dropped after, s`, lives.least / 1000, size.timeoutMs / 2000),
    atMost(`${name}: last dropped after, s`, lives.most / 1000, (latestMs + size.slackMs) / 1000),
  ];
}

/**
 * What may be left of the crowd's memory, MiB: what the runtime's young generation takes once and
 * for all, a little for each client, and what the allocator keeps.
 */
const memoryBound = (count: number, keptMiB: number): number => 48 + count / 125 + keptMiB;

/** Bun's allocator keeps what was held for a reader, for the next one. */
async function keptKiB(balancer: Balancer): Promise<number> {
  const started = await balancer.logged('started', 10_000);
  return isBun(started) ? mostHeldKiB(started) : 0;
}

/** Which crowds come together. */
const rounds: Readonly<Record<Scale, readonly (readonly Kind[])[]>> = {
  short: [['head', 'body', 'read']],
  full: [['head'], ['body'], ['read']],
};

/** The crowd has a backend of its own: what is measured is the balancer, not how that one fares. */
function configOf(good: BackendProcess, crowded: BackendProcess, timeoutMs: number): string {
  return [
    'listeners: [{port: $PORT}]',
    'routes: [{path: /slow, pool: crowded}, {pool: good}]',
    'pools:',
    `  good: {backends: ["http://127.0.0.1:${good.port}"]}`,
    `  crowded: {backends: ["http://127.0.0.1:${crowded.port}"]}`,
    `timeouts: {client_head: ${timeoutMs}ms, idle: ${timeoutMs}ms}`,
    'log: {access: false}\n',
  ].join('\n');
}

/** Crowds of each kind on one balancer; in full a second time, for which the first made room. */
export async function slowClients(scale: Scale): Promise<Figure[]> {
  const site = join(peers, 'big-site.mjs');
  const good = await BackendProcess.startScript('good', site, []);
  const crowded = await BackendProcess.startScript('crowded', site, []);
  const config = configOf(good, crowded, sizes[scale].timeoutMs);
  const balancer = await Balancer.start({ config });
  const figures: Figure[] = [];
  try {
    for (const kinds of rounds[scale]) figures.push(...(await crowds(balancer, kinds, scale)));
    if (scale === 'full') figures.push(await again(balancer));
    figures.push(atMost('slow clients: crashes', balancer.isRunning() ? 0 : 1, 0));
  } finally {
    await balancer.stop('SIGKILL');
    await good.kill();
    await crowded.kill();
  }
  return figures;
}

/** The same crowds once more need the memory that is there. */
async function again(balancer: Balancer): Promise<Figure> {
  const before = balancer.residentBytes();
  for (const kinds of rounds.full) await crowds(balancer, kinds, 'full');
  const more = mebibytes(balancer.residentBytes() - before);
  return atMost('slow clients: memory after the second time, MiB more', more, 16);
}
