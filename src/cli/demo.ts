/**
 * `evenkeel demo`: three backends, each a process of its own so that it can be killed, and a
 * balancer in front of them with the configuration of the tutorial.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { parseConfig } from '../config/load.ts';
import type { ProcessLog } from '../platform/node/log-writer.ts';
import { entryFile, ownCommand } from './about.ts';
import { listenerUrl, type Started } from './banner.ts';
import { ExitCode } from './exit-code.ts';
import { explain, NOTHING_STARTED } from './loading.ts';
import { isBannerWanted, serve } from './serve.ts';
import type { Terminal } from './terminal.ts';

const BALANCER_PORT = 8080;
const FIRST_BACKEND_PORT = 9001;
const BACKENDS = 3;
/** How far to look for a free port. */
const PORTS_TRIED = 100;

export interface DemoBackend {
  readonly name: string;
  readonly port: number;
}

/** The file of the tutorial, with these ports. */
export function demoConfig(port: number, backends: readonly DemoBackend[]): string {
  const list = backends.map(
    (backend) => `  - url: http://localhost:${backend.port}\n    name: ${backend.name}\n`,
  );
  const probe = 'health_check:\n  interval: 5s\n  timeout: 2s\n  path: /health\n';
  return `port: ${port}\nbackends:\n${list.join('')}${probe}`;
}

/** Can be bound on every address, IPv4 and IPv6, right now. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The first `count` free ports from `first` on; fewer when there are not so many near it. */
export async function freePorts(
  first: number,
  count: number,
  probe: (port: number) => Promise<boolean> = isFree,
): Promise<readonly number[]> {
  const free: number[] = [];
  for (let port = first; free.length < count && port < first + PORTS_TRIED; port++) {
    if (await probe(port)) free.push(port);
  }
  return free;
}

/** Ports that could not be had, and which are used instead; empty when all could. */
export function portNotes(port: number, backends: readonly DemoBackend[]): readonly string[] {
  const instead = (wanted: number, used: number): string[] =>
    wanted === used ? [] : [`port ${wanted} is taken, using ${used}`];
  return [
    ...instead(BALANCER_PORT, port),
    ...backends.flatMap((backend, i) => instead(FIRST_BACKEND_PORT + i, backend.port)),
  ];
}

interface RunningBackend extends DemoBackend {
  readonly pid: number;
  readonly process: ChildProcess;
}

/** Starts a backend and waits until it listens; rejects when it ends before. */
async function startBackend({ name, port }: DemoBackend): Promise<RunningBackend> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, entryFile, 'backend', `${port}`, name, '--with-input'],
    // A process group of its own: Ctrl-C is for the balancer, which still needs its backends.
    { stdio: ['pipe', 'pipe', 'inherit'], detached: true },
  );
  child.stdin.on('error', () => {});
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the demo backend ${name} did not start`);
  });
  ended.catch(() => {});
  await Promise.race([once(child.stdout, 'data'), ended]);
  child.stdout.resume();
  return { name, port, pid: child.pid ?? 0, process: child };
}

type Step = readonly [typed: string, what: string];

/** What to type next. `command` starts this program. */
export function nextSteps(
  url: string,
  backends: readonly (DemoBackend & { readonly pid: number })[],
  command: string,
): readonly Step[] {
  const middle = backends[Math.floor(backends.length / 2)];
  return [
    [`for i in 1 2 3 4 5 6; do curl ${url}/; done`, 'each backend in turn, twice'],
    [`kill ${middle.pid}`, `${middle.name} is gone; the others go on`],
    [`${command} backend ${middle.port} ${middle.name}`, `${middle.name} comes back`],
  ];
}

/** Which processes run, and what to try: a list for a person, events for everybody else. */
function sayWhatToTry(
  log: ProcessLog,
  backends: readonly RunningBackend[],
  steps: readonly Step[],
  isBanner: boolean,
): void {
  if (isBanner) {
    const pids = backends.map(({ name, pid }) => `${name} ${pid}`).join(', ');
    const width = Math.max(...steps.map(([typed]) => typed.length));
    const lines = steps.map(([typed, what]) => `  ${typed.padEnd(width)}   # ${what}\n`);
    log.print(`Processes: ${pids}. Try, in another terminal:\n${lines.join('')}\n`);
    return;
  }
  for (const { name, port, pid } of backends) {
    const fields = { backend: name, port, pid };
    log.event('info', 'demo_backend', `${name} is process ${pid} on port ${port}`, fields);
  }
  for (const [typed, what] of steps) log.event('info', 'demo_try', `try: ${typed} # ${what}`);
}

/**
 * `evenkeel demo`: three backends as processes of their own and a balancer before them, on free
 * ports. Resolves when the balancer has stopped; the backends end with it.
 */
export async function demo(terminal: Terminal): Promise<ExitCode> {
  const [port] = await freePorts(BALANCER_PORT, 1);
  const ports = await freePorts(FIRST_BACKEND_PORT, BACKENDS);
  if (port === undefined || ports.length < BACKENDS) {
    terminal.err('evenkeel: there are no free ports near 8080 and 9001\n');
    return ExitCode.failure;
  }
  const planned = ports.map((free, i) => ({ name: `server-${i + 1}`, port: free }));
  const loaded = parseConfig(demoConfig(port, planned), 'demo');
  if (!('config' in loaded)) {
    explain(terminal, loaded.diagnostics, NOTHING_STARTED);
    return ExitCode.config;
  }
  const { config } = loaded;
  const backends: RunningBackend[] = [];
  const command = ownCommand();
  try {
    for (const backend of planned) backends.push(await startBackend(backend));
    const announce = (log: ProcessLog, { listeners }: Started): void => {
      for (const note of portNotes(port, planned)) log.event('warn', 'demo_port_taken', note);
      for (const backend of backends) followBackend(log, backend, command);
      const steps = nextSteps(listenerUrl(listeners[0]), backends, command);
      sayWhatToTry(log, backends, steps, isBannerWanted(terminal, config));
    };
    return await serve(terminal, { config, source: null, load: null, announce });
  } finally {
    for (const backend of backends) {
      backend.process.removeAllListeners('exit');
      backend.process.kill('SIGTERM');
    }
  }
}

/** Says when the process of a backend has ended. */
function followBackend(log: ProcessLog, backend: RunningBackend, command: string): void {
  const { name, port, pid } = backend;
  backend.process.once('exit', (_code, signal) => {
    const how = signal === null ? 'has ended' : `was ended by ${signal}`;
    const again = `start it again with: ${command} backend ${port} ${name}`;
    log.event('info', 'demo_backend_ended', `the process of ${name} ${how}; ${again}`, {
      backend: name,
      pid,
    });
  });
}
