/**
 * What every Transport must keep, sentence by sentence as the port says it. Real and pretended
 * networks pass the same cases: that is what makes a simulation evidence.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/core/base/failure.ts';
import { BULK } from './transport-bulk.ts';
import { RELAY } from './transport-relay.ts';
import { type Case, Pourer, Stage, type TransportWorld, watch } from './transport-world.ts';

export function transportConformance(
  name: string,
  createWorld: () => Promise<TransportWorld>,
): void {
  describe(`the transport of ${name}`, () => {
    let world: TransportWorld;
    beforeAll(async () => {
      world = await createWorld();
    });
    afterAll(() => world.close());

    const cases = [...OPENING, ...BYTES, ...BULK, ...RELAY, ...ENDING, ...FAILING, ...LISTENING];
    it.each(cases)('%s', async (_sentence, play) => {
      const stage = await Stage.open(world);
      await play(stage);
      await stage.strike();
    });
  });
}

const OPENING: readonly Case[] = [
  [
    'opens at both ends and knows who is who',
    async (stage) => {
      const { far } = await stage.pair();
      expect(far.peer?.address).toBe(stage.world.address);
      expect(far.peer?.port).toBeGreaterThan(0);
      expect(far.events).toEqual([]);
    },
  ],
  [
    'keeps what is written before it is open, and sends it then',
    async (stage) => {
      const near = stage.dial();
      near.send('ear');
      near.send('ly');
      await stage.until(() => stage.accepted[0]?.text() === 'early');
      expect(near.events[0]).toBe('open');
    },
  ],
  [
    'writes nothing, and says so, for no bytes before it is open',
    async (stage) => {
      const near = stage.dial();
      expect(near.send('')).toBe(true);
      await stage.until(() => near.saw('open') && stage.accepted.length > 0);
      near.send('x');
      await stage.until(() => stage.accepted[0].text() === 'x');
      expect(near.events).toEqual(['open']);
    },
  ],
  [
    'ends in order when closed or reset before it is open',
    async (stage) => {
      const ends = [stage.dial(), stage.dial()];
      ends[0].call((socket) => socket.close());
      ends[1].call((socket) => socket.reset());
      await stage.until(() => ends.every((end) => end.closes === 1));
      for (const end of ends) expect([end.events, end.failure]).toEqual([['close'], null]);
    },
  ],
  [
    'lets the acceptor speak first, from inside accept',
    async (stage) => {
      stage.onAccept = (end) => end.send('220 hello');
      const { near } = await stage.pair();
      await stage.until(() => near.text() === '220 hello');
      expect(near.events).toEqual(['open', 'data']);
    },
  ],
  [
    'can be reset from inside accept',
    async (stage) => {
      stage.onAccept = (end) => end.call((socket) => socket.reset());
      const near = stage.dial();
      await stage.until(() => near.closes === 1 && stage.accepted[0]?.closes === 1);
      expect(near.failure?.kind).toBe('reset');
      expect(stage.accepted[0].failure).toBe(null);
    },
  ],
  [
    'carries hundreds of connections at once, each its own bytes',
    async (stage) => {
      stage.onAccept = (end) => {
        end.onBytes = (bytes) => end.call((socket) => socket.write(bytes));
      };
      const ends = Array.from({ length: 200 }, () => stage.dial());
      for (const [i, end] of ends.entries()) end.send(`connection ${i};`);
      await stage.until(() => ends.every((end, i) => end.text() === `connection ${i};`));
    },
  ],
];

const BYTES: readonly Case[] = [
  [
    'delivers bytes both ways, in order and none twice',
    async (stage) => {
      const { near, far } = await stage.pair();
      for (const text of ['one ', 'two ', 'three']) expect(near.send(text)).toBe(true);
      expect(far.send('four')).toBe(true);
      await stage.until(() => far.text() === 'one two three' && near.text() === 'four');
      expect(far.saw('drain') || near.saw('drain')).toBe(false);
      expect([near.socket.unsentBytes(), far.socket.unsentBytes()]).toEqual([0, 0]);
    },
  ],
  [
    'lets the writer use its bytes again as soon as write returns',
    async (stage) => {
      const { near, far } = await stage.pair();
      const scratch = new Uint8Array(64);
      for (let i = 0; i < 50; i++) {
        scratch.fill(65 + (i % 26));
        near.call((socket) => socket.write(scratch));
      }
      scratch.fill(0);
      await stage.until(() => far.received === 50 * 64);
      expect(far.text()).toBe(
        Array.from({ length: 50 }, (_, i) => String.fromCharCode(65 + (i % 26)).repeat(64)).join(
          '',
        ),
      );
    },
  ],
  [
    'writes nothing, and says so, for no bytes',
    async (stage) => {
      const { near, far } = await stage.pair();
      expect(near.send('')).toBe(true);
      near.send('x');
      await stage.until(() => far.text() === 'x');
    },
  ],
  [
    'delivers nothing while paused, and everything after',
    async (stage) => {
      const { near, far } = await stage.pair();
      far.call((socket) => socket.pause());
      await stage.pass(10);
      near.send('held');
      await stage.pass(30);
      expect(far.events).toEqual([]);
      far.call((socket) => socket.resume());
      await stage.until(() => far.text() === 'held');
    },
  ],
  [
    'can be paused before it is open',
    async (stage) => {
      stage.onAccept = (end) => end.send('held');
      const near = stage.dial();
      near.call((socket) => socket.pause());
      await stage.until(() => near.saw('open'));
      await stage.pass(30);
      expect(near.received).toBe(0);
      near.call((socket) => socket.resume());
      await stage.until(() => near.text() === 'held');
    },
  ],
  [
    'has read what was readable when a turn was asked for, once it comes',
    async (stage) => {
      const first = await stage.pair();
      const second = await stage.pair();
      for (let round = 1; round <= 20; round++) {
        let turned = false;
        let readByThen = -1;
        first.near.onBytes = () => {
          second.far.send('b');
          stage.world.clock.nextTurn(() => {
            turned = true;
            readByThen = second.near.received;
          });
        };
        first.far.send('a');
        await stage.until(() => turned && second.near.received === round);
        if (stage.world.instant) expect(readByThen).toBe(round);
      }
    },
  ],
];

const ENDING: readonly Case[] = [
  [
    'goes on reading after its own end, until the other end comes',
    async (stage) => {
      const { near, far } = await stage.pair();
      near.send('request');
      near.call((socket) => socket.end());
      await stage.until(() => far.saw('end'));
      expect(far.text()).toBe('request');
      await stage.pass(10);
      expect([near.closes, far.closes]).toEqual([0, 0]);
      far.send('answer');
      await stage.until(() => near.text() === 'answer');
      far.call((socket) => socket.end());
      await stage.until(() => near.closes === 1 && far.closes === 1);
      expect([near.events, far.events]).toEqual([
        ['open', 'data', 'end', 'close'],
        ['data', 'end', 'close'],
      ]);
      expect([near.failure, far.failure]).toEqual([null, null]);
    },
  ],
  [
    'does the same when the acceptor ends first',
    async (stage) => {
      const { near, far } = await stage.pair();
      far.call((socket) => socket.end());
      await stage.until(() => near.saw('end'));
      expect(near.send('still here')).toBe(true);
      await stage.until(() => far.text() === 'still here');
      near.call((socket) => socket.end());
      await stage.until(() => near.closes === 1 && far.closes === 1);
      expect([near.failure, far.failure]).toEqual([null, null]);
    },
  ],
  [
    'keeps bytes and end back from a paused reader',
    async (stage) => {
      const { near, far } = await stage.pair();
      far.call((socket) => socket.pause());
      near.send('last');
      near.call((socket) => socket.end());
      await stage.pass(30);
      expect(far.events).toEqual([]);
      far.call((socket) => socket.resume());
      await stage.until(() => far.saw('end'));
      expect([far.events, far.text()]).toEqual([['data', 'end'], 'last']);
    },
  ],
  [
    'does the same for a reader that has ended itself',
    async (stage) => {
      const { near, far } = await stage.pair();
      near.call((socket) => socket.end());
      await stage.until(() => far.saw('end'));
      near.call((socket) => socket.pause());
      await stage.pass(10);
      far.send('last');
      far.call((socket) => socket.end());
      await stage.pass(30);
      expect(near.events).toEqual(['open']);
      near.call((socket) => socket.resume());
      await stage.until(() => near.closes === 1 && far.closes === 1);
      expect([near.events, near.text()]).toEqual([['open', 'data', 'end', 'close'], 'last']);
      expect([near.failure, far.failure]).toEqual([null, null]);
    },
  ],
  [
    'ignores what is written after end, close, reset and when it is gone',
    async (stage) => {
      const ways = ['end', 'close', 'reset'] as const;
      for (const way of ways) {
        const { near, far } = await stage.pair();
        near.call((socket) => socket[way]());
        expect(near.send('too late')).toBe(true);
        near.call((socket) => socket.end());
        if (way === 'end') await stage.until(() => far.saw('end'));
        near.call((socket) => socket.close());
        await stage.until(() => near.closes === 1);
        near.call((socket) => socket.pause());
        near.call((socket) => socket.resume());
        near.call((socket) => socket.close());
        expect(near.send('far too late')).toBe(true);
        expect(near.socket.unsentBytes()).toBe(0);
        await stage.pass(10);
        expect(far.received).toBe(0);
      }
    },
  ],
  [
    'sends everything before it closes, however slow the reader',
    async (stage) => {
      const { near, far } = await stage.pair();
      const reader = watch(far);
      far.call((socket) => socket.pause());
      const pourer = new Pourer(near, stage.world.bulkBytes, 40_000);
      pourer.pour();
      for (let i = 0; i < 10; i++) pourer.pour();
      near.call((socket) => socket.close());
      await stage.pass(20);
      expect(near.closes).toBe(0);
      far.call((socket) => socket.resume());
      await stage.until(() => near.closes === 1 && far.saw('end'));
      expect([reader.place, reader.firstWrong]).toEqual([pourer.poured, -1]);
      expect(near.failure).toBe(null);
      expect(near.saw('drain')).toBe(false);
    },
  ],
  [
    'reads nothing more once it was closed or reset',
    async (stage) => {
      for (const way of ['close', 'reset'] as const) {
        const { near, far } = await stage.pair();
        near.onBytes = () => near.call((socket) => socket[way]());
        far.send('one');
        await stage.until(() => near.received > 0);
        far.send('two');
        far.send('three');
        await stage.until(() => near.closes === 1);
        await stage.pass(10);
        expect(near.events).toEqual(['open', 'data', 'close']);
        expect(near.received).toBeLessThanOrEqual(3);
        expect(near.failure).toBe(null);
      }
    },
  ],
];

const FAILING: readonly Case[] = [
  [
    'fails at the other end when it is reset, with the side that did it',
    async (stage) => {
      const one = await stage.pair();
      one.near.call((socket) => socket.reset());
      await stage.until(() => one.near.closes === 1 && one.far.closes === 1);
      expect(one.near.failure).toBe(null);
      expect(brief(one.far.failure)).toEqual(['reset', 'client', 'if-idempotent']);
      const other = await stage.pair();
      other.far.call((socket) => socket.reset());
      await stage.until(() => other.near.closes === 1 && other.far.closes === 1);
      expect(other.far.failure).toBe(null);
      expect(brief(other.near.failure)).toEqual(['reset', 'backend', 'if-idempotent']);
    },
  ],
  [
    'does not take a reset for an end, although a write hears of it first',
    async (stage) => {
      for (const paused of [false, true]) {
        const { near, far } = await stage.pair();
        if (paused) near.call((socket) => socket.pause());
        await stage.pass(10);
        far.call((socket) => socket.reset());
        for (let i = 0; i < 3; i++) near.send('unheard');
        await stage.until(() => near.closes === 1);
        expect(near.saw('end')).toBe(false);
        expect(brief(near.failure)).toEqual(['reset', 'backend', 'if-idempotent']);
      }
    },
  ],
  [
    'drops what was not sent when it is reset, also after close',
    async (stage) => {
      for (const closeFirst of [false, true]) {
        const { near, far } = await stage.pair();
        far.keep = false;
        far.call((socket) => socket.pause());
        const pourer = new Pourer(near, stage.world.bulkBytes, 40_000);
        pourer.pour();
        await stage.until(() => pourer.blocks > 0);
        if (closeFirst) near.call((socket) => socket.close());
        near.call((socket) => socket.reset());
        await stage.until(() => near.closes === 1);
        expect([near.failure, near.socket.unsentBytes()]).toEqual([null, 0]);
        far.call((socket) => socket.resume());
        await stage.until(() => far.closes === 1);
        expect(far.failure?.kind).toBe('reset');
        expect(far.received).toBeLessThan(pourer.poured);
      }
    },
  ],
  [
    'is refused where nobody listens, and may be tried elsewhere',
    async (stage) => {
      const near = stage.dial({ ...stage.target(), port: stage.world.closedPort });
      near.send('never sent');
      await stage.until(() => near.closes === 1);
      expect(near.events).toEqual(['close']);
      expect(brief(near.failure)).toEqual(['refused', 'backend', 'safe']);
      expect(near.failure?.cause).toContain(`${stage.world.address}:${stage.world.closedPort}`);
    },
  ],
  [
    'waits for ever for a peer that does not answer, and can be given up',
    async (stage) => {
      const ends = [stage.dial(stage.world.blackHole), stage.dial(stage.world.blackHole)];
      ends[0].send('unheard');
      await stage.pass(100);
      expect(ends.map((end) => end.events)).toEqual([[], []]);
      ends[0].call((socket) => socket.reset());
      ends[1].call((socket) => socket.close());
      await stage.until(() => ends.every((end) => end.closes === 1));
      expect(ends.map((end) => end.failure)).toEqual([null, null]);
    },
  ],
];

const LISTENING: readonly Case[] = [
  [
    'says when a port is taken, and goes on where it was',
    async (stage) => {
      const answers: (Failure | null)[] = [];
      const second = stage.world.server.listen(
        { host: null, port: stage.listener.port },
        () => expect.unreachable(),
        (failure) => answers.push(failure),
      );
      expect(answers).toEqual([]);
      await stage.until(() => answers.length > 0);
      expect(brief(answers[0])).toEqual(['address_in_use', 'us', 'never']);
      expect(answers[0]?.cause).toContain(String(stage.listener.port));
      expect(second.port).toBe(0);
      second.close();
      await stage.pair();
      await stage.pass(5);
      expect(answers.length).toBe(1);
    },
  ],
  [
    'stops accepting when closed, while its connections live on',
    async (stage) => {
      const { near, far } = await stage.pair();
      stage.listener.close();
      const late = stage.dial();
      await stage.until(() => late.closes === 1);
      expect(late.failure?.kind).toBe('refused');
      near.send('still here');
      await stage.until(() => far.text() === 'still here');
      const again = await reopen(stage);
      expect(again).toBe(null);
    },
  ],
  [
    'answers once also when it is closed before it is open',
    async (stage) => {
      const answers: (Failure | null)[] = [];
      const listener = stage.world.server.listen(
        { host: null, port: 0 },
        () => expect.unreachable(),
        (failure) => answers.push(failure),
      );
      listener.close();
      listener.close();
      expect(answers).toEqual([]);
      await stage.until(() => answers.length > 0);
      await stage.pass(10);
      expect(answers.map((answer) => answer?.kind)).toEqual(['stopping']);
      expect(listener.port).toBe(0);
    },
  ],
];

function brief(failure: Failure | null | undefined): unknown[] {
  return [failure?.kind, failure?.side, failure?.retry];
}

/** Listens again on the port of a listener that was closed. */
async function reopen(stage: Stage): Promise<Failure | null> {
  const answers: (Failure | null)[] = [];
  const again = stage.world.server.listen(
    { host: null, port: stage.listener.port },
    () => expect.unreachable(),
    (failure) => answers.push(failure),
  );
  await stage.until(() => answers.length > 0);
  again.close();
  return answers[0];
}
