/**
 * The faults of the pretended network. That it keeps the rules of the port, with faults that delay
 * and cut, is shown by `test/conformance/transport.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import type { Failure } from '../src/core/base/failure.ts';
import { createRng } from '../src/core/base/rng.ts';
import type { Peer, Socket, SocketHandler } from '../src/core/base/transport.ts';
import { createSimClock, type SimClock } from './clock.ts';
import {
  createSimNetwork,
  createSimResolver,
  type SimNetwork,
  type SimNetworkOptions,
} from './network.ts';

const SERVER = '10.0.0.1';
const CLIENT = '10.0.0.2';
const PORT = 80;

/** An end that writes its history down as `time event`. */
class End implements SocketHandler {
  socket!: Socket;
  readonly history: string[] = [];
  readonly received: number[] = [];
  readonly pieces: number[] = [];
  failure: Failure | null = null;
  closes = 0;
  onBytes: ((bytes: Uint8Array) => void) | null = null;
  private readonly clock: SimClock;

  constructor(clock: SimClock) {
    this.clock = clock;
  }

  onOpen(): void {
    this.note('open');
  }

  onData(bytes: Uint8Array): void {
    this.note(`data ${bytes.length}`);
    this.pieces.push(bytes.length);
    for (const byte of bytes) this.received.push(byte);
    this.onBytes?.(bytes);
  }

  onDrain(): void {
    this.note('drain');
  }

  onEnd(): void {
    this.note('end');
  }

  onClose(failure: Failure | null): void {
    this.note(`close ${failure?.kind ?? 'in order'}`);
    this.closes += 1;
    this.failure = failure;
  }

  private note(event: string): void {
    this.history.push(`${this.clock.nowMs()} ${event}`);
  }
}

interface World {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly accepted: End[];
  readonly peers: Peer[];
  readonly ready: (Failure | null)[];
  dial(from?: string): End;
}

function createWorld(options: Partial<SimNetworkOptions> = {}, seed = 1): World {
  const clock = createSimClock();
  const network = createSimNetwork({ clock, rng: createRng(seed), options });
  const accepted: End[] = [];
  const peers: Peer[] = [];
  const ready: (Failure | null)[] = [];
  network.transport(SERVER).listen(
    { host: null, port: PORT },
    (socket, peer) => {
      const end = new End(clock);
      end.socket = socket;
      accepted.push(end);
      peers.push(peer);
      return end;
    },
    (failure) => ready.push(failure),
  );
  const dial = (from = CLIENT): End => {
    const end = new End(clock);
    end.socket = network.transport(from).connect({ address: SERVER, port: PORT, tls: null }, end);
    return end;
  };
  clock.run(0);
  return { clock, network, accepted, peers, ready, dial };
}

function pair(world: World): { near: End; far: End } {
  const near = world.dial();
  const count = world.accepted.length;
  while (world.accepted.length === count || near.history.length === 0) world.clock.step();
  return { near, far: world.accepted[count] };
}

/** A few hundred connections with everything going wrong; returns the whole history. */
function chaos(seed: number): { world: World; ends: End[]; history: string } {
  const world = createWorld(
    {
      latencyForthMs: [0.05, 10],
      latencyBackMs: [0, 3],
      acceptDelayMs: [0, 5],
      closeDelayMs: [0, 20],
      delivery: 'random',
      sendBufferBytes: 500,
      resetChance: [1, 100],
      resetDropsChance: [1, 2],
      halfCloseLossChance: [1, 10],
      clogChance: [1, 10],
      clogMs: [1, 100],
    },
    seed,
  );
  const rng = createRng(seed + 1);
  const near: End[] = [];
  for (let i = 0; i < 200; i++) {
    const end = world.dial(rng.chance(1, 2) ? CLIENT : '10.0.0.3');
    near.push(end);
    for (let n = rng.below(4); n >= 0; n--) {
      world.clock.wakeAt(i + rng.below(50), () => end.socket.write(sequence(rng.below(2000))));
    }
    const way = rng.below(4);
    world.clock.wakeAt(i + rng.below(100), () => {
      if (way === 0) end.socket.end();
      else if (way === 1) end.socket.close();
      else if (way === 2) end.socket.reset();
    });
  }
  world.clock.wakeAt(60, () => world.network.blackHole('10.0.0.3'));
  world.clock.wakeAt(150, () => world.network.heal('10.0.0.3'));
  world.clock.run(5000);
  for (const end of [...near, ...world.accepted]) end.socket.close();
  world.clock.run(10_000);
  const ends = [...near, ...world.accepted];
  return { world, ends, history: ends.map((end) => end.history.join(', ')).join('\n') };
}

