/** Everything at once and for long: at the end the process is as it was at the beginning. */
import { readdirSync } from 'node:fs';
import type { BackendProcess } from '../e2e/harness/backend-process.ts';
import { Balancer } from '../e2e/harness/balancer.ts';
import { Load } from '../e2e/harness/load.ts';
import { RawClient } from '../e2e/harness/raw-client.ts';
import { runtimeFacts } from '../e2e/harness/runtime.ts';
import { until } from '../e2e/harness/until.ts';
import { Battlefield, connections, waitMs } from './battlefield.ts';
import { atLeast, atMost, type Figure, mebibytes, pause, type Scale, told } from './figures.ts';

interface Sizes {
  /** Before the base is taken: everything has been done by then, and compiled. */
  readonly warmMs: number;
  readonly soakMs: number;
  /** Between two blows. */
  readonly restMs: number;
  /** What a runtime may keep for itself. */
  readonly memoryMiB: number;
}

const sizes: Readonly<Record<Scale, Sizes>> = {
  short: { warmMs: 1500, soakMs: 5000, restMs: 100, memoryMiB: 96 },
  full: { warmMs: 120_000, soakMs: 1_800_000, restMs: 1000, memoryMiB: 32 },
};

const quietMs = 1000;
const looks = 20;
const bodyBytes = 20_000;
const body = 'x'.repeat(bodyBytes);

