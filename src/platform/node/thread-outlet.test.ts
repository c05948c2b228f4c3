import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { Slabs } from '../../core/table/slabs.ts';
import type { Outlet } from './log-outlet.ts';
import { createLog, MAX_WAITING_BYTES } from './log-writer.ts';
import { threadOutlet } from './thread-outlet.ts';

const WORKER = 1;

let slabs: Slabs;
let posted: { text: string; lines: number }[];
let progress: number;
let outlet: Outlet;

beforeEach(() => {
  slabs = new Slabs(2);
  posted = [];
  progress = 0;
  outlet = open(() => progress++);
});

afterEach(() => {
  vi.useRealTimers();
});

const open = (onProgress: () => void): Outlet =>
  threadOutlet(
    slabs,
    WORKER,
    (bytes, lines) => void posted.push({ text: Buffer.from(bytes).toString(), lines }),
    onProgress,
  );

/** The control thread takes the first of what was posted. */
function take(): string {
  const { text } = posted.shift()!;
  slabs.takeLog(WORKER, text.length);
  return text;
}

describe('the way out of a worker', () => {
  it('posts lines as they are, with their number, and says that it goes on', () => {
    outlet.write(utf8('one\ntwo\n'), 2);
    expect(posted).toEqual([{ text: 'one\ntwo\n', lines: 2 }]);
    expect(progress).toBe(1);
    expect(outlet.dropped()).toBe(0);
  });

  it('is idle only when the control thread has taken everything', () => {
    expect(outlet.idle()).toBe(true);
    outlet.write(utf8('a\n'), 1);
    outlet.write(utf8('b\n'), 1);
    expect([outlet.idle(), outlet.room()]).toEqual([false, MAX_WAITING_BYTES - 4]);
    take();
    expect(outlet.idle()).toBe(false);
    take();
    expect([outlet.idle(), outlet.room()]).toEqual([true, MAX_WAITING_BYTES]);
  });

  it('is its own: what another worker has waiting leaves it all its room', () => {
    slabs.handOverLog(0, 1000, MAX_WAITING_BYTES);
    expect([outlet.idle(), outlet.room()]).toEqual([true, MAX_WAITING_BYTES]);
  });

  it('has nothing left to flush: text is on its way', () => {
    let done = 0;
    outlet.write(utf8('a\n'), 1);
    outlet.flush(1000, () => done++);
    expect(done).toBe(1);
  });
});

describe('a control thread that is behind', () => {
  const half = 'x'.repeat(MAX_WAITING_BYTES / 2);

  it('gets no more than may wait; lines beyond are dropped and counted', () => {
    outlet.write(utf8(half), 5);
    outlet.write(utf8(half), 6);
    outlet.write(utf8('one more\n'), 3);
    expect(posted.map(({ lines }) => lines)).toEqual([5, 6]);
    expect([outlet.dropped(), outlet.room(), progress]).toEqual([3, 0, 2]);
    take();
    outlet.write(utf8('again\n'), 1);
    expect(posted.map(({ lines }) => lines)).toEqual([6, 1]);
    expect(outlet.dropped()).toBe(3);
  });

  it('is told in the log how many lines it has lost, in the place where they are missing', () => {
    const log = createLog({ level: 'info', access: true, format: 'json', isTty: false }, open);
    slabs.handOverLog(WORKER, MAX_WAITING_BYTES, MAX_WAITING_BYTES);
    log.event('error', 'lost', 'first');
    log.event('error', 'lost', 'second');
    expect([posted, log.dropped()]).toEqual([[], 2]);
    slabs.takeLog(WORKER, MAX_WAITING_BYTES);
    log.event('error', 'kept', 'third');
    const lines = posted.map(({ text }) => JSON.parse(text));
    expect(lines.map(({ event }) => event)).toEqual(['kept', 'log_dropped']);
    expect(lines[1].lines).toBe(2);
    expect(posted.map(({ lines: count }) => count)).toEqual([1, 1]);
  });

  it('is told so when it has caught up, although no further line comes', () => {
    vi.useFakeTimers();
    const log = createLog({ level: 'info', access: true, format: 'json', isTty: false }, open);
    slabs.handOverLog(WORKER, MAX_WAITING_BYTES, MAX_WAITING_BYTES);
    log.event('error', 'lost', 'first');
    vi.advanceTimersByTime(1000);
    expect(posted).toEqual([]);
    slabs.takeLog(WORKER, MAX_WAITING_BYTES);
    vi.advanceTimersByTime(200);
    expect(posted.map(({ text }) => JSON.parse(text).event)).toEqual(['log_dropped']);
    take();
    vi.advanceTimersByTime(1000);
    expect([posted, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
