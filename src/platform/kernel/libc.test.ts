import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  EAGAIN,
  EINPROGRESS,
  EINTR,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  isKnownSystem,
} from './libc.ts';

describe('the numbers of Linux', () => {
  it.skipIf(!isKnownSystem)('for errors are those of this system', () => {
    const ours = { EAGAIN, EINPROGRESS, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM };
    expect(constants.errno).toMatchObject(ours);
  });

  it('are used on Linux on x86-64 alone', () => {
    expect(isKnownSystem).toBe(`${process.platform} ${process.arch}` === 'linux x64');
  });
});
