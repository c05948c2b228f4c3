import { afterEach, describe, expect, it, vi } from 'vitest';
import { connected, until } from '../../../test/conformance/transport-ends.ts';
import {
  type End,
  fillPattern,
  patternAt,
  watch,
} from '../../../test/conformance/transport-world.ts';
import { findRuntime } from '../transport.ts';
import { EINVAL } from './libc.ts';
import { createKernelIo } from './transport.ts';

const runtime = findRuntime();
const LONG = 3_000_000;
const everything = new Uint8Array(LONG * 4);
fillPattern(everything, 0);

const patterned = (length: number): Uint8Array => everything.subarray(0, length);

describe.skipIf(runtime === null)('a connection whose bytes need not be seen', () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const { transport } = createKernelIo(runtime);
  afterEach(() => {
    vi.restoreAllMocks();
  });

  interface Passage {
    readonly source: End;
    readonly from: End;
    readonly to: End;
    readonly sink: End;
    unseen: number;
  }

  /** What `source` writes goes from `from` to `to`, and so to `sink`. */
  async function passage(bytes: number): Promise<Passage> {
    const back = await connected(transport);
    const front = await connected(transport);
    const [from, to] = [back.near, front.far];
    const all: Passage = { source: back.far, from, to, sink: front.near, unseen: 0 };
    from.onBytes = (shown) => to.call((socket) => socket.write(shown));
    const events = {
      onRelayed: (count: number, room: boolean) => {
        all.unseen += count;
        if (!room) from.call((socket) => socket.pause());
      },
    };
    to.onRoom = () => from.call((socket) => socket.resume());
    from.call((socket) => socket.relayTo?.(to.socket, bytes, events));
    return all;
  }

  function close(...all: Passage[]): void {
    for (const { source, sink, from, to } of all)
      for (const end of [source, sink, from, to]) end.call((socket) => socket.reset());
  }

  it('passes them on without reading one', async () => {
    const all = await passage(LONG);
    const { source, sink } = all;
    const reader = watch(sink);
    source.call((socket) => socket.write(patterned(LONG)));
    await until(() => sink.received === LONG);
    expect([all.unseen, all.from.received, reader.firstWrong]).toEqual([LONG, 0, -1]);
    close(all);
  });

  it('shows what comes behind them', async () => {
    const all = await passage(LONG - 10);
    all.source.call((socket) => socket.write(patterned(LONG)));
    await until(() => all.sink.received === LONG);
    expect(all.unseen).toBe(LONG - 10);
    expect([...all.from.bytes()]).toEqual(
      Array.from({ length: 10 }, (_, i) => patternAt(LONG - 10 + i)),
    );
    close(all);
  });

  it('shows them when they are few: two calls more cost more than a copy', async () => {
    const all = await passage(60_000);
    all.source.call((socket) => socket.write(patterned(60_000)));
    await until(() => all.sink.received === 60_000);
    expect([all.unseen, all.from.received]).toEqual([0, 60_000]);
    close(all);
  });

  it('reads less at first when the last body was passed on', async () => {
    const all = await passage(LONG);
    all.source.call((socket) => socket.write(patterned(LONG + 200_000)));
    const sizes: number[] = [];
    all.from.onBytes = (bytes) => sizes.push(bytes.length);
    await until(() => all.from.received === 200_000);
    expect(sizes[0]).toBeLessThanOrEqual(16 * 1024);
    expect(Math.max(...sizes)).toBeGreaterThan(16 * 1024);
    close(all);
  });

  it('keeps a pipe for each receiver that stands still, and beyond some shows bytes', async () => {
    const pipes = vi.spyOn(libc, 'pipe2');
    const slow = await Promise.all(Array.from({ length: 36 }, () => passage(LONG * 4)));
    for (const { source, sink } of slow) {
      sink.call((socket) => socket.pause());
      source.call((socket) => socket.write(patterned(LONG * 4)));
    }
    await until(() => slow.every(({ to }) => to.socket.unsentBytes() > 0));
    expect(pipes.mock.calls.length).toBeLessThanOrEqual(32);
    expect(slow.filter(({ from }) => from.received > 0).length).toBeGreaterThanOrEqual(4);
    const readers = slow.map(({ sink }) => watch(sink));
    for (const { from, sink } of slow) {
      from.keep = false;
      sink.call((socket) => socket.resume());
    }
    await until(() => slow.every(({ sink }) => sink.received === LONG * 4));
    expect(readers.every((reader) => reader.firstWrong === -1)).toBe(true);
    close(...slow);
  });

  it('shows them where the kernel cannot do it', async () => {
    const all = await passage(LONG);
    vi.spyOn(libc, 'splice').mockReturnValue(-1);
    vi.spyOn(libc, 'errno').mockReturnValue(EINVAL);
    const { splice } = libc;
    all.source.call((socket) => socket.write(patterned(100_000)));
    await until(() => all.sink.received === 100_000);
    expect([all.unseen, all.from.received]).toEqual([0, 100_000]);
    expect(splice).toHaveBeenCalledTimes(1);
    close(all);
  });
});
