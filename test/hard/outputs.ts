/** A standard output that takes nothing: traffic goes on, and what was lost is counted. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Balancer, shortConfig } from '../e2e/harness/balancer.ts';
import { Load, plainGet } from '../e2e/harness/load.ts';
import { until } from '../e2e/harness/until.ts';
import { atLeast, atMost, type Figure, mebibytes, type Scale, told } from './figures.ts';
import { HostileBackend, honest } from './hostile-backends.ts';

const patienceMs = 300_000;
/** What is kept for a slow reader is 1 MiB; the rest is the runtime's own. */
const memoryMiB = 32;

interface Served {
  readonly served: number;
  readonly failed: number;
}

async function serve(port: number, requests: number): Promise<Served> {
  const count = { served: 0, failed: 0 };
  const load = new Load({
    port,
    connections: 64,
    request: plainGet,
    onOutcome: ({ status }) => {
      if (status === 200) count.served++;
      else count.failed++;
    },
  });
  await until('they are served', () => count.served + count.failed >= requests, patienceMs);
  await load.stop();
  return count;
}

/** Everything that comes out of a pipe from now on. */
class PipeReader {
  private text = '';
  private readonly stream: ReturnType<typeof createReadStream>;

  constructor(path: string) {
    this.stream = createReadStream(path, { flags: 'r', encoding: 'latin1' });
    this.stream.on('error', () => {});
    this.stream.on('data', (text) => {
      this.text += text;
    });
  }

  lines(): Record<string, unknown>[] {
    const whole = this.text.split('\n').slice(0, -1);
    return whole.flatMap((line) => {
      try {
        return [JSON.parse(line) as Record<string, unknown>];
      } catch {
        // Where a reader left and another came, a line may be torn.
        return [];
      }
    });
  }

  close(): void {
    this.stream.destroy();
  }
}

const droppedIn = (lines: readonly Record<string, unknown>[]): number =>
  lines
    .filter(({ event }) => event === 'log_dropped')
    .reduce((sum, { lines: count }) => sum + Number(count), 0);

const exchangesIn = (lines: readonly Record<string, unknown>[]): number =>
  lines.filter(({ event }) => event === 'exchange').length;

/** A pipe by name: blocked, or without a reader, and then read again. */
async function pipe(url: string, requests: number, closed: boolean): Promise<Figure[]> {
  const name = closed ? 'pipe without reader' : 'pipe that nobody reads';
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-pipe-'));
  const path = join(folder, 'out');
  execFileSync('mkfifo', [path]);
  // Open for both, so that the balancer finds a reader, as in `| sleep 1000`.
  const holder = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const shell = `exec "$@" >'${path}'`;
  const balancer = await Balancer.start({ config: shortConfig([url]), shell });
  if (closed) closeSync(holder);
  const warm = await serve(balancer.port, requests / 4);
  const restBytes = balancer.residentBytes();
  const { served, failed } = await serve(balancer.port, requests);
  const grown = mebibytes(balancer.residentBytes() - restBytes);
  const reader = new PipeReader(path);
  await until('the loss is told', () => droppedIn(reader.lines()) > 0, patienceMs);
  const last = await serve(balancer.port, 64);
  const all = warm.served + served + last.served;
  const accounted = (): number => exchangesIn(reader.lines()) + droppedIn(reader.lines());
  await until('all are accounted for', () => accounted() >= all, 10_000).catch(() => {});
  const lines = reader.lines();
  const missing = all - accounted();
  const code = await balancer.stop('SIGTERM');
  reader.close();
  if (!closed) closeSync(holder);
  rmSync(folder, { recursive: true });
  return [
    told(`${name}: requests`, all),
    atMost(`${name}: requests that failed`, warm.failed + failed + last.failed, 0),
    atLeast(`${name}: lines dropped, as log_dropped says`, droppedIn(lines), 1),
    atMost(`${name}: exchanges neither logged nor counted as dropped`, missing, closed ? 1 : 0),
    atMost(`${name}: memory grows by, MiB`, grown, memoryMiB),
    atMost(`${name}: exit code`, code ?? 255, 0),
  ];
}

/** An output that never works: the disk is full, or there is none. */
async function never(name: string, shell: string, url: string, requests: number) {
  const balancer = await Balancer.start({ config: shortConfig([url]), shell });
  const warm = await serve(balancer.port, requests / 4);
  const restBytes = balancer.residentBytes();
  const { served, failed } = await serve(balancer.port, requests);
  const grown = mebibytes(balancer.residentBytes() - restBytes);
  const code = await balancer.stop('SIGTERM');
  return [
    told(`${name}: requests`, served + warm.served),
    atMost(`${name}: requests that failed`, failed + warm.failed, 0),
    atMost(`${name}: memory grows by, MiB`, grown, memoryMiB),
    atMost(`${name}: exit code`, code ?? 255, 0),
  ];
}

/** Pipes that block or break and then work again, a full disk, no output at all. */
export async function outputs(scale: Scale): Promise<Figure[]> {
  const requests = scale === 'full' ? 50_000 : 6000;
  const backend = new HostileBackend(0, honest);
  await backend.start();
  const figures = [
    ...(await pipe(backend.url, requests, false)),
    ...(await pipe(backend.url, requests, true)),
    ...(await never('full disk', 'exec "$@" >/dev/full', backend.url, requests)),
    ...(await never('no output', 'exec "$@" >&-', backend.url, requests)),
  ];
  await backend.stop();
  return figures;
}
