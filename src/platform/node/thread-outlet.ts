/**
 * The way out for a worker's log: to the control thread, which writes for all. What that has not
 * taken yet is bounded like everything that waits, and what comes after it is dropped and counted.
 */
import type { Slabs } from '../../core/table/slabs.ts';
import type { Outlet } from './log-outlet.ts';
import { MAX_WAITING_BYTES } from './log-writer.ts';

/** Sends lines to the control thread. */
export type PostLog = (text: string, lines: number) => void;

/** Text is counted in characters: JSON and most of what is logged is ASCII. */
export function threadOutlet(
  slabs: Slabs,
  worker: number,
  post: PostLog,
  onProgress: () => void,
): Outlet {
  let dropped = 0;
  return {
    write: (text, lines) => {
      if (!slabs.handOverLog(worker, text.length, MAX_WAITING_BYTES)) {
        dropped += lines;
        return;
      }
      post(text, lines);
      onProgress();
    },
    room: () => MAX_WAITING_BYTES - slabs.logWaiting(worker),
    idle: () => slabs.logWaiting(worker) === 0,
    dropped: () => dropped,
    flush: (_timeoutMs, done) => done(),
  };
}
