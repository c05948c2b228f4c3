/** What the system gives this process: descriptors and memory. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Resources } from '../../core/engine/engine.ts';

/** Where the system does not say how many files may be open: what most allow at least. */
const FALLBACK_DESCRIPTORS = 1024;
const CGROUP_LIMITS = [
  '/sys/fs/cgroup/memory.max',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes',
] as const;
const CGROUP_TIME = '/sys/fs/cgroup/cpu.max';

/** As of now; limits that are changed later are not seen. `workers` share it. */
export function readResources(workers: number): Resources {
  return {
    workers,
    descriptors: descriptorsOf(read('/proc/self/limits')),
    memoryBytes: memoryOf(CGROUP_LIMITS.map(read), os.totalmem()),
  };
}

/** The soft limit in the text of /proc/self/limits; null: there is no such file. */
export function descriptorsOf(limits: string | null): number {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  if (soft === undefined) return FALLBACK_DESCRIPTORS;
  return soft === 'unlimited' ? 1_048_576 : Number(soft);
}

/** The smaller of the machine's memory and what the control groups say. */
export function memoryOf(groups: readonly (string | null)[], machineBytes: number): number {
  const bounds = groups.map((text) => Number(text?.trim() || 'max'));
  return Math.min(machineBytes, ...bounds.filter((bytes) => bytes > 0));
}

/**
 * How many threads can run at once: the processors this process may use, and not more than its
 * control group has time for; 1 or more.
 */
export function usableProcessors(): number {
  return processorsOf(read('/proc/self/status'), read(CGROUP_TIME), os.cpus().length);
}

/** From the texts of /proc/self/status and cpu.max; null: there is no such file. */
export function processorsOf(status: string | null, time: string | null, machine: number): number {
  const allowed = /^Cpus_allowed_list:\s+(\S+)/m.exec(status ?? '')?.[1];
  const usable = allowed === undefined ? machine : countOf(allowed);
  const [quota, period] = (time ?? '').trim().split(/\s+/).map(Number);
  const granted = quota > 0 && period > 0 ? Math.ceil(quota / period) : usable;
  return Math.max(1, Math.min(usable, granted));
}

/** How many numbers there are in a list like `0-3,8`. */
function countOf(list: string): number {
  return list.split(',').reduce((sum, part) => {
    const [first, last = first] = part.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
