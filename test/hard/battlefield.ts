/** Three backends that take notes, balancers before them, and load. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackendProcess } from '../e2e/harness/backend-process.ts';
import { Balancer, shortConfig } from '../e2e/harness/balancer.ts';
import { Load, type Outcome } from '../e2e/harness/load.ts';
import { root } from '../e2e/harness/root.ts';
import type { Scale } from './figures.ts';

const noteTaker = join(root, 'test/e2e/peers/note-taker.mjs');
const names = ['server-1', 'server-2', 'server-3'];
export const connections = 64;
export const waitMs = 120_000;

const checks = {
  short: 'health_check: {interval: 500ms, timeout: 400ms, path: /health}\n',
  full: 'health_check: {interval: 1s, timeout: 500ms, path: /health}\n',
};

export class Battlefield {
  readonly backends: readonly BackendProcess[];
  /** The notes of each. */
  readonly files: readonly string[];
  private readonly folder: string;

  private constructor(folder: string, backends: readonly BackendProcess[]) {
    this.folder = folder;
    this.files = names.map((name) => join(folder, name));
    this.backends = backends;
  }

  /** `backlog`: connections that the kernel holds for a backend that accepts none. */
  static async open(backlog: number): Promise<Battlefield> {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-battle-'));
    const words = (name: string): string[] => [name, join(folder, name), String(backlog)];
    const backends = await Promise.all(
      names.map((name) => BackendProcess.startScript(name, noteTaker, words(name))),
    );
    return new Battlefield(folder, backends);
  }

  async close(): Promise<void> {
    for (const backend of this.backends) await backend.kill();
    rmSync(this.folder, { recursive: true });
  }

  /** A balancer that knows all three to be up. */
  async balancer(scale: Scale, access = false): Promise<Balancer> {
    const config =
      shortConfig(this.backends.map(({ url }) => url)) +
      `${checks[scale]}timeouts: {response: 20s}\nlog: {access: ${access}}\n`;
    const balancer = await Balancer.start({ config });
    await this.allUp(balancer);
    return balancer;
  }

  async allUp(balancer: Balancer): Promise<void> {
    for (const name of names) await logged(balancer, 'backend_up', name);
  }
}

/** The log line with this event about this backend. */
export async function logged(
  balancer: Balancer,
  event: string,
  backend: string,
): Promise<Record<string, unknown>> {
  const line = await balancer.logged(event, waitMs, { backend });
  if (line === null) throw new Error(`no ${event} for ${backend}:\n${balancer.output}`);
  return line;
}

/** What load of so many connections is told; `reconnects` as in LoadOptions. */
export function loadOn(
  balancer: Balancer,
  request: (id: number) => string,
  onOutcome: (outcome: Outcome) => void,
  reconnects = true,
): Load {
  return new Load({ port: balancer.port, connections, request, onOutcome, reconnects });
}
