/**
 * The real process under test: `evenkeel run FILE` with a configuration in a folder of its own, or
 * any other command line. The runtime comes from EVENKEEL_RUNTIME (a path), so that one suite runs
 * on Node and on Bun.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './root.ts';

export const builtEntry = join(root, 'dist/src/cli/main.js');
const startTimeoutMs = 15_000;
const stopTimeoutMs = 5_000;
/** Below the ports that the system gives to outgoing connections: one chosen here stays free. */
const portRange = { from: 12_000, to: 32_000 };

/** The runtime's path: EVENKEEL_RUNTIME, else what runs the tests. */
export function runtimePath(): string {
  return process.env.EVENKEEL_RUNTIME ?? process.execPath;
}

export interface BalancerOptions {
  /** The file's text. `$PORT` stands for the port that was chosen. */
  readonly config?: string;
  /** The file's name; `config.yaml` unless it is to be a module. */
  readonly fileName?: string;
  /** What is typed instead of `run FILE`; `$PORT` as above. */
  readonly words?: readonly string[];
  /** Another program in place of the built command line (tests of the harness itself). */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Shell words that start it, which is `"$@"` there: `ulimit -n 256; exec "$@"`. */
  readonly shell?: string;
}

/** A port that was free a moment ago, on IPv4 and IPv6. */
export async function freePort(): Promise<number> {
  for (;;) {
    const { from, to } = portRange;
    const port = from + Math.floor(Math.random() * (to - from));
    const server = createServer().listen(port);
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
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
  private readonly file: string;
  private readonly lines: Record<string, unknown>[] = [];
  private parsed = 0;

  private constructor(port: number, child: ChildProcess, file: string) {
    this.port = port;
    this.process = child;
    this.file = file;
    this.folder = dirname(file);
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
    const file = join(folder, options.fileName ?? 'config.yaml');
    const words = options.words?.map((word) => word.replaceAll('$PORT', String(port)));
    if (options.config !== undefined) writeConfig(file, options.config, port);
    const line = [runtimePath(), entry, ...(words ?? ['run', file])];
    const { shell } = options;
    const [program, ...rest] = shell === undefined ? line : ['sh', '-c', shell, 'sh', ...line];
    const child = spawn(program, rest, {
      cwd: folder,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const balancer = new Balancer(port, child, file);
    await balancer.untilListening();
    return balancer;
  }

  /** The log lines that are JSON, parsed. */
  logs(): readonly Record<string, unknown>[] {
    for (;;) {
      const end = this.output.indexOf('\n', this.parsed);
      if (end === -1) return this.lines;
      const line = this.output.slice(this.parsed, end);
      this.parsed = end + 1;
      if (!line.startsWith('{')) continue;
      try {
        this.lines.push(JSON.parse(line) as Record<string, unknown>);
      } catch {
        // Not ours: a runtime's own words may begin with a brace too.
      }
    }
  }

  /** Waits for a log line with this `event` (and these fields); null after `timeoutMs`. */
  async logged(
    event: string,
    timeoutMs: number,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Record<string, unknown> | null> {
    const wanted = Object.entries({ ...fields, event });
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.logs().find((line) => wanted.every(([key, value]) => line[key] === value));
      if (found !== undefined) return found;
      if (performance.now() > deadline) return null;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Forgets what has been logged so far. */
  forgetLogs(): void {
    this.logs();
    this.lines.length = 0;
  }

  /** Writes another configuration into the file and sends HUP. */
  async reload(config: string): Promise<void> {
    // Only from there on it hears signals.
    await this.logged('started', startTimeoutMs);
    this.write(config);
    this.process.kill('SIGHUP');
  }

  /** Writes another configuration into the file, and says nothing of it. */
  write(config: string): void {
    writeConfig(this.file, config, this.port);
  }

  /** Resident memory of the process, in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
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

function writeConfig(file: string, config: string, port: number): void {
  writeFileSync(file, config.replaceAll('$PORT', String(port)));
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
