import { afterEach, describe, expect, it, vi } from 'vitest';
import { connected, dial, listen, part, until } from '../../../test/conformance/transport-ends.ts';
import type { End } from '../../../test/conformance/transport-world.ts';
import { findRuntime } from '../transport.ts';
import { EMFILE } from './libc.ts';
import { createKernelIo } from './transport.ts';

const runtime = findRuntime();

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** Which values follow one another, and how often each. */
function runs(bytes: Uint8Array): [value: number, count: number][] {
  const found: [number, number][] = [];
  for (const value of bytes) {
    const last = found.at(-1);
    if (last?.[0] === value) last[1] += 1;
    else found.push([value, 1]);
  }
  return found;
}

/** Writes until the kernel takes no more. Returns how much it was. */
function fill(end: End): number {
  const bytes = filled(100_000, 1);
  let written = bytes.length;
  while (end.call((socket) => socket.write(bytes))) written += bytes.length;
  return written;
}

describe.skipIf(runtime === null)("a connection of the kernel's", () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const { transport, clock } = createKernelIo(runtime);
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is one at both ends', async () => {
    const { near, far } = await connected(transport);
    near.send('question');
    await until(() => far.text() === 'question');
    far.send('answer');
    await until(() => near.text() === 'answer');
    const kinds = [near, far].map((end) => end.socket.constructor.name);
    expect(kinds).toEqual(['KernelSocket', 'KernelSocket']);
    near.call((socket) => socket.close());
    await until(() => near.closes === 1 && far.saw('end'));
    far.call((socket) => socket.close());
    await until(() => far.closes === 1);
    expect([near.events, near.failure]).toEqual([['open', 'data', 'close'], null]);
    expect([far.events, far.failure]).toEqual([['data', 'end', 'close'], null]);
    expect([near.intrusions, far.intrusions]).toEqual([[], []]);
  });

  it('is read into memory that others are read into as well', async () => {
    const lines = [await connected(transport), await connected(transport)];
    const memories = new Set<ArrayBufferLike>();
    for (const { near, far } of lines) {
      far.onBytes = (bytes) => memories.add(bytes.buffer);
      near.send('x');
      await until(() => far.received === 1);
    }
    expect(memories.size).toBe(1);
    await part(...lines.flatMap(({ near, far }) => [near, far]));
  });

  it('lets the clock stand still while it is heard', async () => {
    const { near, far } = await connected(transport);
    const times: number[] = [];
    far.onBytes = () => {
      const before = clock.nowMs();
      const from = performance.now();
      while (performance.now() < from + 2);
      times.push(before, clock.nowMs());
    };
    near.send('x');
    await until(() => times.length === 2);
    expect(times[1]).toBe(times[0]);
    expect(clock.nowMs()).toBeGreaterThan(times[0]);
    await part(near, far);
  });

  describe('that relays a part of what it delivers with a head before it', () => {
    /** `relay` hears what `source` writes, and what it writes to `out` comes to `sink`. */
    async function relaying(): Promise<{ source: End; relay: End; out: End; sink: End }> {
      const [inward, outward] = [await connected(transport), await connected(transport)];
      return { source: inward.near, relay: inward.far, out: outward.near, sink: outward.far };
    }

    it.each([
      [
        'where other bytes lay',
        1500,
        [
          [5, 500],
          [7, 1500],
        ],
      ],
      ['in front of all bytes', 20_000, [[7, 2000]]],
    ])('puts it there in place, %s', async (_, size, left) => {
      const { source, relay, out, sink } = await relaying();
      let before: [number, number][] = [];
      relay.onBytes = (bytes) => {
        out.call((socket) => socket.write(filled(size, 7), bytes.subarray(2000)));
        before = runs(bytes.subarray(0, 2000));
      };
      source.socket.write(filled(4000, 5));
      await until(() => sink.received === size + 2000);
      expect(runs(sink.bytes())).toEqual([
        [7, size],
        [5, 2000],
      ]);
      expect(before).toEqual(left);
      await part(source, relay, out, sink);
    });

    it('sends a head that fits nowhere before it', async () => {
      const { source, relay, out, sink } = await relaying();
      const left: number[] = [];
      relay.onBytes = (bytes) => {
        out.call((socket) => socket.write(filled(50_000, 7), bytes.subarray(2000)));
        left.push(...new Set(bytes));
      };
      source.socket.write(filled(4000, 5));
      await until(() => sink.received === 52_000);
      expect(runs(sink.bytes())).toEqual([
        [7, 50_000],
        [5, 2000],
      ]);
      expect(left).toEqual([5]);
      await part(source, relay, out, sink);
    });

    it('keeps what a receiver that stalls has not taken, while more is read', async () => {
      const { source, relay, out, sink } = await relaying();
      sink.socket.pause();
      const written: Uint8Array[] = [];
      let waits = 0;
      relay.keep = false;
      relay.onBytes = (bytes) => {
        const head = filled(1000, written.length & 255);
        const body = bytes.subarray(bytes.length >> 1);
        written.push(head, new Uint8Array(body));
        if (!out.call((socket) => socket.write(head, body))) waits += 1;
      };
      const block = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
      for (let sent = 0; waits < 5; ) {
        source.socket.write(block);
        sent += block.length;
        await until(() => relay.received === sent);
      }
      const all = Buffer.concat(written);
      sink.socket.resume();
      await until(() => sink.received === all.length);
      expect(all.equals(sink.bytes())).toBe(true);
      expect(out.intrusions).toEqual([]);
      await part(source, relay, out, sink);
    });

    it('puts nothing over what waits to be sent of the bytes before it', async () => {
      const { source, relay, out, sink } = await relaying();
      sink.socket.pause();
      const before = fill(out);
      relay.onBytes = (bytes) => {
        out.socket.write(bytes.subarray(0, 2000));
        out.socket.write(filled(1500, 7), bytes.subarray(2000));
      };
      source.socket.write(filled(4000, 5));
      await until(() => relay.received === 4000);
      sink.socket.resume();
      await until(() => sink.received === before + 5500);
      expect(runs(sink.bytes().subarray(before))).toEqual([
        [5, 2000],
        [7, 1500],
        [5, 2000],
      ]);
      await part(source, relay, out, sink);
    });
  });

  it('reads what came before a reset that a write has heard of', async () => {
    const { near, far } = await connected(transport);
    far.send('too late');
    far.socket.reset();
    for (let i = 0; i < 3; i++) expect(near.send('more')).toBe(true);
    await until(() => near.closes === 1);
    expect([near.events, near.text()]).toEqual([['open', 'data', 'close'], 'too late']);
    expect(near.failure).toMatchObject({ kind: 'reset', side: 'backend', phase: 'relay' });
    expect(near.intrusions).toEqual([]);
  });

  it('reads what came before a reset that nothing was written after', async () => {
    const { near, far } = await connected(transport);
    near.send('last words');
    near.socket.reset();
    await until(() => far.closes === 1);
    expect([far.events, far.text()]).toEqual([['data', 'close'], 'last words']);
    expect(far.failure).toMatchObject({ kind: 'reset', side: 'client' });
  });

  it('tells a reset from an end that came before it', async () => {
    const { near, far } = await connected(transport);
    far.socket.end();
    await until(() => near.saw('end'));
    far.socket.close();
    // The first is answered with a RST, which the others are told of.
    await until(() => {
      near.send('unwanted');
      return near.closes === 1;
    });
    expect([near.events, near.intrusions]).toEqual([['open', 'end', 'close'], []]);
    expect(near.failure?.kind).toBe('reset');
  });

  it('is gone when a write finds it reset while nothing is read', async () => {
    const { near, far } = await connected(transport);
    near.socket.pause();
    far.send('unheard');
    far.socket.reset();
    near.send('more');
    await until(() => near.closes === 1);
    expect([near.events, near.failure?.kind]).toEqual([['open', 'close'], 'reset']);
  });

  it('tells of a reset while it waits for room, although nothing is read', async () => {
    const { near, far } = await connected(transport);
    for (const end of [near, far]) end.socket.pause();
    fill(near);
    far.socket.reset();
    await until(() => near.closes === 1);
    expect([near.failure?.kind, near.socket.unsentBytes()]).toEqual(['reset', 0]);
    expect([near.events, near.intrusions]).toEqual([['open', 'close'], []]);
  });

  it('sends what waits for room before it closes', async () => {
    const { near, far } = await connected(transport);
    far.socket.pause();
    const written = fill(near);
    near.call((socket) => socket.close());
    far.send('unwanted');
    far.socket.resume();
    await until(() => far.saw('end') && near.closes === 1);
    expect([far.received, near.events, near.failure]).toEqual([written, ['open', 'close'], null]);
    await part(far);
  });

  it('sends what waits for room before it ends, and reads on', async () => {
    const { near, far } = await connected(transport);
    far.socket.pause();
    const written = fill(near);
    near.call((socket) => socket.end());
    far.socket.resume();
    await until(() => far.saw('end'));
    far.send('answer');
    await until(() => near.text() === 'answer');
    expect([far.received, near.events]).toEqual([written, ['open', 'drain', 'data']]);
    await part(near, far);
  });

  it('sends what was written before it was open, in order', async () => {
    const { listener, accepted } = await listen(transport, { host: '127.0.0.1', port: 0 });
    const near = dial(transport, { address: '127.0.0.1', port: listener.port, tls: null });
    expect([near.send('one '), near.send('two ')]).toEqual([false, false]);
    near.call((socket) => socket.end());
    await until(() => accepted[0]?.saw('end'));
    expect(accepted[0].text()).toBe('one two ');
    expect(near.events).toEqual(['open', 'drain']);
    await part(near, ...accepted);
    listener.close();
  });

  it('says true for no bytes before it is open, and is told of no room then', async () => {
    const { listener, accepted } = await listen(transport, { host: '127.0.0.1', port: 0 });
    const near = dial(transport, { address: '127.0.0.1', port: listener.port, tls: null });
    const none = new Uint8Array(0);
    expect(near.call((socket) => [socket.write(none), socket.write(none, none)])).toEqual([
      true,
      true,
    ]);
    await until(() => near.saw('open') && accepted.length > 0);
    near.send('x');
    await until(() => accepted[0].text() === 'x');
    expect(near.events).toEqual(['open']);
    await part(near, ...accepted);
    listener.close();
  });

  /** A connection that has failed, and will tell of it. */
  function failed(): End {
    vi.spyOn(libc, 'socket').mockReturnValue(-1);
    vi.spyOn(libc, 'errno').mockReturnValue(EMFILE);
    const near = dial(transport, { address: '127.0.0.1', port: 1, tls: null });
    vi.restoreAllMocks();
    expect(near.closes).toBe(0);
    return near;
  }

  it('fails later, not now, where no descriptor is left', async () => {
    const near = failed();
    await until(() => near.closes === 1);
    expect(near.events).toEqual(['close']);
    expect(near.failure).toMatchObject({ kind: 'no_resources', phase: 'connect', retry: 'safe' });
  });

  it('tells of no failure that a reset comes before', async () => {
    const near = failed();
    near.call((socket) => socket.reset());
    await until(() => near.closes === 1);
    expect([near.events, near.failure, near.intrusions]).toEqual([['close'], null, []]);
  });

  it('tells of no failure of a write that a reset follows', async () => {
    const { near, far } = await connected(transport);
    near.socket.pause();
    far.socket.reset();
    near.send('unheard');
    near.call((socket) => socket.reset());
    await until(() => near.closes === 1);
    expect([near.events, near.failure]).toEqual([['open', 'close'], null]);
  });
});