/** By turns: a plain GET, one on its last connection, a POST with a body, one in chunks. */
function request(id: number): string {
  const head = (method: string): string => `${method} / HTTP/1.1\r\nHost: localhost\r\n`;
  if (id % 8 === 1) return `${head('GET')}Connection: close\r\n\r\n`;
  if (id % 8 === 3) return `${head('POST')}Content-Length: ${bodyBytes}\r\n\r\n${body}`;
  if (id % 8 === 5) {
    const chunk = `${bodyBytes.toString(16)}\r\n${body}\r\n`;
    return `${head('POST')}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
  }
  return `${head('GET')}\r\n`;
}

const isGet = (id: number): boolean => id % 8 !== 3 && id % 8 !== 5;
const postAnswers = new Set([200, 502, 504]);

/** Clients that leave in the middle: of a head, of a body, before the answer. */
const halves = [
  'GET / HTTP/1.1\r\nHost: loc',
  'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf',
  'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
];

class Soak {
  readonly seen = { requests: 0, failedGets: 0, oddPosts: 0, left: 0, kills: 0, reloads: 0 };
  readonly balancer: Balancer;
  private readonly field: Battlefield;
  private readonly restMs: number;
  private blows = 0;

  constructor(field: Battlefield, balancer: Balancer, restMs: number) {
    this.field = field;
    this.balancer = balancer;
    this.restMs = restMs;
  }

  /** Load, kills and reloads for so long; then everything is calm, and all backends are new. */
  async run(forMs: number): Promise<void> {
    const end = performance.now() + forMs;
    const load = new Load({
      port: this.balancer.port,
      connections: connections / 4,
      request,
      onOutcome: ({ id, status }) => {
        this.seen.requests++;
        if (isGet(id)) this.seen.failedGets += Number(status !== 200);
        else this.seen.oddPosts += Number(!postAnswers.has(status));
      },
    });
    const leaving = this.leaveHalfway(end);
    while (performance.now() < end) await this.blow();
    await leaving;
    await load.stop();
    await this.reload(configs[0]);
    // Connections that the balancer keeps open to a backend end with it.
    for (const backend of this.field.backends) await this.kill(backend);
    await pause(quietMs);
  }

  private async leaveHalfway(end: number): Promise<void> {
    while (performance.now() < end) {
      const client = await RawClient.connect(this.balancer.port);
      await client.send(halves[this.seen.left++ % halves.length]);
      await pause(5);
      if (this.seen.left % 2 === 0) client.reset();
      else client.destroy();
    }
  }

  private async blow(): Promise<void> {
    const n = this.blows++;
    // The first is in every configuration.
    if (n % 4 === 1) await this.kill(this.field.backends[0]);
    else if (n % 4 === 3) this.field.backends[n % 3].signal('SIGUSR2');
    else await this.reload(configs[(n / 2) % configs.length]);
    await pause(this.restMs);
  }

  private async kill(backend: BackendProcess): Promise<void> {
    this.seen.kills++;
    const isMissed = this.next(['backend_suspect', 'backend_down'], backend.name);
    await backend.kill();
    await isMissed();
    const isUp = this.next(['backend_up'], backend.name);
    await backend.restart();
    await isUp();
  }

  private async reload(config: (field: Battlefield) => string): Promise<void> {
    this.seen.reloads++;
    const isRead = this.next(['reloaded']);
    await this.balancer.reload(config(this.field));
    await isRead();
  }

  /** What is returned waits for one more such line than there are now. */
  private next(events: readonly string[], backend?: string): () => Promise<void> {
    const count = (): number => {
      const isOne = (line: Record<string, unknown>): boolean =>
        events.includes(String(line.event)) && line.backend === backend;
      return this.balancer.logs().filter(isOne).length;
    };
    const before = count();
    const what = `${events.join(' or ')} ${backend ?? ''}`;
    return () => until(what, () => count() > before, waitMs);
  }
}

const { sharesPorts } = runtimeFacts();
const checks = 'health_check: {interval: 500ms, timeout: 400ms, path: /health}\n';

/** All three; other weights; without the last. */
const configs = [
  [1, 1, 1],
  [1, 3, 2],
  [2, 1],
].map((weights) => (field: Battlefield): string => {
  const members = weights.map((weight, n) => {
    const { url, name } = field.backends[n];
    return `  - {url: "${url}", name: ${name}, weight: ${weight}}\n`;
  });
  const workers = sharesPorts ? 2 : 1;
  return (
    `port: $PORT\nworkers: ${workers}\nbackends:\n${members.join('')}${checks}` +
    'timeouts: {response: 20s}\nlog: {access: false}\n'
  );
});

interface Rest {
  readonly descriptors: number;
  readonly memoryMiB: number;
}

/** The least of some looks: a probe is under way now and then, and memory is swept when it is. */
async function restOf(balancer: Balancer): Promise<Rest> {
  const descriptors: number[] = [];
  const bytes: number[] = [];
  for (let n = 0; n < looks; n++) {
    descriptors.push(readdirSync(`/proc/${balancer.process.pid}/fd`).length);
    bytes.push(balancer.residentBytes());
    await pause(quietMs / 10);
  }
  return { descriptors: Math.min(...descriptors), memoryMiB: mebibytes(Math.min(...bytes)) };
}

/** Mixed load, kills and reloads, with two workers where the runtime can have them. */
export async function soak(scale: Scale): Promise<Figure[]> {
  const { warmMs, soakMs, restMs, memoryMiB } = sizes[scale];
  const field = await Battlefield.open(1024);
  const balancer = await Balancer.start({ config: configs[0](field) });
  const soaked = new Soak(field, balancer, restMs);
  await field.allUp(balancer);
  await soaked.run(warmMs);
  const base = await restOf(balancer);
  await soaked.run(soakMs);
  const rest = await restOf(balancer);
  const { seen } = soaked;
  const last = balancer.logged('stopping', waitMs);
  const code = await balancer.stop('SIGTERM');
  const message = String((await last)?.message);
  const events = balancer.logs().map(({ event }) => event);
  const count = (wanted: string): number => events.filter((event) => event === wanted).length;
  await field.close();
  return [
    told('soak: s', soakMs / 1000),
    told('soak: requests', seen.requests),
    told('soak: clients that left halfway', seen.left),
    atLeast('soak: kills', seen.kills, 3),
    atLeast('soak: reloads', seen.reloads, 3),
    atLeast('soak: backends that left and were removed', count('backend_removed'), 1),
    atMost('soak: GETs that failed', seen.failedGets, 0),
    atMost('soak: POSTs without 200, 502 or 504', seen.oddPosts, 0),
    atMost('soak: workers that died', count('worker_died'), 0),
    atMost('soak: drains not over', count('backend_draining') - count('backend_removed'), 0),
    told('soak: descriptors at the base', base.descriptors),
    atMost('soak: descriptors more than that', rest.descriptors - base.descriptors, 2),
    told('soak: memory at the base, MiB', base.memoryMiB),
    atMost('soak: memory grows by, MiB', rest.memoryMiB - base.memoryMiB, memoryMiB),
    atMost('soak: in flight at the end', /nothing is in flight/.test(message) ? 0 : 1, 0),
    atMost('soak: exit code', code ?? 255, 0),
  ];
}
