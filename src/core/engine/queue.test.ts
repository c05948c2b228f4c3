import { describe, expect, it } from 'vitest';
import { createSimClock, type SimClock } from '../../../sim/clock.ts';
import { backend } from '../../../test/fixtures/control-world.ts';
import type { Failure } from '../base/failure.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import type { QueueConfig } from '../config.ts';
import { Waiting } from '../resilience/waiting.ts';
import type { Backend } from '../table/backend.ts';
import { Place, Queue, type Waiter } from './queue.ts';

/** The queues of two workers, and so much room as a test makes. */
class TwoWorkers {
  readonly clock: SimClock = createSimClock();
  readonly queues: readonly Queue[];
  /** Who has gone on, in order. */
  readonly went: string[] = [];
  /** Who gave up. */
  readonly gaveUp: string[] = [];
  readonly rings: number[] = [];
  /** What happens when somebody has gone on. */
  onWent = (): void => {};
  room = 0;

  constructor(changes: Partial<QueueConfig> = {}) {
    const memory = new ArrayBuffer(Waiting.bytesFor(2));
    const wheel = new TimerWheel(this.clock);
    const config: QueueConfig = { size: 10, timeoutMs: 1000, order: 'fifo', ...changes };
    this.queues = [0, 1].map((worker) => {
      return new Queue(config, {
        clock: this.clock,
        wheel,
        waiting: new Waiting(memory, worker),
        ring: (at) => void this.rings.push(at),
      });
    });
  }

  /** Of those that wait, by name. */
  private readonly places = new Map<string, Place>();

  join(worker: number, name: string, isChoosy = false): Failure | null {
    const waiter: Waiter = {
      isChoosy,
      awaited: null,
      tryAgain: () => {
        if (this.room === 0 || isChoosy) return false;
        this.room--;
        place.queue?.leave(place);
        this.went.push(name);
        this.onWent();
        return true;
      },
      giveUp: () => {
        this.queues[worker].leave(place);
        this.gaveUp.push(name);
      },
    };
    const place = new Place(waiter);
    this.places.set(name, place);
    return this.queues[worker].join(place);
  }

  /** Its client has gone. */
  leave(worker: number, name: string): void {
    this.queues[worker].leave(this.places.get(name)!);
  }

  /** A worker gives room back. */
  makeRoom(worker: number): void {
    this.room++;
    this.queues[worker].room();
    this.pass(1);
  }

  pass(ms: number): void {
    this.clock.run(this.clock.nowMs() + ms);
  }
}

