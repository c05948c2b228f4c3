import { beforeEach, describe, expect, it } from 'vitest';
import {
  backendConfig,
  ControlWorld,
  emptyPool,
  FakeEngine,
  occupy,
  poolConfig,
} from '../../../test/fixtures/control-world.ts';
import { Tracker } from '../health/tracker.ts';
import { Backend } from '../table/backend.ts';
import { State, Table } from '../table/table.ts';
import { Drains } from './drains.ts';
import type { Member } from './members.ts';

let world: ControlWorld;
let engine: FakeEngine;
let table: Table;
let member: Member;
let drains: Drains;
let gone: Member[];

beforeEach(() => {
  world = new ControlWorld();
  engine = new FakeEngine(world.clock);
  table = new Table({ capacity: 2, workers: 1 });
  gone = [];
  drains = new Drains(table, world.clock, world.log, engine, (each) => void gone.push(each));
  const config = poolConfig([backendConfig(1)], { name: 'api' });
  const slot = table.claim(1, State.up) ?? -1;
  const backend = new Backend(slot, table.generation(slot), config.backends[0], config);
  const tracker = new Tracker(null, true, 0);
  const pool = emptyPool(config);
  member = { backend, tracker, pool, drain: null, turnedMs: null, pardoned: false };
  pool.members.push(member);
});

const slot = (): number => member.backend.slot;

function drain(removed: boolean): void {
  drains.begin(member, removed);
  drains.settle(member);
}

describe('draining', () => {
  it('takes no new exchanges, and is over when nothing is on it', () => {
    occupy(table, slot());
    drain(false);
    expect(table.state(slot())).toBe(State.draining);
    expect(world.logged('backend_draining')).toEqual([
      'api/server-1 is draining: it was asked to, with 1 exchange on it (0 of 1 up)',
    ]);
    expect(member.drain?.empty).toBe(false);
    table.leave(slot());
    drains.settle(member);
    expect(member.drain?.empty).toBe(true);
    expect(world.logged('backend_drained')).toHaveLength(1);
    expect(table.state(slot())).toBe(State.draining);
    expect(world.clock.pending()).toBe(0);
  });

  it('gives the slot of a backend that was removed back, once', () => {
    occupy(table, slot());
    table.enterTunnel(slot());
    drain(true);
    table.leave(slot());
    drains.settle(member);
    expect(gone).toEqual([]);
    table.leaveTunnel(slot());
    drains.settle(member);
    expect(gone).toEqual([member]);
    expect(table.state(slot())).toBe(State.free);
    expect(world.logged('backend_removed')).toEqual(['api/server-1 is removed']);
  });

  it('ends also when a worker that only looked was counted, and nobody told of its end', () => {
    occupy(table, slot());
    drain(true);
    table.leave(slot());
    expect(gone).toEqual([]);
    world.pass(1000);
    expect(gone).toEqual([member]);
    expect(world.clock.pending()).toBe(0);
  });

  it('of one that was drained and is then removed ends in the same way', () => {
    drain(false);
    table.enterTunnel(slot());
    drain(true);
    table.leaveTunnel(slot());
    expect(gone).toEqual([]);
    world.pass(1000);
    expect(gone).toEqual([member]);
    expect(world.clock.pending()).toBe(0);
  });

  it('of a removed backend without load is over at once', () => {
    drain(true);
    expect(table.state(slot())).toBe(State.free);
    expect(world.clock.pending()).toBe(0);
  });

  it('cuts exchanges after their deadline and tunnels after theirs', () => {
    engine.onCut = (_backend, what) => {
      if (what === 'exchanges') table.leave(slot());
      else table.leaveTunnel(slot());
    };
    occupy(table, slot());
    table.enterTunnel(slot());
    drain(true);
    world.pass(29_999);
    expect(engine.take()).toEqual([]);
    world.pass(2);
    expect(engine.take()).toEqual(['cut server-1 exchanges']);
    expect(gone).toEqual([]);
    world.pass(569_998);
    expect(engine.take()).toEqual([]);
    world.pass(2);
    expect(engine.take()).toEqual(['cut server-1 tunnels']);
    expect(gone).toEqual([member]);
    expect(world.logged('backend_drain_cut')).toEqual([
      'api/server-1: 1 exchange cut after 30 s of draining',
      'api/server-1: 1 tunnel cut after 600 s of draining',
    ]);
  });

  it('cuts also tunnels that an exchange in flight becomes after their deadline', () => {
    member.pool.config = { ...member.pool.config, drainTunnelTimeoutMs: 10_000 };
    engine.onCut = () => table.leaveTunnel(slot());
    occupy(table, slot());
    table.enterTunnel(slot());
    drain(true);
    world.pass(10_001);
    expect(engine.take()).toEqual(['cut server-1 tunnels']);
    table.leave(slot());
    table.enterTunnel(slot());
    world.pass(1000);
    expect(engine.take()).toEqual(['cut server-1 tunnels']);
    expect(gone).toEqual([member]);
    expect(world.clock.pending()).toBe(0);
    expect(world.logged('backend_drain_cut')).toEqual([
      'api/server-1: 1 tunnel cut after 10 s of draining',
      'api/server-1: 1 tunnel cut after 11 s of draining',
    ]);
  });

  it('gives the slot back once when the engine tells of the end within the cut', () => {
    const before = table.generation(slot());
    engine.onCut = () => {
      table.leave(slot());
      drains.settle(member);
    };
    occupy(table, slot());
    drain(true);
    world.pass(30_001);
    expect(gone).toEqual([member]);
    expect(table.generation(slot())).toBe(before + 1);
    expect(world.logged('backend_removed')).toHaveLength(1);
  });

  it('asks for no cut when nothing is left to be cut', () => {
    table.enterTunnel(slot());
    drain(false);
    world.pass(60_000);
    expect(engine.take()).toEqual([]);
  });

  it('that was asked for becomes a removal when the backend leaves the configuration', () => {
    drain(false);
    expect(gone).toEqual([]);
    drain(true);
    expect(gone).toEqual([member]);
    expect(world.logged('backend_draining')).toHaveLength(1);
    expect(world.logged('backend_drained')).toHaveLength(1);
  });

  it('leaves no timer when everything stops', () => {
    occupy(table, slot());
    drain(false);
    drains.stop();
    expect(world.clock.pending()).toBe(0);
  });
});

