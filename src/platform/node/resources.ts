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

/** As of now; limits that are changed later are not seen. */
export function readResources(): Resources {
  return {
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

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
