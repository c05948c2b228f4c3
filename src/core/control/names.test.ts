import { beforeEach, describe, expect, it } from 'vitest';
import { backend, ControlWorld } from '../../../test/fixtures/control-world.ts';
import type { Resolver } from '../base/transport.ts';
import { Names } from './names.ts';

let world: ControlWorld;
let asked: { name: string; atMs: number }[];
let names: Names;
let told: string[];

beforeEach(() => {
  world = new ControlWorld();
  asked = [];
  told = [];
  const resolver: Resolver = {
    resolve: (name, done) => {
      asked.push({ name, atMs: world.clock.nowMs() });
      world.resolver.resolve(name, done);
    },
  };
  names = new Names(resolver, world.clock, world.log, {
    addressed: () => {},
    resolved: (of) => void told.push(`${of.config.name} ${of.addresses.join(' ')}`),
    unresolved: (of, why) => void told.push(`${of.config.name}: ${why}`),
  });
});

const named = (name: string, host = 'web') => backend({ name, host }, {}, []);
const times = (): number[] => asked.map(({ atMs }) => Math.round(atMs / 100) / 10);

describe('addresses that need no look-up', () => {
  it('are set at once', () => {
    for (const [host, addresses] of [
      ['10.1.2.3', ['10.1.2.3']],
      ['::1', ['::1']],
      ['2001:db8::5', ['2001:db8::5']],
      ['localhost', ['127.0.0.1', '::1']],
      ['LOCALHOST', ['127.0.0.1', '::1']],
    ] as const) {
      const of = named('a', host);
      names.add(of);
      expect(of.addresses).toEqual(addresses);
      names.lookAgain(of);
      names.remove(of);
    }
    world.pass(60_000);
    expect(asked).toEqual([]);
    expect(told).toEqual([]);
  });
});

describe('a name', () => {
  it('is looked up in the background, at once and then every 10 s', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    expect(of.addresses).toEqual([]);
    world.pass(35_000);
    expect(of.addresses).toEqual(['10.0.0.1']);
    expect(told).toEqual(['a 10.0.0.1']);
    expect(times()).toEqual([0, 10, 20, 30]);
  });

  it('that several backends share is looked up once, and known to those that come later', () => {
    world.names.set('web', ['10.0.0.1', '10.0.0.2']);
    const [a, b, late] = [named('a'), named('b'), named('late')];
    names.add(a);
    names.add(b);
    world.pass(100);
    expect(asked).toHaveLength(1);
    expect(told).toEqual(['a 10.0.0.1 10.0.0.2', 'b 10.0.0.1 10.0.0.2']);
    names.add(late);
    expect(late.addresses).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(asked).toHaveLength(1);
    names.remove(a);
    names.remove(b);
    names.remove(late);
    world.pass(60_000);
    expect(asked).toHaveLength(1);
    expect(world.clock.pending()).toBe(0);
  });

  it('that several backends share is looked up for who is left when one of them leaves', () => {
    world.names.set('web', ['10.0.0.1']);
    const [a, b] = [named('a'), named('b')];
    names.add(a);
    names.add(b);
    world.pass(100);
    names.remove(a);
    world.names.set('web', ['10.0.0.9']);
    world.pass(11_000);
    expect(b.addresses).toEqual(['10.0.0.9']);
    expect(a.addresses).toEqual(['10.0.0.1']);
  });

  it('that cannot be resolved is tried again soon, and comes back by itself', () => {
    const of = named('a');
    names.add(of);
    world.pass(100);
    expect(told).toEqual(['a: cannot resolve web']);
    world.pass(40_000);
    expect(times()).toEqual([0, 1, 3, 7, 15, 25, 35]);
    expect(world.logged('name_unresolved')).toHaveLength(1);
    world.names.set('web', ['10.0.0.1']);
    world.pass(10_000);
    expect(of.addresses).toEqual(['10.0.0.1']);
    expect(world.logged('name_resolved')).toEqual(['web is 10.0.0.1']);
  });

  it('keeps its last good addresses when a look-up fails, and says so once', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    world.pass(100);
    world.names.delete('web');
    world.pass(30_000);
    expect(of.addresses).toEqual(['10.0.0.1']);
    expect(world.logged('name_lookup_failed')).toEqual([
      'cannot resolve web; its last good addresses stay in use',
    ]);
    expect(told).toEqual(['a 10.0.0.1']);
  });

  it('whose addresses change is found again', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    world.pass(100);
    world.names.set('web', ['10.0.0.2', '10.0.0.3']);
    world.pass(10_000);
    expect(told).toEqual(['a 10.0.0.1', 'a 10.0.0.2 10.0.0.3']);
    expect(world.logged('name_resolved').at(-1)).toBe(
      'web is 10.0.0.2 and 10.0.0.3 (was 10.0.0.1)',
    );
  });

  it('whose addresses only change their order is not news', () => {
    world.names.set('web', ['10.0.0.1', '10.0.0.2']);
    const of = named('a');
    names.add(of);
    world.pass(100);
    world.names.set('web', ['10.0.0.2', '10.0.0.1']);
    world.pass(10_000);
    expect(of.addresses).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(told).toHaveLength(1);
  });
});

