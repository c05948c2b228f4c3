/** More bytes than the kernels hold: backpressure, and who owns which bytes meanwhile. */
import { expect } from 'vitest';
import { type Case, Pourer, type Stage, watch } from './transport-world.ts';

export const BULK: readonly Case[] = [
  [
    'holds a writer back while the reader is paused, and tells it when there is room',
    async (stage) => {
      const { near, far } = await stage.pair();
      const reader = watch(far);
      far.call((socket) => socket.pause());
      const pourer = new Pourer(near, stage.world.bulkBytes, 40_000);
      pourer.pour();
      await stage.until(() => pourer.blocks > 0);
      await stage.pass(30);
      expect(pourer.poured).toBeLessThan(stage.world.bulkBytes);
      expect(near.socket.unsentBytes()).toBeGreaterThan(0);
      far.call((socket) => socket.resume());
      await stage.until(() => far.received === stage.world.bulkBytes);
      expect([reader.place, reader.firstWrong]).toEqual([stage.world.bulkBytes, -1]);
      await stage.until(() => near.saw('drain') && near.socket.unsentBytes() === 0);
    },
  ],
  [
    'does the same for what the acceptor writes, in small pieces and beyond what is asked',
    async (stage) => {
      const { near, far } = await stage.pair();
      const reader = watch(near);
      near.call((socket) => socket.pause());
      const pourer = new Pourer(far, stage.world.bulkBytes, 3000);
      pourer.pour();
      await stage.until(() => pourer.blocks > 0);
      // A writer may go on although it was told to wait; nothing is lost.
      for (let i = 0; i < 20; i++) pourer.pour();
      near.call((socket) => socket.resume());
      await stage.until(() => near.received === stage.world.bulkBytes);
      expect(reader.firstWrong).toBe(-1);
    },
  ],
  ...[3000, 65_836, 300_000].map(
    (size): Case => [
      `does the same for writes of ${size} bytes in two parts`,
      async (stage) => {
        const { near, far } = await stage.pair();
        const reader = watch(far);
        far.call((socket) => socket.pause());
        const pourer = new Pourer(near, stage.world.bulkBytes, size, 300);
        pourer.pour();
        await stage.until(() => pourer.blocks > 0);
        far.call((socket) => socket.resume());
        await stage.until(() => far.received === stage.world.bulkBytes);
        expect(reader.firstWrong).toBe(-1);
        await stage.until(() => near.socket.unsentBytes() === 0);
      },
    ],
  ),
  [
    'tells a writer that waits for room of a reset, although it leaves bytes unread',
    async (stage) => {
      const { near, far } = await stage.pair();
      near.call((socket) => socket.pause());
      far.call((socket) => socket.pause());
      far.send('unread');
      const pourer = new Pourer(near, stage.world.bulkBytes, 40_000);
      pourer.pour();
      await stage.until(() => pourer.blocks > 0);
      await stage.pass(30);
      far.call((socket) => socket.reset());
      await stage.until(() => near.closes === 1);
      expect(near.failure?.kind).toBe('reset');
    },
  ],
  [
    'tells of room although the writer has ended meanwhile',
    async (stage) => {
      const { near, far } = await stage.pair();
      far.keep = false;
      far.call((socket) => socket.pause());
      const pourer = new Pourer(near, stage.world.bulkBytes, 40_000);
      pourer.pour();
      await stage.until(() => pourer.blocks > 0);
      near.onRoom = null;
      near.send('and more');
      near.call((socket) => socket.end());
      far.call((socket) => socket.resume());
      await stage.until(() => near.saw('drain') && far.saw('end'));
      expect(far.received).toBe(pourer.poured + 8);
    },
  ],
  [
    'relays views of what it delivers, with both neighbours busy and slow',
    async (stage) => {
      const relays = [await relay(stage), await relay(stage), await relay(stage)];
      const total = stage.world.bulkBytes;
      const pourers: Pourer[] = [];
      for (const { client, backend } of relays) {
        pourers.push(new Pourer(backend, total, 50_000), new Pourer(client, total, 20_000));
        client.call((socket) => socket.pause());
        backend.call((socket) => socket.pause());
      }
      for (const pourer of pourers) pourer.pour();
      // What was held for a reader that stood still is what must not be overwritten.
      await stage.until(() => relays.every(({ pauses }) => pauses() > 0));
      for (const { client, backend } of relays) {
        client.call((socket) => socket.resume());
        backend.call((socket) => socket.resume());
      }
      const ends = relays.flatMap(({ client, backend }) => [client, backend]);
      await stage.until(() => ends.every((end) => end.received === total));
      for (const { readers } of relays) expect(readers.map((r) => r.firstWrong)).toEqual([-1, -1]);
    },
  ],
  [
    'keeps small views for a stopped reader, while other connections read',
    async (stage) => {
      const { client, backend, readers, pauses, relayed } = await relay(stage);
      const chatter = await stage.pair();
      client.call((socket) => socket.pause());
      const pourer = new Pourer(backend, stage.world.bulkBytes, 8000);
      // One small read after the other, until the client's side takes no more.
      while (pauses() === 0) {
        pourer.pourOne();
        await stage.until(() => relayed() === pourer.poured || pauses() > 0);
      }
      for (let i = 0; i < 20; i++) {
        chatter.far.call((socket) => socket.write(new Uint8Array(12_000).fill(0xaa)));
        await stage.until(() => chatter.near.received === (i + 1) * 12_000);
      }
      client.call((socket) => socket.resume());
      await stage.until(() => client.received === pourer.poured);
      expect(readers[0].firstWrong).toBe(-1);
    },
  ],
];

/** A client and a backend, with a relay between: what one end reads goes out at the other. */
async function relay(stage: Stage) {
  const one = await stage.pair();
  const two = await stage.pair();
  const client = one.near;
  const backend = two.far;
  const readers = [watch(client), watch(backend)];
  let pauses = 0;
  const join = (from: typeof client, to: typeof client): void => {
    let refusals = 0;
    from.keep = false;
    from.onBytes = (bytes) => {
      // A view, and bytes of ours that go before another view.
      const [a, b] = [bytes.length >> 2, bytes.length >> 1];
      const ours = new Uint8Array(bytes.subarray(a, b));
      bytes.fill(0xaa, a, b);
      const first = to.call((socket) => socket.write(bytes.subarray(0, a)));
      const second = to.call((socket) => socket.write(ours, bytes.subarray(b)));
      ours.fill(0xbb);
      if (first && second) return;
      // It goes on for two reads more: a pause need not take effect at once.
      refusals += 1;
      if (refusals < 3) return;
      pauses += 1;
      from.call((socket) => socket.pause());
    };
    to.onRoom = () => {
      refusals = 0;
      from.call((socket) => socket.resume());
    };
  };
  join(one.far, two.near);
  join(two.near, one.far);
  const relayed = (): number => two.near.received;
  return { client, backend, readers, pauses: () => pauses, relayed };
}
