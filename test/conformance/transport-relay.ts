/** Bytes that one connection passes on to another: unseen where the transport can, else shown. */
import { expect } from 'vitest';
import { type Case, type End, Pourer, type Stage, watch } from './transport-world.ts';

export const RELAY: readonly Case[] = [
  [
    'passes on what need not be seen, in order, and shows what comes after it',
    async (stage) => {
      const relay = await Relay.open(stage);
      const total = stage.world.bulkBytes;
      const reader = watch(relay.client);
      relay.begin(total - 1000);
      const pourer = new Pourer(relay.backend, total, 50_000);
      pourer.pour();
      await stage.until(() => relay.client.received === total);
      expect(reader.firstWrong).toBe(-1);
      expect(relay.passed + relay.shown).toBe(total);
      expect(relay.shown).toBeGreaterThanOrEqual(1000);
    },
  ],
  [
    'holds the sender back while the receiver stands still, and loses nothing',
    async (stage) => {
      const relays = [await Relay.open(stage), await Relay.open(stage)];
      const total = stage.world.bulkBytes;
      const readers = relays.map((relay) => watch(relay.client));
      const pourers = relays.map((relay) => new Pourer(relay.backend, total, 50_000));
      for (const relay of relays) {
        relay.client.call((socket) => socket.pause());
        relay.begin(total);
      }
      for (const pourer of pourers) pourer.pour();
      await stage.until(() => relays.every((relay) => relay.pauses > 0));
      await stage.pass(30);
      for (const relay of relays) {
        const sent = relay.passed + relay.shown;
        expect(sent).toBeLessThan(total);
        expect(relay.to.socket.unsentBytes()).toBeGreaterThan(0);
        relay.client.call((socket) => socket.resume());
      }
      await stage.until(() => relays.every((relay) => relay.client.received === total));
      expect(readers.map((reader) => reader.firstWrong)).toEqual([-1, -1]);
      await stage.until(() => relays.every((relay) => relay.to.socket.unsentBytes() === 0));
    },
  ],
  [
    'sends what is written behind bytes that were passed on, and its FIN, after them',
    async (stage) => {
      const relay = await Relay.open(stage);
      const total = stage.world.bulkBytes;
      relay.client.keep = false;
      const tail: number[] = [];
      relay.client.onBytes = (bytes) => {
        tail.push(...bytes.subarray(-4));
        tail.splice(0, tail.length - 4);
      };
      relay.client.call((socket) => socket.pause());
      relay.begin(total);
      new Pourer(relay.backend, total, 50_000).pour();
      await stage.until(() => relay.pauses > 0);
      const sent = relay.passed + relay.shown;
      relay.to.send('tail');
      relay.to.call((socket) => socket.end());
      relay.client.call((socket) => socket.resume());
      await stage.until(() => relay.client.saw('end'));
      expect(relay.client.received).toBe(sent + 4);
      expect(String.fromCharCode(...tail)).toBe('tail');
    },
  ],
  [
    'tells of an end, and of a reset, that come before all has been passed on',
    async (stage) => {
      const ended = await Relay.open(stage);
      ended.begin(stage.world.bulkBytes);
      ended.backend.send('short');
      ended.backend.call((socket) => socket.end());
      await stage.until(() => ended.from.saw('end'));
      await stage.until(() => ended.client.text() === 'short');
      const broken = await Relay.open(stage);
      broken.begin(stage.world.bulkBytes);
      broken.backend.call((socket) => socket.reset());
      await stage.until(() => broken.from.closes === 1);
      expect(broken.from.failure?.kind).toBe('reset');
      expect(broken.to.closes).toBe(0);
    },
  ],
  [
    'drops what a receiver that is gone would have got, and tells its side of it',
    async (stage) => {
      const relay = await Relay.open(stage);
      const total = stage.world.bulkBytes;
      relay.client.call((socket) => socket.pause());
      relay.begin(total);
      const pourer = new Pourer(relay.backend, total, 50_000);
      pourer.pour();
      await stage.until(() => relay.pauses > 0);
      relay.client.call((socket) => socket.reset());
      await stage.until(() => relay.to.closes === 1);
      expect(relay.to.failure?.kind).toBe('reset');
      relay.from.call((socket) => socket.resume());
      await stage.until(() => pourer.poured === total && relay.passed + relay.shown === total);
      expect(relay.to.socket.unsentBytes()).toBe(0);
    },
  ],
  [
    'passes nothing on after it was closed',
    async (stage) => {
      const relay = await Relay.open(stage);
      relay.begin(stage.world.bulkBytes);
      relay.from.call((socket) => socket.close());
      new Pourer(relay.backend, 100_000, 50_000).pour();
      await stage.until(() => relay.from.closes === 1);
      await stage.pass(30);
      expect([relay.passed + relay.shown, relay.client.received]).toEqual([0, 0]);
    },
  ],
];

/** A client and a backend; what comes `from` one goes `to` the other. */
class Relay {
  readonly client: End;
  readonly backend: End;
  readonly from: End;
  readonly to: End;
  /** Bytes that went unseen, and that were shown. */
  passed = 0;
  shown = 0;
  pauses = 0;

  private constructor(client: End, to: End, from: End, backend: End) {
    this.client = client;
    this.to = to;
    this.from = from;
    this.backend = backend;
  }

  static async open(stage: Stage): Promise<Relay> {
    const front = await stage.pair();
    const back = await stage.pair();
    return new Relay(front.near, front.far, back.near, back.far);
  }

  begin(bytes: number): void {
    const { from, to } = this;
    from.keep = false;
    from.onBytes = (shown) => {
      this.shown += shown.length;
      this.heed(to.call((socket) => socket.write(shown)));
    };
    to.onRoom = () => from.call((socket) => socket.resume());
    const events = {
      onRelayed: (count: number, room: boolean) => {
        from.expectOutside('relayed');
        this.passed += count;
        this.heed(room);
      },
    };
    from.call((socket) => socket.relayTo?.(to.socket, bytes, events));
  }

  private heed(room: boolean): void {
    if (room) return;
    this.pauses += 1;
    this.from.call((socket) => socket.pause());
  }
}
