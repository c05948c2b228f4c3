import { beforeEach, describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import { occupy } from '../../../test/fixtures/control-world.ts';
import { plainMemory } from '../../../test/fixtures/drawn-order.ts';
import { FakeFleet, ONE_BACKEND, WEB } from '../../../test/fixtures/fake-fleet.ts';
import { identitySchedule } from '../balancing/schedule.ts';
import { latin1 } from '../base/bytes.ts';
import { failure } from '../base/failure.ts';

const inUse = failure('address_in_use', 'us', 'accept', 'never', 'another process has it');

let world: FakeFleet;

beforeEach(() => {
  world = new FakeFleet(2);
});

describe('a worker that dies', () => {
  it('leaves nothing in flight, and the control thread is told', () => {
    world.configure();
    occupy(world.table, world.backend.slot);
    world.table.enterTunnel(world.backend.slot);
    world.show(0, { listeners: 1, connections: 3, exchanges: 1 });
    world.slabs.handOverLog(0, 50, 100);
    world.thread(0).die('out of memory');
    expect([world.table.inFlight(0), world.table.tunnels(0)]).toEqual([0, 0]);
    expect(world.fleet.open().connections).toBe(0);
    expect(world.slabs.logWaiting(0)).toBe(0);
    expect(world.evidence).toEqual(['countsChanged']);
    expect(world.logged('worker_died')).toEqual([
      'worker 0 died with what was in flight on it: out of memory; another one takes its place',
    ]);
  });

  it('is replaced by one that is told everything again, as it is now', () => {
    const { fleet } = world;
    world.configure();
    world.listenAll();
    world.listen(listenerConfig(9090));
    const other = identitySchedule([], plainMemory);
    fleet.schedule('default', other);
    world.backend.addresses = ['10.0.0.9'];
    world.thread(1).die('an error');
    expect(world.started.map(({ worker }) => worker)).toEqual([0, 1, 1]);
    const [told, ...more] = world.thread(1).told;
    expect(told).toMatchObject({
      kind: 'configure',
      config: ONE_BACKEND,
      pools: [{ backends: [{ addresses: ['10.0.0.9'] }], schedule: other.words.buffer }],
    });
    // Port 9090 is still being claimed.
    expect(more).toEqual([{ kind: 'listen', listener: WEB }]);
    expect(world.thread(0).take()).toEqual(['configure', 'listen', 'schedule']);
  });

  it('before the first configuration is replaced by one that is told it with the others', () => {
    world.thread(0).die('an error');
    expect(world.taken()).toEqual([[], []]);
    world.configure();
    expect(world.taken()).toEqual([['configure'], ['configure']]);
  });

  it('while a listener opens is waited for in its successor', () => {
    const answers = world.listen();
    world.claims[0].done(null, 8080);
    world.thread(0).answer();
    world.thread(1).die('an error');
    expect(answers).toEqual([]);
    expect(world.thread(1).portsAsked).toEqual([8080]);
    world.thread(1).answer();
    expect(answers).toEqual([{ failure: null, port: 8080 }]);
  });

  it('without an error is one that was ended, and is replaced too', () => {
    world.thread(0).die(null);
    expect(world.logged('worker_died')[0]).toContain('on it: it was ended; another one');
    expect(world.started).toHaveLength(3);
  });

  it('while it stops is not replaced, and counts no more', () => {
    world.show(0, { connections: 2 });
    world.show(1, { connections: 3 });
    world.fleet.beginStop();
    world.thread(0).die('an error');
    expect(world.started).toHaveLength(2);
    expect(world.fleet.open().connections).toBe(3);
    expect(world.evidence).toEqual(['countsChanged']);
    expect(world.logged('worker_died')).toEqual([
      'worker 0 died with what was in flight on it: an error',
    ]);
    world.pass(10_000);
    expect(world.thread(0).terminated).toBe(0);
  });
});

describe('a worker that cannot listen where the others do', () => {
  beforeEach(() => {
    world.listenAll();
    world.thread(1).die('an error');
    world.taken();
    world.thread(1).answer(inUse);
  });

  it('is heard of, and tries again a second later, until it can', () => {
    expect(world.logged('worker_cannot_listen')).toEqual([
      'worker 1 cannot listen on *:8080: another process has it; it tries again',
    ]);
    expect(world.fleet.listening()).toEqual([WEB]);
    world.pass(999);
    expect(world.taken()).toEqual([[], []]);
    world.pass(1);
    expect(world.taken()).toEqual([[], ['listen']]);
    world.thread(1).answer(inUse);
    world.pass(1000);
    expect(world.taken()).toEqual([[], ['listen']]);
    world.thread(1).answer();
    world.pass(10_000);
    expect(world.taken()).toEqual([[], []]);
  });

  it('does not when the listener has been closed meanwhile, or opened anew', () => {
    world.fleet.unlisten(WEB);
    world.listenAll();
    world.taken();
    world.pass(10_000);
    expect(world.taken()).toEqual([[], []]);
  });

  it('does not when everything stops', () => {
    world.fleet.beginStop();
    world.taken();
    world.pass(10_000);
    expect(world.taken()).toEqual([[], []]);
  });

  it('does not when it has died: its successor was asked by itself', () => {
    world.thread(1).die('another error');
    world.pass(10_000);
    expect(world.thread(1).portsAsked).toEqual([8080]);
  });
});

describe('a worker that is silent', () => {
  it('is ended and replaced', () => {
    world.thread(1).beats = false;
    world.pass(4800);
    expect(world.thread(1).terminated).toBe(0);
    world.pass(500);
    expect(world.started.map(({ terminated }) => terminated)).toEqual([0, 1, 0]);
    expect(world.logged('worker_silent')).toEqual([
      'worker 1 gave no sign of life for 5 s: it is replaced',
    ]);
    expect(world.logged('worker_died')).toHaveLength(1);
    world.pass(60_000);
    expect(world.started).toHaveLength(3);
  });

  it('is ended also when its successor is silent', () => {
    world.thread(0).beats = false;
    world.pass(5200);
    world.thread(0).beats = false;
    world.pass(5200);
    expect(world.started.map(({ terminated }) => terminated)).toEqual([1, 0, 1, 0]);
  });
});

describe('who is watched', () => {
  it('is nobody who died while it stops', () => {
    world.fleet.beginStop();
    world.thread(0).die('an error');
    world.pass(10_000);
    expect(world.logged('worker_silent')).toEqual([]);
  });

  it('is nobody after the end has begun: no timer is left', () => {
    const before = new FakeFleet(2);
    before.fleet.end(() => {});
    before.thread(0).say({ kind: 'finished' });
    before.thread(1).say({ kind: 'finished' });
    before.pass(1000);
    // The beats of the two threads that were pretended.
    expect(before.clock.pending()).toBe(1);
  });

  it('is told of when this thread itself was late', () => {
    world.pass(150);
    const late = world.clock.nowMs() + 5000;
    world.stall(5000);
    world.pass(5200);
    expect(world.clock.nowMs()).toBeGreaterThan(late);
    expect(world.evidence).toEqual(['late 5000']);
    expect(world.logged('worker_silent')).toEqual([]);
  });
});

describe('workers that keep dying', () => {
  it('are given up after more than five deaths within a minute, once', () => {
    for (let death = 0; death < 5; death++) {
      world.pass(11_000);
      world.thread(death % 2).die('an error');
    }
    expect([world.gaveUp, world.started.length]).toEqual([[], 7]);
    world.pass(11_000);
    world.thread(1).die('the last straw');
    expect(world.gaveUp).toEqual(['6 workers died within a minute, the last of: the last straw']);
    expect(world.started).toHaveLength(7);
    world.thread(0).die('and more');
    expect([world.gaveUp.length, world.started.length]).toEqual([1, 7]);
  });

  it('are replaced for ever when they die more slowly', () => {
    for (let death = 0; death < 50; death++) {
      world.pass(12_000);
      world.thread(0).die('an error');
    }
    expect([world.gaveUp, world.started.length]).toEqual([[], 52]);
  });
});

describe('the end', () => {
  let ends: number;

  beforeEach(() => {
    world.configure();
    world.taken();
    ends = 0;
    world.fleet.end(() => ends++);
  });

  it('is when every worker has handed over its log; then all threads are ended', () => {
    expect(world.taken()).toEqual([['finish'], ['finish']]);
    world.thread(0).say({ kind: 'finished' });
    expect([ends, world.thread(0).terminated]).toEqual([0, 0]);
    world.thread(1).say({ kind: 'finished' });
    expect([ends, world.started.map(({ terminated }) => terminated)]).toEqual([1, [1, 1]]);
    world.pass(60_000);
    expect([ends, world.started.length]).toEqual([1, 2]);
    expect(world.logged('worker_died')).toEqual([]);
  });

  it('waits for a worker that says nothing for a second at most', () => {
    world.thread(0).say({ kind: 'finished' });
    world.pass(999);
    expect(ends).toBe(0);
    world.pass(1);
    expect([ends, world.started.map(({ terminated }) => terminated)]).toEqual([1, [1, 1]]);
    world.thread(1).say({ kind: 'finished' });
    expect(ends).toBe(1);
  });

  it('does not wait for one that dies', () => {
    world.thread(0).say({ kind: 'finished' });
    world.thread(1).die('an error');
    expect([ends, world.started.length]).toEqual([1, 2]);
  });

  it('still passes logs on, and hears nothing else', () => {
    const { slot, generation } = world.backend;
    world.thread(0).say({ kind: 'released', id: { slot, generation } });
    world.thread(0).say({ kind: 'log', bytes: latin1('last words\n'), lines: 1 });
    expect([world.evidence, world.logLines]).toEqual([[], [['last words\n', 1]]]);
  });

  it('of a fleet whose workers are all dead is at once', () => {
    world = new FakeFleet(1);
    world.fleet.beginStop();
    world.thread(0).die('an error');
    world.fleet.end(() => ends++);
    expect(ends).toBe(1);
  });
});