describe('draining a backend that keeps its clients', () => {
  beforeEach(() => {
    const sticky = {
      kind: 'cookie' as const,
      cookie: 'lb',
      maxAgeMs: null,
      secret: null,
      drain: true,
    };
    member.pool.config = { ...member.pool.config, sticky };
  });

  it('lets them come until its deadline, although nothing is on it', () => {
    drain(false);
    expect([table.state(slot()), table.keeps(slot())]).toEqual([State.draining, true]);
    world.pass(29_999);
    expect([member.drain?.empty, table.keeps(slot())]).toEqual([false, true]);
    world.pass(2);
    expect([member.drain?.empty, table.keeps(slot())]).toEqual([true, false]);
    expect(world.logged('backend_drained')).toHaveLength(1);
    expect(engine.take()).toEqual([]);
    expect(world.clock.pending()).toBe(0);
  });

  it('cuts those of them that are there then', () => {
    engine.onCut = () => table.leave(slot());
    drain(false);
    world.pass(20_000);
    expect(table.enterKept(slot(), member.backend.generation)).toBe(true);
    world.pass(10_001);
    expect(engine.take()).toEqual(['cut server-1 exchanges']);
    expect(member.drain?.empty).toBe(true);
    expect(table.enterKept(slot(), member.backend.generation)).toBe(false);
  });

  it('cuts their tunnels when they are no longer kept, if the deadline of those is over', () => {
    member.pool.config = { ...member.pool.config, drainTunnelTimeoutMs: 10_000 };
    engine.onCut = (_backend, what) => {
      if (what === 'exchanges') table.leave(slot());
      else table.leaveTunnel(slot());
    };
    table.enterTunnel(slot());
    drain(false);
    // It would come back at once.
    world.pass(29_999);
    expect(engine.take()).toEqual([]);
    expect(table.enterKept(slot(), member.backend.generation)).toBe(true);
    world.pass(2);
    expect(engine.take()).toEqual(['cut server-1 exchanges', 'cut server-1 tunnels']);
    expect(member.drain?.empty).toBe(true);
    expect(world.clock.pending()).toBe(0);
  });

  it('cuts their tunnels soon when it leaves the configuration after the deadline of those', () => {
    member.pool.config = { ...member.pool.config, drainTunnelTimeoutMs: 10_000 };
    engine.onCut = () => table.leaveTunnel(slot());
    table.enterTunnel(slot());
    drain(false);
    world.pass(15_000);
    expect(engine.take()).toEqual([]);
    drain(true);
    world.pass(1000);
    expect(engine.take()).toEqual(['cut server-1 tunnels']);
    expect(gone).toEqual([member]);
  });

  it('lets nobody come when it leaves the configuration, and ends in the same way', () => {
    drain(true);
    expect(gone).toEqual([member]);
  });

  it('ends when it leaves the configuration in the middle', () => {
    drain(false);
    world.pass(1000);
    drain(true);
    expect(gone).toEqual([member]);
    expect(table.keeps(slot())).toBe(false);
    expect(world.clock.pending()).toBe(0);
  });
});
