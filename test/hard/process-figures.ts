/** What Linux tells about a process and its sockets. */
import { readFileSync } from 'node:fs';
import type { Balancer } from '../e2e/harness/balancer.ts';
import { pause } from './figures.ts';

export { cpuMicroseconds } from '../../bench/process-tree.ts';

/** Bytes that the kernel holds for one end of a connection. */
export interface Queues {
  /** Written and not acknowledged by the other end. */
  readonly unsent: number;
  /** Come and not read. */
  readonly unread: number;
}

const port = (address: string): number => Number.parseInt(address.split(':')[1], 16);

/** The queues of the end that has these ports; it must exist, on IPv4 or IPv6. */
export function queues(localPort: number, remotePort: number): Queues {
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(file, 'latin1').trim().split('\n').slice(1)) {
      const [, local, remote, , both] = line.trim().split(/\s+/);
      if (port(local) !== localPort || port(remote) !== remotePort) continue;
      const [unsent, unread] = both.split(':').map((text) => Number.parseInt(text, 16));
      return { unsent, unread };
    }
  }
  throw new Error(`no connection from port ${localPort} to port ${remotePort}`);
}

/** Follows the resident memory of a balancer, and keeps the most it has been. */
export class MemoryWatch {
  /** Bytes. */
  most = 0;
  private readonly balancer: Balancer;
  private timer: NodeJS.Timeout | undefined;

  constructor(balancer: Balancer) {
    this.balancer = balancer;
    this.look();
    this.timer = setInterval(() => this.look(), 20);
  }

  /** Ends it. Returns the most. */
  stop(): number {
    this.look();
    clearInterval(this.timer);
    return this.most;
  }

  private look(): void {
    if (this.balancer.isRunning()) this.most = Math.max(this.most, this.balancer.residentBytes());
    else clearInterval(this.timer);
  }
}

/** Waits until a number stays as it is for so long. */
export async function untilStill(value: () => number, quietMs: number): Promise<void> {
  for (let before = Number.NaN; before !== value(); ) {
    before = value();
    await pause(quietMs);
  }
}