describe('a queue', () => {
  it('lets go in the order of coming, one for each room', () => {
    const world = new TwoWorkers();
    for (const name of ['a', 'b', 'c']) world.join(0, name);
    world.makeRoom(0);
    world.makeRoom(0);
    expect(world.went).toEqual(['a', 'b']);
    expect(world.queues[0].length).toBe(1);
  });

  it.each(['a', 'b', 'c'])('goes on with the others when %s leaves it', (name) => {
    const world = new TwoWorkers();
    for (const each of ['a', 'b', 'c']) world.join(0, each);
    world.leave(0, name);
    for (let i = 0; i < 3; i++) world.makeRoom(0);
    expect(world.went).toEqual(['a', 'b', 'c'].filter((each) => each !== name));
    expect(world.queues[0].length).toBe(0);
  });

  it('takes so many as may wait in all workers together', () => {
    const world = new TwoWorkers({ size: 2 });
    expect([world.join(0, 'a'), world.join(1, 'b')]).toEqual([null, null]);
    expect(world.join(0, 'c')).toMatchObject({ kind: 'overloaded', side: 'us' });
    expect(world.join(1, 'd')).not.toBeNull();
  });

  it('passes over who waits for one backend alone', () => {
    const world = new TwoWorkers();
    world.join(0, 'choosy', true);
    world.join(0, 'b');
    world.makeRoom(0);
    expect(world.went).toEqual(['b']);
  });

  it('has the place of who leaves for another one at once, in whatever worker', () => {
    const world = new TwoWorkers({ size: 2 });
    for (const name of ['a', 'b']) world.join(0, name);
    world.leave(0, 'b');
    expect(world.join(1, 'c')).toBeNull();
    expect(world.join(1, 'd')).not.toBeNull();
  });

  it('gives up who has waited too long, and no one else', () => {
    const world = new TwoWorkers({ timeoutMs: 100 });
    world.join(0, 'a');
    world.pass(60);
    world.join(0, 'b');
    world.pass(50);
    expect(world.gaveUp).toEqual(['a']);
  });

  it('leaves no alarm behind when nobody waits any more', () => {
    const world = new TwoWorkers();
    world.join(0, 'a');
    world.makeRoom(0);
    expect(world.clock.pending()).toBe(0);
  });

  it('leaves none behind either when somebody joins while it looks', () => {
    const world = new TwoWorkers();
    world.onWent = () => {
      if (world.went.length < 5) world.join(0, `next ${world.went.length}`);
    };
    world.join(0, 'a');
    world.join(0, 'b');
    for (let n = 0; n < 6; n++) {
      world.pass(4);
      world.room = 1;
      world.pass(6);
      expect(world.clock.pending()).toBeLessThanOrEqual(1);
    }
  });

  it('notices room that nobody told it of', () => {
    const world = new TwoWorkers();
    world.join(0, 'a');
    world.pass(20);
    world.room = 1;
    world.pass(6);
    expect(world.went).toEqual(['a']);
  });
});

describe('a full queue', () => {
  /** One waits for a backend that has no room, and nobody else may. */
  function full() {
    const world = new TwoWorkers({ size: 1 });
    world.join(0, 'choosy', true);
    world.pass(20);
    return world;
  }

  it.each([0, 1])('of those who are choosy lets others pass in worker %d', (worker) => {
    const world = full();
    world.room = 1;
    expect(world.join(worker, 'a')).toBeNull();
    expect(world.went).toEqual(['a']);
    expect(world.join(worker, 'b')).not.toBeNull();
    expect(world.queues.map(({ length }) => length)).toEqual([1, 0]);
  });

  it.each([0, 1])('lets nobody in worker %d have what is free for who waits', (worker) => {
    const world = new TwoWorkers({ size: 1 });
    world.join(0, 'a');
    world.pass(20);
    world.room = 1;
    expect(world.join(worker, 'b')).not.toBeNull();
    world.pass(6);
    expect(world.went).toEqual(['a']);
  });
});

