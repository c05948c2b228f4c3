/** What a process and everything it started have used, as Linux counts it in /proc. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of processor time in a second. */
const ticksPerSecond = (): number => Number(execFileSync('getconf', ['CLK_TCK']).toString());

let microsecondsPerTick = 0;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/** Null: the process is gone. The name, in parentheses, may hold spaces and parentheses. */
function stat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}

/** `root` and its descendants. */
function tree(root: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const known = pid > 0 ? stat(pid) : null;
    if (known !== null) all.set(pid, known);
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = all.get(at)?.parent) {
      if (at === root) return true;
    }
    return false;
  };
  return new Map([...all].filter(([pid]) => isBelow(pid)));
}

/** User and system time of the tree so far, in microseconds; exact to a tick of 10 ms. */
export function cpuMicroseconds(root: number): number {
  microsecondsPerTick ||= 1e6 / ticksPerSecond();
  let ticks = 0;
  for (const each of tree(root).values()) ticks += each.ticks;
  return ticks * microsecondsPerTick;
}

/** Resident memory of the tree, in bytes. Pages that processes share count once for each. */
export function residentBytes(root: number): number {
  let kilobytes = 0;
  for (const pid of tree(root).keys()) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    } catch {
      // It has just ended.
    }
  }
  return kilobytes * 1024;
}
