/** What every runtime's way of calling the kernel must keep. */
import { constants } from 'node:os';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AF_INET,
  AF_UNIX,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLLIN,
  type Libc,
  type Runtime,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/platform/kernel/libc.ts';
import { until } from './transport-ends.ts';

const { EAGAIN, EBADF, EINVAL, ENOTCONN } = constants.errno;
const TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

export function libcConformance(name: string, findRuntime: () => Runtime): void {
  describe(`the kernel's calls on ${name}`, () => {
    let runtime: Runtime;
    let libc: Libc;
    let open: number[] = [];
    beforeAll(() => {
      runtime = findRuntime();
      libc = runtime.libc;
    });
    afterEach(() => {
      for (const fd of open) libc.close(fd);
      open = [];
    });

    /** Closed after the case. */
    function opened(fd: number): number {
      expect(fd).toBeGreaterThanOrEqual(0);
      open.push(fd);
      return fd;
    }

    /** Two connected descriptors. */
    function pair(): [number, number] {
      const fds = new Int32Array(2);
      expect(libc.socketpair(AF_UNIX, TYPE, 0, fds)).toBe(0);
      return [opened(fds[0]), opened(fds[1])];
    }

    const into = new Uint8Array(1000);

    /** What can be read at once. */
    function read(fd: number): number[] {
      const length = libc.recv(fd, libc.addressOf(into), into.length, 0);
      return [...into.subarray(0, Math.max(length, 0))];
    }

    it('say why the last one failed', () => {
      const [one] = pair();
      const unconnected = opened(libc.socket(AF_INET, TYPE, 0));
      const byte = new Uint8Array(1);
      const byteAt = libc.addressOf(byte);
      for (let i = 0; i < 3; i++) {
        expect([libc.close(-1), libc.errno()]).toEqual([-1, EBADF]);
        expect([libc.recv(one, byteAt, 1, 0), libc.errno()]).toEqual([-1, EAGAIN]);
        expect([libc.epoll_create1(-1), libc.errno()]).toEqual([-1, EINVAL]);
        expect([libc.shutdown(unconnected, 1), libc.errno()]).toEqual([-1, ENOTCONN]);
        expect([libc.send(-1, byte, 1, 0), libc.errno()]).toEqual([-1, EBADF]);
        expect([libc.sendFrom(-1, byteAt, 1, 0), libc.errno()]).toEqual([-1, EBADF]);
      }
    });

    it('take a part of an array for what it is, and write to no other', () => {
      const [one, other] = pair();
      const sent = Uint8Array.from({ length: 100 }, (_, i) => i);
      expect(libc.send(one, sent.subarray(20, 30), 4, 0)).toBe(4);
      const received = new Uint8Array(8);
      expect(libc.recv(other, libc.addressOf(received.subarray(3)), 5, 0)).toBe(4);
      expect([...received]).toEqual([0, 0, 0, 20, 21, 22, 23, 0]);
    });

    it('write numbers to a part of an array', () => {
      const fd = opened(libc.socket(AF_INET, TYPE, 0));
      const [value, length] = [new Int32Array([8, 1, 9]), new Int32Array([8, 4, 9])];
      const part = (of: Int32Array): Int32Array => of.subarray(1, 2);
      expect(libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, part(value), 4)).toBe(0);
      value[1] = 5;
      expect(libc.getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, part(value), part(length))).toBe(0);
      expect([...value, ...length]).toEqual([8, 1, 9, 8, 4, 9]);
    });

    it('take an address for the bytes there', () => {
      const [one, other] = pair();
      for (const memory of [new Uint8Array(8), Buffer.from('........'), new Uint8Array(100_000)]) {
        memory.fill(0).set([1, 2, 3]);
        const at = libc.addressOf(memory);
        expect(libc.sendFrom(one, at + 1, 2, 0)).toBe(2);
        expect(libc.recv(other, at + 5, 3, 0)).toBe(2);
        expect([...memory.slice(0, 8)]).toEqual([1, 2, 3, 0, 0, 2, 3, 0]);
      }
    });

    it.each([
      ['never', () => {}, () => {}],
      ['before', (of: ArrayBufferView) => void of.buffer, () => {}],
      ['after', () => {}, (of: ArrayBufferView) => void of.buffer],
    ])('know where a small array stays whose buffer was asked for %s', (_, before, after) => {
      const [one, other] = pair();
      for (let length = 2; length <= 200; length += 3) {
        const small = new Uint8Array(length);
        before(small);
        const at = libc.addressOf(small);
        after(small);
        expect(libc.send(one, new Uint8Array([4, 5]), 2, 0)).toBe(2);
        expect(libc.recv(other, at + length - 2, 2, 0)).toBe(2);
        expect([...small.subarray(length - 2)]).toEqual([4, 5]);
      }
    });

    it('know where a part of memory lies', () => {
      const memory = new ArrayBuffer(100);
      const at = libc.addressOf(new Uint8Array(memory));
      expect(libc.addressOf(new Uint8Array(memory, 5, 1))).toBe(at + 5);
      expect(libc.addressOf(new Int32Array(memory, 8))).toBe(at + 8);
      expect(libc.addressOf(new Uint8Array(memory))).toBe(at);
    });

    it('send each its own bytes from many pieces of memory, in turn and again', () => {
      const [one, other] = pair();
      const memories = Array.from({ length: 20 }, (_, i) => new Uint8Array(60 + 7 * i).fill(i));
      for (let round = 0; round < 60; round++) {
        for (const i of [round, round + 17, round + 14, round + 10].map((each) => each % 20)) {
          memories[i][30] = 100 + round;
          expect(libc.send(one, memories[i].subarray(29), 3, 0)).toBe(3);
          expect(read(other)).toEqual([i, 100 + round, i]);
        }
      }
    });

    it('wait for what comes to a descriptor', () => {
      const [one, other] = pair();
      const epoll = opened(libc.epoll_create1(EPOLL_CLOEXEC));
      const [event, events] = [new Int32Array([EPOLLIN, other, 42]), new Int32Array(6)];
      expect(libc.epoll_ctl(epoll, EPOLL_CTL_ADD, other, libc.addressOf(event))).toBe(0);
      const eventsAt = libc.addressOf(events);
      expect(libc.epoll_wait(epoll, eventsAt, 2, 0)).toBe(0);
      expect(libc.send(one, new Uint8Array(1), 1, 0)).toBe(1);
      expect(libc.epoll_wait(epoll, eventsAt, 2, 1000)).toBe(1);
      expect([...events]).toEqual([EPOLLIN, other, 42, 0, 0, 0]);
    });

    it('lend a connection until it is given back, which closes it', async () => {
      const fds = new Int32Array(2);
      expect(libc.socketpair(AF_UNIX, TYPE, 0, fds)).toBe(0);
      const other = opened(fds[1]);
      const giveBack = runtime.lend(fds[0]);
      const receive = (): number => libc.recv(other, libc.addressOf(into), 1, 0);
      expect([receive(), libc.errno()]).toEqual([-1, EAGAIN]);
      giveBack();
      await until(() => receive() === 0);
    });
  });
}