describe('a queue of those who wait for one backend each', () => {
  const [mine, others] = [backend(), backend()];

  /** `names` wait, each for one of these; a backend in `free` has room for all. */
  function waits(
    order: QueueConfig['order'],
    names: Readonly<Record<string, Backend>>,
    size = 10_000,
  ) {
    const { clock, queues } = new TwoWorkers({ size, order });
    const [queue] = queues;
    const free = new Set<Backend>();
    const went: string[] = [];
    let tries = 0;
    const join = (name: string, awaited: Backend): void => {
      const waiter: Waiter = {
        isChoosy: true,
        awaited,
        tryAgain() {
          tries++;
          if (!free.has(awaited)) return false;
          place.queue?.leave(place);
          went.push(name);
          return true;
        },
        giveUp: () => queue.leave(place),
      };
      const place = new Place(waiter);
      queue.join(place);
    };
    for (const [name, awaited] of Object.entries(names)) join(name, awaited);
    clock.run(clock.nowMs() + 1);
    tries = 0;
    const look = (): number => {
      queue.room();
      clock.run(clock.nowMs() + 1);
      return tries;
    };
    const pass = (ms: number): void => clock.run(clock.nowMs() + ms);
    return { free, went, look, queue, pass, join, tries: () => tries };
  }

  it('lets go whose backend has room, in the order of coming, whoever is before them', () => {
    const { free, went, look } = waits('fifo', { a: others, b: mine, c: others, d: mine });
    free.add(mine);
    look();
    expect(went).toEqual(['b', 'd']);
    free.add(others);
    look();
    expect(went).toEqual(['b', 'd', 'a', 'c']);
  });

  it('asks once for all that wait for the same one', () => {
    const all = Array.from({ length: 1000 }, (_, n) => [`${n}`, n % 2 === 0 ? mine : others]);
    const { look } = waits('fifo', Object.fromEntries(all));
    expect(look()).toBe(2);
  });

  it('that is full lets who waits have what has just become free, before who comes then', () => {
    const { free, went, queue, join, tries } = waits('fifo', { a: mine, b: others, c: mine }, 3);
    for (const name of ['late', 'too late']) join(name, mine);
    // Those who wait were asked before, and nothing has become free.
    expect(tries()).toBe(2);
    free.add(mine);
    queue.room();
    join('d', mine);
    expect(went).toEqual(['a', 'c', 'd']);
  });

  it('passes over those before it, from the newest back, once it stands', () => {
    const { free, went, pass, join } = waits('adaptive', { first: others });
    pass(150);
    for (const [name, awaited] of [
      ['a', mine],
      ['b', others],
      ['c', mine],
    ] as const) {
      join(name, awaited);
    }
    free.add(others);
    pass(1);
    expect(went).toEqual(['b', 'first']);
  });

  it('asks again the next time', () => {
    const { free, went, look } = waits('fifo', { a: mine, b: mine });
    expect(look()).toBe(1);
    free.add(mine);
    look();
    expect(went).toEqual(['a', 'b']);
  });
});

describe('the queues of two workers', () => {
  it('let those go first who have waited longer, wherever', () => {
    const world = new TwoWorkers();
    world.join(0, 'older');
    world.pass(50);
    world.join(1, 'younger');
    world.room = 1;
    world.queues[1].room();
    world.pass(0.1);
    expect(world.went).toEqual([]);
    expect(world.rings).toEqual([0]);
    world.queues[0].rung();
    world.pass(0.1);
    expect(world.went).toEqual(['older']);
  });

  it('ring where somebody waits, when nobody waits here', () => {
    const world = new TwoWorkers();
    world.join(1, 'a');
    world.makeRoom(0);
    expect(world.rings).toEqual([1]);
  });

  it('ring no further when they are rung and nobody waits', () => {
    const world = new TwoWorkers();
    world.join(1, 'a');
    world.queues[0].rung();
    expect(world.rings).toEqual([]);
  });

  it('let nobody who comes now go before those who wait', () => {
    const world = new TwoWorkers();
    expect(world.queues.map((queue) => queue.hasTurns)).toEqual([false, false]);
    world.join(0, 'a');
    world.pass(20);
    expect(world.queues.map((queue) => queue.hasTurns)).toEqual([true, true]);
  });

  it.each([-60_000, -27_300_000_000])('agree when the clock is set by %d ms', (byMs) => {
    const world = new TwoWorkers({ timeoutMs: 60_000 });
    for (const worker of [0, 1]) {
      world.join(worker, 'choosy', true);
      world.join(worker, 'before');
    }
    world.pass(20);
    world.clock.jump(byMs);
    for (const worker of [0, 1]) {
      world.join(worker, 'choosy', true);
      world.join(worker, 'after');
      world.pass(20);
    }
    for (let told = 0; world.went.length < 4; told++) {
      expect(told).toBeLessThan(20);
      if (told % 2 === 0) world.room = 1;
      world.pass(5);
      for (const worker of world.rings.splice(0)) world.queues[worker].rung();
    }
    expect(world.went).toEqual(['before', 'before', 'after', 'after']);
  });

  it('do not ring each other for ever when the clock is set back', () => {
    const world = new TwoWorkers();
    for (const worker of [0, 1]) world.join(worker, 'choosy', true);
    world.pass(20);
    world.clock.jump(-60_000);
    world.pass(20);
    for (const worker of [0, 1]) world.queues[worker].rung();
    for (let turn = 0; turn < 10; turn++) {
      const rings = world.rings.splice(0);
      for (const worker of rings) world.queues[worker].rung();
      world.pass(0.1);
    }
    expect(world.rings).toEqual([]);
  });

  it('do not wait for a worker that is dead', () => {
    const world = new TwoWorkers();
    world.join(0, 'dead');
    world.pass(20);
    const first = world.queues[0] as unknown as { onAlarm(): void; alarm: { cancel(): void } };
    first.alarm.cancel();
    world.pass(300);
    world.join(1, 'b');
    world.makeRoom(1);
    expect(world.went).toEqual(['b']);
  });
});

