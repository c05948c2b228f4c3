/**
 * The real process under test: `evenkeel run FILE` with a configuration in a folder of its own.
 * The runtime comes from EVENKEEL_RUNTIME (a path), so that one suite runs on Node and on Bun.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const builtEntry = join(root, 'dist/src/cli/main.js');
const startTimeoutMs = 15_000;
const stopTimeoutMs = 5_000;

/** The runtime's path: EVENKEEL_RUNTIME, else what runs the tests. */
export function runtimePath(): string {
  return process.env.EVENKEEL_RUNTIME ?? process.execPath;
}

export interface BalancerOptions {
  /** The file's text. `$PORT` stands for the port that was chosen. */
  readonly config: string;
  /** Another program in place of the built command line (tests of the harness itself). */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The shortest configuration that serves these backends. */
export function shortConfig(backendUrls: readonly string[]): string {
  const backends = backendUrls.map((url, n) => `  - url: ${url}\n    name: server-${n + 1}\n`);
  return `port: $PORT\nbackends:\n${backends.join('')}`;
}

export class Balancer {
  readonly port: number;
  readonly process: ChildProcess;
  /** Both output streams, as they came. */
  output = '';
  private readonly folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.process = child;
    this.folder = folder;
    child.stdout?.on('data', (bytes: Buffer) => {
      this.output += bytes.toString();
    });
    child.stderr?.on('data', (bytes: Buffer) => {
      this.output += bytes.toString();
    });
    child.once('exit', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** Starts it and waits until it listens. Fails with its output when it does not. */
  static async start(options: BalancerOptions): Promise<Balancer> {
    const entry = options.entry ?? builtEntry;
    if (!existsSync(entry)) throw new Error(`${entry} is missing: run "npm run build" first`);
    const port = options.port ?? (await freePort());
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-'));
    const file = join(folder, 'config.yaml');
    writeFileSync(file, options.config.replaceAll('$PORT', String(port)));
    const child = spawn(runtimePath(), [entry, 'run', file], {
      cwd: folder,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const balancer = new Balancer(port, child, folder);
    await balancer.untilListening();
    return balancer;
  }

  /** The log lines that are JSON, parsed. */
  logs(): Record<string, unknown>[] {
    const lines: Record<string, unknown>[] = [];
    for (const line of this.output.split('\n')) {
      if (!line.startsWith('{')) continue;
      try {
        lines.push(JSON.parse(line) as Record<string, unknown>);
      } catch {
        // The last line may be half written.
      }
    }
    return lines;
  }

  /** Waits for a log line with this `event`; null after `timeoutMs`. */
  async logged(event: string, timeoutMs: number): Promise<Record<string, unknown> | null> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const line = this.logs().find((candidate) => candidate.event === event);
      if (line !== undefined) return line;
      if (performance.now() > deadline) return null;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** TERM, and KILL if that does not help. Returns the exit code, null when it was killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.isRunning()) return this.process.exitCode;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    const force = setTimeout(() => this.process.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(force);
    return this.process.exitCode;
  }

  private async untilListening(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs;
    while (performance.now() < deadline) {
      if (!this.isRunning()) break;
      if (await accepts(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.stop('SIGKILL');
    throw new Error(`the balancer does not listen on ${this.port}; it said:\n${this.output}`);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
