/**
 * The way out for a worker's log: to the control thread, which writes for all. What that has not
 * taken yet is bounded like everything that waits, and what comes after it is dropped and counted.
 */
import type { Slabs } from '../../core/table/slabs.ts';
import type { Outlet } from './log-outlet.ts';
import { MAX_WAITING_BYTES } from './log-writer.ts';

/** How often it is looked whether the control thread has caught up, after lines were dropped. */
const LOOK_MS = 100;

/** Sends lines to the control thread, and the memory they are in. */
export type PostLog = (bytes: Uint8Array<ArrayBuffer>, lines: number) => void;

/** Opens it for one worker; `onProgress` is called whenever there may be room again. */
export function threadOutlet(
  slabs: Slabs,
  worker: number,
  post: PostLog,
  onProgress: () => void,
): Outlet {
  let dropped = 0;
  let looking = false;
  const idle = (): boolean => slabs.logWaiting(worker) === 0;
  // Nothing may follow what was dropped: it is looked for room in which to say so.
  const look = (): void => {
    looking = !idle();
    if (looking) setTimeout(look, LOOK_MS).unref();
    onProgress();
  };
  return {
    write: (bytes, lines) => {
      if (!slabs.handOverLog(worker, bytes.length, MAX_WAITING_BYTES)) {
        dropped += lines;
        if (!looking) setTimeout(look, LOOK_MS).unref();
        looking = true;
        return;
      }
      post(bytes, lines);
      onProgress();
    },
    room: () => MAX_WAITING_BYTES - slabs.logWaiting(worker),
    idle,
    dropped: () => dropped,
    flush: (_timeoutMs, done) => done(),
  };
}