function sequence(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i & 0xff);
}

describe('the simulated network', () => {
  it('delivers after exactly the latency of each direction', () => {
    const world = createWorld({ latencyForthMs: [2, 2], latencyBackMs: [3, 3] });
    expect(world.ready).toEqual([null]);
    const near = world.dial();
    world.clock.run(100);
    near.socket.write(sequence(10));
    world.clock.run(200);
    world.accepted[0].socket.write(sequence(20));
    world.accepted[0].socket.end();
    world.clock.run(300);
    expect(near.history).toEqual(['5 open', '203 data 20', '203 end']);
    expect(world.accepted[0].history).toEqual(['102 data 10']);
    expect(world.peers[0]).toMatchObject({ address: CLIENT });
  });

  it('spoils bytes after their delivery, so that whoever kept them notices', () => {
    const world = createWorld();
    const { near, far } = pair(world);
    const kept: Uint8Array[] = [];
    far.onBytes = (bytes) => kept.push(bytes);
    near.socket.write(sequence(3));
    world.clock.run(10);
    expect(far.received).toEqual([0, 1, 2]);
    expect([...kept[0]]).toEqual([0xdd, 0xdd, 0xdd]);
  });

  it.each([
    ['whole', [100, 50]],
    ['bytes', new Array(150).fill(1)],
  ] as const)('delivers %s', (delivery, pieces) => {
    const world = createWorld({ delivery });
    const { near, far } = pair(world);
    near.socket.write(sequence(100));
    near.socket.write(sequence(50));
    world.clock.run(1000);
    expect(far.pieces).toEqual(pieces);
    expect(far.received).toEqual([...sequence(100), ...sequence(50)]);
  });

  it('cuts and joins at random', () => {
    const world = createWorld({ delivery: 'random' });
    const { near, far } = pair(world);
    for (let i = 0; i < 20; i++) near.socket.write(sequence(100));
    world.clock.run(1000);
    expect(far.received.length).toBe(2000);
    expect(far.received.every((byte, i) => byte === i % 100)).toBe(true);
    expect(Math.max(...far.pieces)).toBeGreaterThan(100);
    expect(Math.min(...far.pieces)).toBeLessThan(17);
  });

  it('refuses where nobody listens, and where it is told to', () => {
    const world = createWorld();
    world.network.refusing.add(SERVER);
    const refused = world.dial();
    world.clock.run(10);
    expect(refused.failure).toMatchObject({ kind: 'refused', side: 'backend', retry: 'safe' });
    world.network.refusing.delete(SERVER);
    const opened = world.dial();
    world.clock.run(20);
    expect(opened.history.length).toBe(1);
    expect(world.accepted.length).toBe(1);
  });

  it('swallows everything in a black hole, and lets it arrive when healed', () => {
    const world = createWorld();
    const { near, far } = pair(world);
    world.network.blackHole(SERVER);
    near.socket.write(sequence(5));
    far.socket.end();
    const late = world.dial();
    const gaveUp = world.dial();
    world.clock.run(1000);
    gaveUp.socket.reset();
    world.clock.run(60_000);
    expect([near.history.length, far.history, late.history]).toEqual([1, [], []]);
    expect(gaveUp.closes).toBe(1);
    world.network.heal(SERVER);
    world.clock.run(61_000);
    expect(far.received.length).toBe(5);
    expect(near.history.at(-1)).toBe('60000 end');
    expect(late.history).toEqual(['60000.2 open']);
    expect(world.accepted.length).toBe(2);
  });

  it('kills a process: connections reset, its port free, its own ends told', () => {
    const world = createWorld();
    const { near, far } = pair(world);
    const early = world.dial();
    world.network.kill(SERVER);
    world.clock.run(10);
    expect(near.failure).toMatchObject({ kind: 'reset', side: 'backend' });
    expect(far.failure).toMatchObject({ kind: 'reset', side: 'us' });
    expect(early.closes).toBe(1);
    const late = world.dial();
    world.clock.run(20);
    expect(late.failure?.kind).toBe('refused');
    expect(world.network.stats.openSockets).toBe(0);
  });

  it('breaks at any operation when told to, at both ends', () => {
    const world = createWorld();
    const { near, far } = pair(world);
    world.network.options.resetChance = [1, 1];
    near.socket.write(sequence(5));
    world.clock.run(10);
    expect([near.failure?.side, far.failure?.side]).toEqual(['backend', 'client']);
    expect(far.received).toEqual([]);
    expect(world.network.stats.faultsInjected).toBe(1);
  });

  it.each([
    [[0, 1], 100],
    [[1, 1], 0],
  ] as const)('lets a reset come after the bytes or over them (%s)', (chance, bytes) => {
    const world = createWorld({ resetDropsChance: chance, latencyForthMs: [1, 1] });
    const { near, far } = pair(world);
    near.socket.write(sequence(100));
    near.socket.reset();
    world.clock.run(10);
    expect([far.received.length, far.failure?.kind]).toEqual([bytes, 'reset']);
  });

  it('answers bytes for a closed end with a reset, and closing on unread bytes too', () => {
    const world = createWorld();
    const one = pair(world);
    one.far.socket.close();
    one.near.socket.write(sequence(5));
    const two = pair(world);
    two.far.socket.pause();
    two.near.socket.write(sequence(5));
    world.clock.run(world.clock.nowMs() + 5);
    two.far.socket.close();
    world.clock.run(world.clock.nowMs() + 5);
    expect([one.near.failure?.kind, two.near.failure?.kind]).toEqual(['reset', 'reset']);
    expect(two.near.history.some((event) => event.endsWith('end'))).toBe(false);
  });

  it('loses the FIN of an end, but not of a close', () => {
    const world = createWorld({ halfCloseLossChance: [1, 1] });
    const half = pair(world);
    const whole = pair(world);
    half.near.socket.end();
    whole.near.socket.close();
    world.clock.run(1000);
    expect(half.far.history).toEqual([]);
    expect(whole.far.history.length).toBe(1);
    expect(world.network.stats.faultsInjected).toBe(1);
  });

  it('stalls a direction for a while when clogged', () => {
    const world = createWorld({ clogChance: [1, 1], clogMs: [500, 500] });
    const { near, far } = pair(world);
    const startMs = world.clock.nowMs();
    near.socket.write(sequence(5));
    world.clock.run(startMs + 499);
    expect(far.history).toEqual([]);
    world.clock.run(startMs + 500);
    expect(far.received.length).toBe(5);
  });

  it('turns away who was not accepted before the listener closed', () => {
    const clock = createSimClock();
    const network = createSimNetwork({
      clock,
      rng: createRng(1),
      options: { acceptDelayMs: [50, 50], latencyForthMs: [1, 1], latencyBackMs: [1, 1] },
    });
    const listener = network.transport(SERVER).listen(
      { host: null, port: 0 },
      () => expect.unreachable(),
      () => {},
    );
    clock.run(1);
    const near = new End(clock);
    const to = { address: SERVER, port: listener.port, tls: null };
    near.socket = network.transport(CLIENT).connect(to, near);
    clock.run(20);
    listener.close();
    clock.run(100);
    expect(near.history).toEqual(['3 open', '53 close reset']);
    expect(network.stats.openSockets).toBe(0);
  });

  it('keeps waiting whom nobody accepts, and drops SYNs when the queue is full', () => {
    const world = createWorld();
    const faults: string[] = [];
    world.network.onFault = (what, ends) => faults.push(`${what} ${ends.join(' ')}`);
    world.network.stopAccepting(SERVER, 1);
    const [first, second] = [world.dial(), world.dial()];
    first.socket.write(Uint8Array.of(1, 2));
    world.clock.run(500);
    expect(first.history).toEqual(['0.2 open', '0.2 drain']);
    expect(second.history).toEqual([]);
    expect(world.accepted).toEqual([]);
    world.network.acceptAgain(SERVER);
    world.clock.run(900);
    expect(world.accepted.map(({ received }) => received)).toEqual([[1, 2]]);
    expect(second.history).toEqual([]);
    world.clock.run(1100);
    expect(second.history).toEqual([expect.stringMatching(/^1000\.\d+ open$/)]);
    expect(world.accepted.length).toBe(2);
    expect(new Set(faults)).toEqual(new Set([`backlog ${CLIENT} ${SERVER}`]));
  });

  it('resets whoever waits to be accepted by a process that dies', () => {
    const world = createWorld();
    world.network.stopAccepting(SERVER, 10);
    const near = world.dial();
    world.clock.run(10);
    world.network.kill(SERVER);
    world.clock.run(20);
    expect(near.history).toEqual([expect.stringMatching(/open$/), '10.1 close reset']);
    expect(world.network.stats).toMatchObject({ openSockets: 0, pendingBytes: 0 });
    expect(world.clock.pending()).toBe(0);
  });

  it('forgets what was sent where nobody accepts any more when the connection has broken', () => {
    const clock = createSimClock();
    const network = createSimNetwork({
      clock,
      rng: createRng(1),
      options: { acceptDelayMs: [50, 50], latencyForthMs: [20, 20], latencyBackMs: [1, 1] },
    });
    const listener = network.transport(SERVER).listen(
      { host: null, port: 0 },
      () => expect.unreachable(),
      () => {},
    );
    clock.run(1);
    const near = new End(clock);
    const to = { address: SERVER, port: listener.port, tls: null };
    near.socket = network.transport(CLIENT).connect(to, near);
    clock.run(25);
    near.socket.write(sequence(5));
    clock.run(60);
    Object.assign(network.options, { resetChance: [1, 1] });
    near.socket.end();
    listener.close();
    clock.run(200);
    expect(near.closes).toBe(1);
    expect(network.stats).toMatchObject({ openSockets: 0, pendingBytes: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('has the same history for the same seed, and another for another', () => {
    const first = chaos(1);
    expect(first.history.length).toBeGreaterThan(10_000);
    expect(chaos(1).history).toBe(first.history);
    expect(chaos(2).history).not.toBe(first.history);
  });

  it.each([1, 2, 3, 4, 5])('closes every end once and leaves nothing behind (seed %d)', (seed) => {
    const { world, ends } = chaos(seed);
    for (const end of ends) expect(end.closes).toBe(1);
    expect(world.network.stats).toMatchObject({ openSockets: 0, pendingBytes: 0 });
    expect(world.network.stats.faultsInjected).toBeGreaterThan(10);
    expect(world.clock.pending()).toBe(0);
  });
});

describe('the simulated resolver', () => {
  it('knows the names it is given, as they change, and addresses', () => {
    const clock = createSimClock();
    const names = new Map([['backend.test', ['10.0.0.1', '10.0.0.2']]]);
    const resolver = createSimResolver(clock, names, 5);
    const answers: unknown[] = [];
    const ask = (name: string): void => {
      resolver.resolve(name, (addresses, failure) => answers.push([addresses, failure?.kind]));
    };
    ask('backend.test');
    ask('10.9.9.9');
    ask('nobody.test');
    expect(answers).toEqual([]);
    clock.run(5);
    names.set('backend.test', []);
    ask('backend.test');
    clock.run(10);
    expect(answers).toEqual([
      [['10.0.0.1', '10.0.0.2'], undefined],
      [['10.9.9.9'], undefined],
      [[], 'unresolved'],
      [[], 'unresolved'],
    ]);
  });
});
