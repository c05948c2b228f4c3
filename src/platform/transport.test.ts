import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connected, part } from '../../test/conformance/transport-ends.ts';
import { Descriptors } from './kernel/descriptors.ts';
import {
  closeLeft,
  createTransport,
  createWorkerTransport,
  descriptorMemory,
  findRuntime,
} from './transport.ts';

const onBun = process.versions.bun !== undefined;
const ofRuntime = onBun ? 'BunSocket' : 'HandleSocket';

/** Whether it is open. */
function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EBADF');
    return false;
  }
}

it("takes the runtime's own sockets", async () => {
  const { near, far } = await connected(createTransport({ sharesPorts: false }));
  expect(near.socket.constructor.name).toBe(ofRuntime);
  await part(near, far);
});

it("takes the kernel's calls in a worker, with their clock, where they can be had", async () => {
  const descriptors = descriptorMemory();
  const { transport, clock } = createWorkerTransport({ sharesPorts: false, descriptors });
  const { near, far } = await connected(transport);
  const isKernel = findRuntime() !== null;
  expect(near.socket.constructor.name).toBe(isKernel ? 'KernelSocket' : ofRuntime);
  await new Promise<void>((resolve) => clock.nextTurn(resolve));
  await part(near, far);
  const left = new Descriptors(descriptors).take();
  expect(left.length).toBe(isKernel ? 1 : 0);
  expect(left.map(isOpen)).toEqual(isKernel ? [true] : []);
});

it('closes what a worker has left open, and nothing else', () => {
  const descriptors = descriptorMemory();
  const [left, closed, ours] = [1, 2, 3].map(() => openSync(import.meta.filename, 'r'));
  const ofWorker = new Descriptors(descriptors);
  for (const fd of [left, closed]) ofWorker.opened(fd);
  ofWorker.closes(closed);
  closeLeft(descriptors);
  expect([left, closed, ours].map(isOpen)).toEqual([false, true, true]);
  closeLeft(descriptors);
  for (const fd of [closed, ours]) closeSync(fd);
});
