/** `evenkeel backend PORT NAME` as a process of its own: it can be killed, frozen, restarted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { builtEntry, freePort, runtimePath } from './balancer.ts';
import { until } from './until.ts';

export class BackendProcess {
  readonly name: string;
  readonly port: number;
  private readonly words: readonly string[];
  private readonly program: string;
  private child: ChildProcess | null = null;

  private constructor(name: string, port: number, program: string, words: readonly string[]) {
    this.name = name;
    this.port = port;
    this.program = program;
    this.words = words;
  }

  /** Starts `backend PORT NAME` on a free port and waits until it listens. */
  static async start(name: string): Promise<BackendProcess> {
    const port = await freePort();
    const words = [builtEntry, 'backend', String(port), name];
    const backend = new BackendProcess(name, port, runtimePath(), words);
    await backend.restart();
    return backend;
  }

  /** Another program that prints a line when it listens; it gets the port as its first word. */
  static async startScript(
    name: string,
    script: string,
    words: readonly string[],
  ): Promise<BackendProcess> {
    const port = await freePort();
    const all = [script, String(port), ...words];
    const backend = new BackendProcess(name, port, process.execPath, all);
    await backend.restart();
    return backend;
  }

  /** Three backends called server-1 to server-3. */
  static three(): Promise<BackendProcess[]> {
    const names = ['server-1', 'server-2', 'server-3'];
    return Promise.all(names.map((name) => BackendProcess.start(name)));
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Starts it again on the same port. */
  async restart(): Promise<void> {
    const child = spawn(this.program, [...this.words], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let printed = '';
    child.stdout.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      printed += bytes.toString();
    });
    await until(`${this.name} listens`, () => {
      if (child.exitCode !== null) throw new Error(`${this.name} has ended: ${printed}`);
      return printed.includes('\n');
    });
  }

  /** SIGKILL (or another signal that ends it), and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** A signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** SIGSTOP: it accepts connections (the kernel does) and answers nothing. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }
}