describe('a look', () => {
  it('follows at once when somebody joins: room may have been given to nobody before', () => {
    const world = new TwoWorkers();
    world.room = 1;
    world.join(0, 'a');
    world.pass(1);
    expect(world.went).toEqual(['a']);
  });
});

describe('in the eyes of another worker', () => {
  it('who is choosy goes before nobody', () => {
    const world = new TwoWorkers();
    world.join(0, 'choosy', true);
    world.pass(50);
    expect(world.queues[1].hasTurns).toBe(false);
    world.join(1, 'b');
    world.makeRoom(1);
    expect(world.went).toEqual(['b']);
  });

  it('who has left goes before nobody', () => {
    const world = new TwoWorkers();
    world.join(0, 'a');
    world.pass(20);
    expect(world.queues[1].hasTurns).toBe(true);
    world.leave(0, 'a');
    expect(world.queues[1].hasTurns).toBe(false);
  });
});

describe('a queue of the order adaptive', () => {
  /** It has stood for a while, in which nobody found room but who came last. */
  function standing() {
    const world = new TwoWorkers({ order: 'adaptive' });
    world.pass(10_000);
    world.join(0, 'first');
    world.pass(150);
    return world;
  }

  it('lets go in the order of coming while it only evens out a burst', () => {
    const world = new TwoWorkers({ order: 'adaptive' });
    world.pass(10_000);
    for (const name of ['a', 'b', 'c']) world.join(0, name);
    world.pass(80);
    world.makeRoom(0);
    world.makeRoom(0);
    expect([world.went, world.gaveUp]).toEqual([['a', 'b'], []]);
  });

  it('lets the newest go first once it stands, and gives up the others after 10 ms', () => {
    const world = standing();
    for (const name of ['second', 'third']) world.join(0, name);
    world.makeRoom(0);
    expect([world.went, world.gaveUp]).toEqual([['third'], []]);
    world.pass(6);
    expect(world.gaveUp).toEqual(['first']);
    world.pass(20);
    expect(world.gaveUp).toEqual(['first']);
    world.makeRoom(0);
    expect(world.went).toEqual(['third', 'second']);
  });

  it('lets nobody who comes now wait for those who have waited, once it stands', () => {
    const world = standing();
    expect(world.queues[0].hasTurns).toBe(false);
  });

  it('evens out the next burst once nobody has waited', () => {
    const world = standing();
    world.makeRoom(0);
    for (const name of ['a', 'b']) world.join(0, name);
    world.makeRoom(0);
    expect(world.went).toEqual(['first', 'a']);
  });

  it('that stands does not go by who has waited longer elsewhere', () => {
    const world = new TwoWorkers({ order: 'adaptive' });
    world.join(1, 'elsewhere');
    world.pass(50);
    world.join(0, 'here');
    world.pass(150);
    world.rings.length = 0;
    world.join(0, 'newest');
    world.makeRoom(0);
    expect([world.went, world.rings]).toEqual([['newest'], []]);
  });
});
