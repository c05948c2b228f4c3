import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { until } from '../../../test/conformance/transport-ends.ts';
import { findRuntime } from '../transport.ts';
import { Descriptors } from './descriptors.ts';
import { AF_UNIX, EPOLLIN, EPOLLOUT, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './libc.ts';
import { type Latecomer, Loop } from './loop.ts';

const PAST = -Infinity;
const runtime = findRuntime();

describe.skipIf(runtime === null)('the loop of a thread', () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const descriptors = new Descriptors();
  const loop = new Loop(runtime, descriptors);
  const open = new Set<number>();

  function close(fd: number): void {
    loop.forget(fd);
    libc.close(fd);
    open.delete(fd);
  }

  afterEach(() => {
    vi.restoreAllMocks();
    for (const fd of open) close(fd);
  });

  /** Two connected descriptors. */
  function pair(): [number, number] {
    const fds = new Int32Array(2);
    libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    for (const fd of fds) open.add(fd);
    return [fds[0], fds[1]];
  }

  function send(fd: number): void {
    expect(libc.send(fd, new Uint8Array(1), 1, 0)).toBe(1);
  }

  const memory = new Uint8Array(100);
  const memoryAt = libc.addressOf(memory);

  function read(fd: number): number {
    return libc.recv(fd, memoryAt, memory.length, 0);
  }

  /** Reads what comes to a descriptor, and notes it. */
  function listenTo(fd: number, seen: unknown[], name: unknown): void {
    const onReady = (): void => {
      seen.push(name);
      read(fd);
    };
    expect(loop.watch(fd, { onReady }, EPOLLIN)).toBe(true);
  }

  /** Goes by when whatever was there has been delivered. */
  function turn(): Promise<void> {
    return new Promise((resolve) => loop.nextTurn(resolve));
  }

  it('has one descriptor, which is written down', () => {
    expect(new Set(descriptors.take()).size).toBe(1);
  });

  it('tells of what a descriptor is ready for, as long as it is', async () => {
    const [near, far] = pair();
    const seen: number[] = [];
    loop.watch(near, { onReady: (events) => seen.push(events) }, EPOLLIN | EPOLLOUT);
    await turn();
    send(far);
    await turn();
    await turn();
    read(near);
    await turn();
    const both = EPOLLIN | EPOLLOUT;
    expect(seen).toEqual([EPOLLOUT, both, both, EPOLLOUT]);
  });

  it('tells nothing while nothing is asked for, and then what has come', async () => {
    const [near, far] = pair();
    const seen: string[] = [];
    listenTo(near, seen, 'ready');
    loop.rewatch(near, 0, EPOLLIN);
    send(far);
    close(far);
    await turn();
    expect(seen).toEqual([]);
    loop.rewatch(near, EPOLLIN, 0);
    await turn();
    expect(seen).toEqual(['ready']);
  });

  it('asks for something else from one turn to the next', async () => {
    const [near] = pair();
    const seen: number[] = [];
    loop.watch(near, { onReady: (events) => seen.push(events) }, EPOLLIN);
    await turn();
    loop.rewatch(near, EPOLLOUT, EPOLLIN);
    await turn();
    loop.rewatch(near, EPOLLIN, EPOLLOUT);
    await turn();
    expect(seen).toEqual([EPOLLOUT]);
  });

  it('refuses what the kernel cannot wait for', () => {
    const file = openSync(import.meta.filename, 'r');
    expect(loop.watch(file, { onReady: () => {} }, EPOLLIN)).toBe(false);
    loop.forget(file);
    closeSync(file);
  });

  it('delivers nothing to a descriptor that an event of the same turn has closed', async () => {
    const pairs = [pair(), pair(), pair()];
    const seen: number[] = [];
    for (const [near] of pairs) {
      const onReady = (): void => {
        seen.push(near);
        for (const [each] of pairs) close(each);
      };
      loop.watch(near, { onReady }, EPOLLIN);
    }
    for (const [, far] of pairs) send(far);
    await turn();
    await turn();
    expect(seen.length).toBe(1);
  });

  it('takes a number for another descriptor when it was closed and opened again', async () => {
    const pairs = [pair(), pair()];
    const seen: string[] = [];
    let number = -1;
    const listenAs = (own: number, other: number): void => {
      const onReady = (): void => {
        seen.push('first');
        number = other;
        close(own);
        close(other);
        // A number that was given up is soon given out again.
        for (let i = 0; i < 20 && !open.has(number); i++) pair();
        listenTo(number, seen, 'stranger');
      };
      loop.watch(own, { onReady }, EPOLLIN);
    };
    listenAs(pairs[0][0], pairs[1][0]);
    listenAs(pairs[1][0], pairs[0][0]);
    for (const [, far] of pairs) send(far);
    await turn();
    await turn();
    expect(seen).toEqual(['first']);
    loop.rewatch(number, EPOLLOUT, EPOLLIN);
    await turn();
    expect(seen).toEqual(['first', 'stranger']);
  });

  it('rings alarms in order of their deadlines, and of one deadline as they were set', async () => {
    const now = performance.now();
    const seen: string[] = [];
    for (const [name, delay] of Object.entries({ d: 12, a: 3, c: 7, e: 12, b: 3 })) {
      loop.wakeAt(now + delay, () => seen.push(name));
    }
    await until(() => seen.length === 5);
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('rings an alarm that is past soon, not now, also when it is set by another', async () => {
    const seen: string[] = [];
    loop.wakeAt(PAST, () => {
      loop.wakeAt(PAST, () => seen.push('set by the first'));
      seen.push('first');
    });
    loop.wakeAt(0, () => seen.push('second'));
    expect(seen).toEqual([]);
    await until(() => seen.length === 3);
    expect(seen).toEqual(['first', 'second', 'set by the first']);
  });

  it('never rings what is cancelled, were it by an alarm of the same turn', async () => {
    const seen: string[] = [];
    const early = loop.wakeAt(PAST, () => seen.push('cancelled at once'));
    loop.wakeAt(PAST, () => late.cancel());
    const late = loop.wakeAt(PAST, () => seen.push('cancelled by the one before'));
    early.cancel();
    early.cancel();
    await turn();
    await turn();
    expect(seen).toEqual([]);
  });

  it('does not let a cancelled alarm take another with it', async () => {
    const seen: string[] = [];
    const rung = loop.wakeAt(PAST, () => seen.push('rung'));
    await until(() => seen.length === 1);
    const soon = performance.now() + 5;
    loop.wakeAt(soon, () => seen.push('other'));
    rung.cancel();
    await until(() => seen.length === 2);
  });

  it('has delivered what was there when a turn comes, each time', async () => {
    const [near, far] = pair();
    const seen: string[] = [];
    listenTo(near, seen, 'bytes');
    send(far);
    loop.nextTurn(() => {
      seen.push('turn');
      send(far);
      loop.nextTurn(() => seen.push('turn of a turn'));
    });
    expect(seen).toEqual([]);
    await until(() => seen.length === 4);
    expect(seen).toEqual(['bytes', 'turn', 'bytes', 'turn of a turn']);
  });

  it('comes once to each latecomer, also when one sends for another', async () => {
    const seen: string[] = [];
    const latecomer = (name: string, next: Latecomer | null): Latecomer => ({
      onLater: () => {
        if (next !== null) loop.later(next);
        seen.push(name);
      },
    });
    loop.later(latecomer('one', latecomer('three', null)));
    loop.later(latecomer('two', null));
    expect(seen).toEqual([]);
    await until(() => seen.length === 3);
    await turn();
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  it("wakes for the runtime's own sockets, and lets the runtime's timers run", async () => {
    const [near] = pair();
    const seen: string[] = [];
    listenTo(near, seen, 'nothing of ours');
    const { epoll_wait: wait } = libc;
    let woken = 0;
    vi.spyOn(libc, 'epoll_wait').mockImplementation((...args) => {
      const count = wait(...args);
      if (count > 0) woken += 1;
      return count;
    });
    const server = net.createServer((stream) => stream.on('error', () => {}).pipe(stream));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    let echoes = 0;
    client.on('data', () => {
      echoes += 1;
      client.write('again');
    });
    client.write('first');
    await until(() => echoes >= 20 && woken > 0);
    client.destroy();
    server.close();
    expect(seen).toEqual([]);
  });

  it("has read what lay readable on the runtime's loop, with guests there, by a turn", async () => {
    const accepted: net.Socket[] = [];
    const server = net.createServer((stream) => accepted.push(stream));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const clients: net.Socket[] = [];
    for (let count = 1; count <= 2; count++) {
      clients.push(net.connect(port, '127.0.0.1'));
      await until(() => accepted.length === count);
    }
    loop.guests = 2;
    let received = 0;
    clients[1].on('data', (bytes) => {
      received += bytes.length;
    });
    let receivedByThen = -1;
    clients[0].on('data', () => {
      accepted[1].write('b');
      loop.nextTurn(() => {
        receivedByThen = received;
      });
    });
    for (let round = 1; round <= 20; round++) {
      receivedByThen = -1;
      accepted[0].write('a');
      await until(() => receivedByThen >= 0);
      expect(receivedByThen).toBe(round);
    }
    loop.guests = 0;
    for (const stream of [...clients, ...accepted]) stream.on('error', () => {}).destroy();
    server.close();
  });

  it('keeps turns in their order while guests come and go', async () => {
    const seen: string[] = [];
    loop.guests = 1;
    loop.nextTurn(() => seen.push('one'));
    loop.nextTurn(() => {
      seen.push('two');
      loop.nextTurn(() => seen.push('four'));
      loop.guests = 0;
    });
    setImmediate(() => loop.nextTurn(() => seen.push('three')));
    await until(() => seen.length === 4);
    expect(seen).toEqual(['one', 'two', 'three', 'four']);
  });

  describe('when somebody who is called throws', () => {
    /** Lets the loop turn until nothing is left to do. Returns what was thrown. */
    async function exhaust(begin: () => void): Promise<string[]> {
      // What the last test has left may take its turn first.
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      const turns: (() => void)[] = [];
      const immediate = (turn: () => void): NodeJS.Immediate => {
        turns.push(turn);
        return {} as NodeJS.Immediate;
      };
      vi.spyOn(globalThis, 'setImmediate').mockImplementation(immediate as typeof setImmediate);
      const thrown: string[] = [];
      begin();
      for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
        try {
          turn();
        } catch (error) {
          thrown.push((error as Error).message);
        }
      }
      vi.restoreAllMocks();
      return thrown;
    }

    it.each([
      ['turn', (callback: () => void) => loop.nextTurn(callback)],
      ['alarm', (callback: () => void) => loop.wakeAt(PAST, callback)],
      ['latecomer', (callback: () => void) => loop.later({ onLater: callback })],
    ])('calls no %s twice, and goes on', async (name, ask) => {
      const seen: string[] = [];
      const thrown = await exhaust(() => {
        ask(() => seen.push('before'));
        ask(() => {
          ask(() => seen.push('asked for by it'));
          seen.push('it');
          throw new Error(name);
        });
      });
      expect(thrown).toEqual([name]);
      expect(seen).toEqual(['before', 'it', 'asked for by it']);
    });

    it('calls those of other kinds a turn later', async () => {
      const seen: string[] = [];
      const throwing = (name: string) => (): void => {
        seen.push(name);
        throw new Error(name);
      };
      const thrown = await exhaust(() => {
        loop.later({ onLater: throwing('latecomer') });
        loop.wakeAt(PAST, throwing('alarm'));
        loop.nextTurn(throwing('turn'));
      });
      expect(thrown).toEqual(['turn', 'alarm', 'latecomer']);
      expect(seen).toEqual(thrown);
    });

    it('forgets those of its kind that were due with it', async () => {
      const seen: string[] = [];
      const fail = (): void => {
        throw new Error('thrown');
      };
      const thrown = await exhaust(() => {
        for (const callback of [fail, () => seen.push('never called')]) {
          loop.later({ onLater: callback });
          loop.wakeAt(PAST, callback);
          loop.nextTurn(callback);
        }
      });
      expect([thrown.length, seen]).toEqual([3, []]);
    });

    it('delivers what is ready for others, a turn later', async () => {
      const pairs = [pair(), pair()];
      const seen: string[] = [];
      const thrown = await exhaust(() => {
        for (const [near, far] of pairs) {
          const onReady = (): void => {
            close(near);
            seen.push('ready');
            if (seen.length === 1) throw new Error('thrown');
          };
          loop.watch(near, { onReady }, EPOLLIN);
          send(far);
        }
      });
      expect([thrown, seen]).toEqual([['thrown'], ['ready', 'ready']]);
    });
  });

  it('waits longer when nothing has come for many turns, but not after an event', async () => {
    const [near, far] = pair();
    const seen: unknown[] = [];
    listenTo(near, seen, 'near');
    await turn();
    const waits = vi.spyOn(libc, 'epoll_wait').mockReturnValue(0);
    const longest = (): number => Math.max(...waits.mock.calls.map(([, , , waitMs]) => waitMs));
    await until(() => longest() > 20);
    expect(waits.mock.calls.length).toBeGreaterThan(100);
    waits.mockRestore();
    send(far);
    await until(() => seen.length > 0);
    const after = vi.spyOn(libc, 'epoll_wait').mockReturnValue(0);
    await until(() => after.mock.calls.some(([, , , waitMs]) => waitMs > 0));
    expect(Math.max(...after.mock.calls.slice(0, 50).map(([, , , waitMs]) => waitMs))).toBe(20);
  });

  it('rests when nobody waits for anything', async () => {
    const [near] = pair();
    const alarm = loop.wakeAt(Infinity, () => {});
    listenTo(near, [], '');
    const waits = vi.spyOn(libc, 'epoll_wait');
    await until(() => waits.mock.calls.length > 1);
    close(near);
    alarm.cancel();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    waits.mockClear();
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(waits).not.toHaveBeenCalled();
    const seen: string[] = [];
    loop.later({ onLater: () => seen.push('it goes on') });
    await until(() => seen.length === 1);
  });
});
