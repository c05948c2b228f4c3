/** The machine that measures: its programs, processors, ports and limits. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';

/** Where servers live on Debian; an ordinary user does not have these in PATH. */
export const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Descriptors each process may want: two for each of 4,000 connections and room to spare. */
const WANTED_DESCRIPTORS = 65_536;

const SPARE_DESCRIPTORS = 200;

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

/**
 * Raises the limit of open descriptors of this process, and so of all it starts, as far as it may.
 * Returns what was reached.
 */
export function raiseDescriptorLimit(): number {
  const now = (): [number, number] => {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const [, soft, hard] = /^Max open files\s+(\w+)\s+(\w+)/m.exec(limits) ?? [];
    const number = (text?: string): number => (text === 'unlimited' ? 2 ** 30 : Number(text));
    return [number(soft), number(hard)];
  };
  const [soft, hard] = now();
  if (soft >= WANTED_DESCRIPTORS) return soft;
  // Root may go above the hard limit, unless the machine forbids that too.
  for (const limit of [WANTED_DESCRIPTORS, hard]) {
    const most = Math.max(limit, hard);
    ask('prlimit', [`--pid=${process.pid}`, `--nofile=${limit}:${most}`]);
    if (now()[0] >= limit) break;
  }
  return now()[0];
}

/** Clients that a balancer with so many descriptors can hold: two each, and some for itself. */
export const mostConnections = (descriptors: number): number =>
  Math.floor((descriptors - SPARE_DESCRIPTORS) / 2);

/** What the figures were taken on. */
export function describeMachine(): object {
  const cpus = os.cpus();
  return {
    processor: cpus[0]?.model.trim() ?? 'unknown',
    processors: cpus.length,
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}