describe('a connect failure', () => {
  it('has the name looked up at once, at most once a second', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    world.pass(5000);
    for (let failure = 0; failure < 30; failure++) {
      names.lookAgain(of);
      world.pass(100);
    }
    expect(times()).toEqual([0, 5, 6, 7, 8]);
  });

  it('during a look-up has the name looked up again after it', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    world.pass(0.5);
    names.lookAgain(of);
    world.pass(5000);
    expect(times()).toEqual([0, 1]);
  });
});

describe('the last good address', () => {
  it('comes first, in a list of its own', () => {
    const of = named('a', 'localhost');
    names.add(of);
    const before = of.addresses;
    names.noteGood(of, '::1');
    expect(of.addresses).toEqual(['::1', '127.0.0.1']);
    expect(before).toEqual(['127.0.0.1', '::1']);
    names.noteGood(of, '10.9.9.9');
    expect(of.addresses).toEqual(['::1', '127.0.0.1']);
  });

  it('stays first when the others change', () => {
    world.names.set('web', ['10.0.0.1', '10.0.0.2']);
    const of = named('a');
    names.add(of);
    world.pass(100);
    names.noteGood(of, '10.0.0.2');
    world.names.set('web', ['10.0.0.3', '10.0.0.2']);
    world.pass(10_000);
    expect(of.addresses).toEqual(['10.0.0.2', '10.0.0.3']);
  });
});

describe('many names', () => {
  it('are looked up a few at a time', () => {
    for (let number = 0; number < 100; number++) {
      world.names.set(`web${number}`, ['10.0.0.1']);
      names.add(named(`a${number}`, `web${number}`));
    }
    world.pass(0.5);
    expect(asked).toHaveLength(16);
    world.pass(100);
    expect(asked).toHaveLength(100);
    expect(told).toHaveLength(100);
  });

  it('wait for no answer that nobody needs any more', () => {
    const first = Array.from({ length: 16 }, (_, number) => named('first', `gone${number}`));
    for (const each of first) names.add(each);
    world.pass(0.5);
    world.names.set('web', ['10.0.0.1']);
    names.add(named('last'));
    for (const each of first) names.remove(each);
    world.pass(100);
    expect(told).toEqual(['last 10.0.0.1']);
  });
});

describe('stopping', () => {
  it('leaves no timer, and late answers change nothing', () => {
    world.names.set('web', ['10.0.0.1']);
    const of = named('a');
    names.add(of);
    world.pass(0.5);
    names.stop();
    world.pass(100);
    expect(of.addresses).toEqual([]);
    expect(told).toEqual([]);
    expect(world.clock.pending()).toBe(0);
  });
});

describe('the first answers', () => {
  it('are told of when every name has one, found or not', () => {
    world.names.set('web', ['10.0.0.1']);
    names.add(named('a'));
    names.add(named('b', 'nowhere'));
    let done = 0;
    names.whenAsked(1000, () => done++);
    expect(done).toBe(0);
    world.pass(100);
    expect(done).toBe(1);
    world.pass(60_000);
    expect(done).toBe(1);
  });

  it('are there at once when nothing is to be looked up', () => {
    names.add(named('a', '10.0.0.1'));
    let done = 0;
    names.whenAsked(1000, () => done++);
    expect(done).toBe(1);
  });

  it('are not waited for longer than was said', () => {
    for (let number = 0; number < 100; number++) names.add(named(`a${number}`, `web${number}`));
    let done = 0;
    names.whenAsked(1, () => done++);
    world.pass(0.9);
    expect(done).toBe(0);
    world.pass(0.2);
    expect(done).toBe(1);
  });
});
