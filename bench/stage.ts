/**
 * The processes of one benchmark and their folder. Whatever happens, an error or a signal, none of
 * them outlives the benchmark.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;

/** Where servers live on Debian; an ordinary user does not have these in PATH. */
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

/** The repository: the build runs from one folder deeper than the source. */
export const root = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url),
);

/** What a command says when asked for its version, both outputs; null: it is not installed. */
export function ask(command: string, args: readonly string[]): string | null {
  const { error, stdout, stderr } = spawnSync(command, args, { env: { ...process.env, PATH } });
  return error === undefined ? `${stdout}${stderr}`.trim() : null;
}

/** The processors this process may use, lowest first. */
export function processors(): number[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((part) => {
    const [first, last] = part.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, n) => first + n);
  });
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) server.close();
  return ports;
}

/** The committed file `name` of `bench/peers`, with its `$NAME`s filled in. */
export function fillIn(name: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(root, 'bench/peers', name), 'utf8');
  return text.replace(/\$([A-Z][A-Z0-9]*)/g, (_, key: string) => String(values[key]));
}

export class Stage {
  /** Readable for servers that give up their rights. */
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  private readonly children: ChildProcess[] = [];
  private readonly onExit = (): void => {
    for (const child of this.children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };
  private readonly onSignal = (): void => process.exit(130);

  constructor() {
    chmodSync(this.folder, 0o755);
    process.on('exit', this.onExit);
    process.on('SIGINT', this.onSignal);
    process.on('SIGTERM', this.onSignal);
  }

  /** Writes a file; returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** Starts a program on one processor. Its errors are in `output` of what is returned. */
  start(cpu: number, command: string, args: readonly string[]): Started {
    const child = spawn('taskset', ['-c', String(cpu), command, ...args], {
      cwd: this.folder,
      env: { ...process.env, PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.push(child);
    const started: Started = { pid: child.pid ?? 0, output: '', child };
    const keep = (bytes: Buffer): void => {
      started.output += bytes.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(error.message)));
    return started;
  }

  /** Runs a program to its end; its standard output. Fails when the program fails. */
  async run(cpu: number, command: string, args: readonly string[]): Promise<string> {
    const started = this.start(cpu, command, args);
    const [code] = await once(started.child, 'close');
    this.children.splice(this.children.indexOf(started.child), 1);
    if (code !== 0) throw new Error(`${command} failed: ${started.output}`);
    return started.output;
  }

  /** Stops everything and removes the folder. */
  async close(): Promise<void> {
    const alive = this.children.filter((child) => child.exitCode === null && child.pid);
    const ended = alive.map((child) => once(child, 'exit'));
    for (const child of alive) child.kill('SIGTERM');
    const late = new AbortController();
    const patience = sleep(STOP_TIMEOUT_MS, null, { signal: late.signal }).catch(() => {});
    await Promise.race([Promise.all(ended), patience]);
    late.abort();
    process.off('exit', this.onExit);
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    this.onExit();
  }
}

/** A running program. taskset becomes the program, so the id is the program's own. */
export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  output: string;
}

/** Waits until `GET /` is answered with 200. Fails with the program's output when it is not. */
export async function untilServing(started: Started, port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && started.child.exitCode === null) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
      await answer.arrayBuffer();
      if (answer.status === 200) return;
    } catch {
      // Not there yet.
    }
    await sleep(20);
  }
  const { spawnargs } = started.child;
  throw new Error(`${spawnargs.slice(3).join(' ')} does not serve: ${started.output}`);
}
