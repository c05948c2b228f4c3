/**
 * The processes of one benchmark and their folder. Whatever happens, an error or a signal, none of
 * them outlives the benchmark.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATH } from './machine.ts';

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 3000;

/** How a program is started. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** A file for its standard output, which is kept with its errors otherwise. */
  readonly outputFile?: string | undefined;
}

export class Stage {
  /** Readable for servers that give up their rights. */
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  private readonly children = new Set<ChildProcess>();
  private readonly onExit = (): void => {
    for (const { pid } of this.children) if (pid !== undefined) killGroup(pid);
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
  start(cpu: number, { argv, env, outputFile }: Command): Started {
    const file = outputFile === undefined ? 'pipe' : openSync(outputFile, 'a');
    const child = spawn('taskset', ['-c', String(cpu), ...argv], {
      cwd: this.folder,
      // A group of its own, so that nginx's workers end with their master whatever happens to it.
      detached: true,
      env: { ...process.env, PATH, ...env },
      stdio: ['ignore', file, 'pipe'],
    });
    if (typeof file === 'number') closeSync(file);
    this.children.add(child);
    const started: Started = { pid: child.pid ?? 0, output: '', child };
    const keep = (bytes: Buffer): void => {
      started.output += bytes.toString();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(error.message)));
    return started;
  }

  /** Runs a program to its end; what it printed. Fails when the program fails. */
  async run(cpu: number, command: Command): Promise<string> {
    const started = this.start(cpu, command);
    const [code] = await once(started.child, 'close');
    this.children.delete(started.child);
    if (code !== 0) throw new Error(`${command.argv[0]} failed: ${started.output.trim()}`);
    return started.output;
  }

  /** Asks a program to end, and ends it when it takes too long. */
  async stop({ child }: Pick<Started, 'child'>): Promise<void> {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const { pid } = child;
      const late = setTimeout(() => killGroup(pid), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(late);
    }
    this.children.delete(child);
  }

  /** Stops everything and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.children].map((child) => this.stop({ child })));
    process.off('exit', this.onExit);
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    this.onExit();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
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
