import { constants } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findRuntime } from '../transport.ts';
import { Descriptors } from './descriptors.ts';
import { AF_UNIX, EAGAIN, EINTR, F_SETPIPE_SZ, MSG_NOSIGNAL, STREAM_TYPE } from './libc.ts';
import { type Pipe, Pipes } from './pipes.ts';

const F_GETFD = 1;
const MOST = Number.MAX_SAFE_INTEGER;
const runtime = findRuntime();

/** Bytes of which none can change places with its neighbours unseen. */
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

describe.skipIf(runtime === null)('pipes', () => {
  if (runtime === null) return;
  const { libc } = runtime;
  const descriptors = new Descriptors();
  const open = new Set<number>();
  const memory = new Uint8Array(64 * 1024);
  const memoryAt = libc.addressOf(memory);

  afterEach(() => {
    vi.restoreAllMocks();
    for (const fd of [...open, ...descriptors.take()]) libc.close(fd);
    open.clear();
  });

  function pair(): [number, number] {
    const fds = new Int32Array(2);
    libc.socketpair(AF_UNIX, STREAM_TYPE, 0, fds);
    for (const fd of fds) open.add(fd);
    return [fds[0], fds[1]];
  }

  function close(fd: number): void {
    libc.close(fd);
    open.delete(fd);
  }

  const send = (fd: number, bytes: Uint8Array): number =>
    libc.send(fd, bytes, bytes.length, MSG_NOSIGNAL);

  /** What there is to read, `most` bytes at most. */
  function receive(fd: number, most = MOST): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let left = most; left > 0; ) {
      const length = libc.recv(fd, memoryAt, Math.min(left, memory.length), 0);
      if (length <= 0) break;
      parts.push(memory.slice(0, length));
      left -= length;
    }
    return Buffer.concat(parts);
  }

  /** Sends until the kernel takes no more. Returns how much it was. */
  function stuff(fd: number): number {
    let sent = 0;
    for (;;) {
      const taken = send(fd, new Uint8Array(10_000));
      if (taken < 0) return sent;
      sent += taken;
    }
  }

  /** A pipe with `bytes` in it. */
  function filled(pipes: Pipes, bytes: Uint8Array): Pipe {
    const [near, far] = pair();
    const pipe = pipes.take()!;
    for (let at = 0; at < bytes.length; at += 50_000) {
      const moved = send(near, bytes.subarray(at, at + 50_000));
      expect(pipes.fill(pipe, far, MOST)).toBe(moved);
    }
    expect(pipe.length).toBe(bytes.length);
    return pipe;
  }

  function takeAll(pipes: Pipes): Pipe[] {
    const taken: Pipe[] = [];
    for (let pipe = pipes.take(); pipe !== null; pipe = pipes.take()) taken.push(pipe);
    return taken;
  }

  const isOpen = (fd: number): boolean => libc.fcntl(fd, F_GETFD, 0) >= 0;

  it('move bytes from one connection to another', () => {
    const pipes = new Pipes(libc, descriptors);
    const [near, far] = pair();
    const bytes = pattern(50_000);
    const pipe = filled(pipes, bytes);
    expect(pipe.length).toBe(50_000);
    expect(receive(far)).toHaveLength(0);
    expect(pipes.drain(pipe, near)).toBe(50_000);
    expect(pipe.length).toBe(0);
    expect(Buffer.from(bytes).equals(receive(far))).toBe(true);
  });

  it('take as much as is asked for, behind what they have, and leave the rest', () => {
    const pipes = new Pipes(libc, descriptors);
    const [source, inward] = pair();
    const [outward, sink] = pair();
    const pipe = pipes.take()!;
    send(source, pattern(100));
    expect([pipes.fill(pipe, inward, 10), pipes.fill(pipe, inward, 30)]).toEqual([10, 30]);
    expect(pipe.length).toBe(40);
    expect(pipes.drain(pipe, outward)).toBe(40);
    expect([...receive(sink)]).toEqual([...pattern(100).subarray(0, 40)]);
    expect([...receive(inward)]).toEqual([...pattern(100).subarray(40)]);
  });

  it('find nothing where nothing has come yet, and the end of a connection', () => {
    const pipes = new Pipes(libc, descriptors);
    const [near, far] = pair();
    const pipe = pipes.take()!;
    expect(pipes.fill(pipe, far, MOST)).toBe(-1);
    expect(libc.errno()).toBe(EAGAIN);
    send(near, pattern(5));
    close(near);
    expect(pipes.fill(pipe, far, MOST)).toBe(5);
    expect(pipes.fill(pipe, far, MOST)).toBe(0);
    expect(pipe.length).toBe(5);
  });

  it('keep what a receiver does not take, and go on where they stopped', () => {
    const pipes = new Pipes(libc, descriptors);
    const [outward, sink] = pair();
    const bytes = pattern(250_000);
    const pipe = filled(pipes, bytes);
    const before = stuff(outward);
    expect([pipes.drain(pipe, outward), pipe.length]).toEqual([0, bytes.length]);
    receive(sink, 50_000);
    const first = pipes.drain(pipe, outward);
    expect(first).toBeGreaterThan(0);
    expect(pipe.length).toBe(bytes.length - first);
    expect(pipe.length).toBeGreaterThan(0);
    const received = [receive(sink).subarray(before - 50_000)];
    while (pipe.length > 0) {
      const { length } = pipe;
      const drained = pipes.drain(pipe, outward);
      expect(drained).toBeGreaterThan(0);
      expect(pipe.length).toBe(length - drained);
      received.push(receive(sink));
    }
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });

  it('go on where the kernel moves a part at a time', () => {
    const pipes = new Pipes(libc, descriptors);
    const [outward, sink] = pair();
    const bytes = pattern(10_000);
    const pipe = filled(pipes, bytes);
    const { splice } = libc;
    vi.spyOn(libc, 'splice').mockImplementation((from, fromAt, to, toAt, length, flags) =>
      splice.call(libc, from, fromAt, to, toAt, Math.min(length, 3000), flags),
    );
    expect([pipes.drain(pipe, outward), pipe.length]).toEqual([10_000, 0]);
    expect(Buffer.from(bytes).equals(receive(sink))).toBe(true);
  });

  it('say that a receiver is gone, without a signal', () => {
    const pipes = new Pipes(libc, descriptors);
    const [outward, sink] = pair();
    const pipe = filled(pipes, pattern(5));
    close(sink);
    expect(pipes.drain(pipe, outward)).toBe(-1);
    expect(libc.errno()).toBe(constants.errno.EPIPE);
    expect(pipe.length).toBe(5);
  });

  it('take an interruption for no more than that', () => {
    const pipes = new Pipes(libc, descriptors);
    const pipe = filled(pipes, pattern(5));
    vi.spyOn(libc, 'splice').mockReturnValue(-1);
    vi.spyOn(libc, 'errno').mockReturnValue(EINTR);
    expect([pipes.drain(pipe, 0), pipe.length]).toEqual([0, 5]);
  });

  it('are kept when they are empty, four of them, and used again', () => {
    const pipes = new Pipes(libc, descriptors);
    const six = Array.from({ length: 6 }, () => pipes.take()!);
    for (const pipe of six) pipes.give(pipe);
    expect(six.map((pipe) => isOpen(pipe.readEnd))).toEqual([true, true, true, true, false, false]);
    expect(six.map((pipe) => isOpen(pipe.writeEnd)).filter((each) => each)).toHaveLength(4);
    const again = Array.from({ length: 4 }, () => pipes.take());
    expect(new Set(again)).toEqual(new Set(six.slice(0, 4)));
    expect(six).not.toContain(pipes.take());
  });

  it('are used again only when what was in them has left', () => {
    const pipes = new Pipes(libc, descriptors);
    const [near, far] = pair();
    const full = filled(pipes, pattern(5));
    pipes.give(full);
    expect([isOpen(full.readEnd), isOpen(full.writeEnd)]).toEqual([false, false]);
    const emptied = filled(pipes, new Uint8Array(3));
    expect(pipes.drain(emptied, near)).toBe(3);
    pipes.give(emptied);
    expect(pipes.take()).toBe(emptied);
    expect([...receive(far)]).toEqual([0, 0, 0]);
  });

  it('are thirty-two at most; those that are closed or kept leave their places', () => {
    const pipes = new Pipes(libc, descriptors);
    const full = filled(pipes, pattern(5));
    const others = takeAll(pipes);
    expect(others).toHaveLength(31);
    pipes.give(full);
    expect(takeAll(pipes)).toHaveLength(1);
    for (const pipe of others) pipes.give(pipe);
    expect(takeAll(pipes)).toHaveLength(31);
  });

  it('are not had where no descriptor is left; those of later on are', () => {
    const pipes = new Pipes(libc, descriptors);
    vi.spyOn(libc, 'pipe2').mockReturnValue(-1);
    expect([pipes.take(), pipes.take()]).toEqual([null, null]);
    vi.restoreAllMocks();
    expect(takeAll(pipes)).toHaveLength(32);
  });

  it('work where the kernel gives them no more than their usual size', () => {
    const pipes = new Pipes(libc, descriptors);
    const [near, far] = pair();
    const { fcntl } = libc;
    vi.spyOn(libc, 'fcntl').mockImplementation((fd, command, value) =>
      command === F_SETPIPE_SZ ? -1 : fcntl(fd, command, value),
    );
    const pipe = filled(pipes, pattern(1000));
    expect(pipes.drain(pipe, near)).toBe(1000);
    expect(receive(far)).toHaveLength(1000);
  });

  it('are not used where the kernel gives them next to nothing', () => {
    const pipes = new Pipes(libc, descriptors);
    vi.spyOn(libc, 'fcntl').mockImplementation((_fd, command) =>
      command === F_SETPIPE_SZ ? -1 : 4096,
    );
    expect(pipes.take()).toBe(null);
    expect(descriptors.take()).toEqual([]);
  });

  it('are written down as long as they are open, both ends', () => {
    const pipes = new Pipes(libc, descriptors);
    const [first, second, full] = [pipes.take()!, pipes.take()!, filled(pipes, pattern(5))];
    pipes.give(full);
    pipes.give(first);
    const ends = [first, second].flatMap(({ readEnd, writeEnd }) => [readEnd, writeEnd]);
    const written = descriptors.take();
    for (const fd of written) open.add(fd);
    expect(new Set(written)).toEqual(new Set(ends));
    expect(written).toHaveLength(4);
  });

  it("are forgotten before they are closed: then they may be another thread's", () => {
    const pipes = new Pipes(libc, descriptors);
    const full = filled(pipes, pattern(5));
    const order: string[] = [];
    vi.spyOn(descriptors, 'closes').mockImplementation((fd) => void order.push(`forget ${fd}`));
    vi.spyOn(libc, 'close').mockImplementation((fd) => order.push(`close ${fd}`));
    pipes.give(full);
    const { readEnd, writeEnd } = full;
    const expected = [readEnd, writeEnd].flatMap((fd) => [`forget ${fd}`, `close ${fd}`]);
    expect(order).toEqual(expected);
  });
});
