import { beforeEach, describe, expect, it } from 'vitest';
import { ControlWorld, FakeEngine } from '../../../test/fixtures/control-world.ts';
import { checkTimeout, Stop } from './stop.ts';

let world: ControlWorld;
let engine: FakeEngine;
let stop: Stop;
let doneMs: number[];

beforeEach(() => {
  world = new ControlWorld();
  engine = new FakeEngine(world.clock);
  doneMs = [];
  stop = new Stop(world.clock, world.log, engine, () => void doneMs.push(world.clock.nowMs()));
});

const busy = { listeners: 0, connections: 2, exchanges: 1, tunnels: 0 };
const idle = { listeners: 0, connections: 0, exchanges: 0, tunnels: 0 };

describe('stopping', () => {
  it('is done soon when nothing is open, and leaves no timer', () => {
    stop.begin(0, 25_000);
    expect(doneMs).toEqual([]);
    expect(engine.take()).toEqual(['beginStop']);
    world.pass(1000);
    expect(doneMs).toHaveLength(1);
    expect(doneMs[0]).toBeLessThan(100);
    expect(engine.take()).toEqual([]);
    expect(world.clock.pending()).toBe(0);
  });

  it('keeps the listeners open for the delay', () => {
    stop.begin(5000, 25_000);
    world.pass(4999);
    expect(engine.take()).toEqual([]);
    world.pass(2);
    expect(engine.take()).toEqual(['beginStop']);
    expect(world.logged('stop_began')[0]).toBe(
      'stopping after a delay of 5 s, at most 25 s: ' +
        '0 connections, 0 exchanges, 0 tunnels open',
    );
  });

  it('waits until what is open has ended', () => {
    engine.counts = busy;
    stop.begin(0, 25_000);
    world.pass(10_000);
    expect(doneMs).toEqual([]);
    engine.counts = idle;
    world.pass(1000);
    expect(doneMs[0]).toBeLessThan(10_100);
    expect(engine.take()).toEqual(['beginStop']);
  });

  it('cuts what is open at the deadline, counted from the end of the delay', () => {
    engine.counts = busy;
    stop.begin(1000, 25_000);
    world.pass(25_999);
    expect(engine.take()).toEqual(['beginStop']);
    engine.counts = { listeners: 0, connections: 1, exchanges: 0, tunnels: 1 };
    world.pass(2);
    expect(engine.take()).toEqual(['cutAll']);
    expect(world.logged('stop_cut')).toEqual([
      'the time to stop is over: 1 connection, 0 exchanges, 1 tunnel cut',
    ]);
    engine.counts = idle;
    world.pass(100);
    expect(doneMs).toHaveLength(1);
  });

  it('does not wait for ever for connections that were cut', () => {
    engine.counts = busy;
    stop.begin(0, 1000);
    world.pass(5000);
    expect(engine.take()).toEqual(['beginStop', 'cutAll']);
    expect(doneMs).toHaveLength(1);
    expect(doneMs[0]).toBeLessThan(2200);
  });

  it('has no deadline when none is given', () => {
    engine.counts = busy;
    stop.begin(0, null);
    world.pass(3_600_000);
    expect(doneMs).toEqual([]);
    expect(engine.take()).toEqual(['beginStop']);
  });

  it('is forced by asking again with no time left, also during the delay', () => {
    engine.counts = busy;
    stop.begin(60_000, null);
    world.pass(100);
    stop.hurry(0);
    world.pass(100);
    expect(engine.take()).toEqual(['beginStop', 'cutAll']);
    engine.counts = idle;
    world.pass(100);
    expect(doneMs).toHaveLength(1);
  });

  it('is not slowed down by asking again with more time', () => {
    engine.counts = busy;
    stop.begin(0, 1000);
    stop.hurry(60_000);
    stop.hurry(null);
    world.pass(1001);
    expect(engine.take()).toEqual(['beginStop', 'cutAll']);
  });
});

describe('the time to stop that a program gives', () => {
  it('is a number of milliseconds, or null', () => {
    for (const good of [0, 5000, Number.POSITIVE_INFINITY, null]) checkTimeout(good);
    const complaint = (given: unknown) => () => checkTimeout(given);
    expect(complaint('5s')).toThrow('timeoutMs is "5s": write a number of milliseconds, or null');
    expect(complaint(Number.NaN)).toThrow('timeoutMs is NaN: write');
    expect(complaint(-1)).toThrow('timeoutMs is -1: write');
  });
});
