import { describe, expect, it } from 'vitest';
import {
  descriptorsOf,
  memoryOf,
  processorsOf,
  readResources,
  usableProcessors,
} from './resources.ts';

describe('what the system gives', () => {
  it('is there', () => {
    const { descriptors, memoryBytes } = readResources(1);
    expect(descriptors).toBeGreaterThan(100);
    expect(memoryBytes).toBeGreaterThan(2 ** 20);
  });

  it('is the soft limit of open files', () => {
    const limits = [
      'Limit                     Soft Limit           Hard Limit           Units',
      'Max processes             95814                95814                processes',
      'Max open files            256                  1048576              files',
    ].join('\n');
    expect(descriptorsOf(limits)).toBe(256);
    expect(descriptorsOf(limits.replace('256 ', 'unlimited '))).toBe(1_048_576);
    expect(descriptorsOf(null)).toBe(1024);
  });

  it('is no more memory than a control group allows', () => {
    expect(memoryOf([null, null], 1000)).toBe(1000);
    expect(memoryOf(['max\n', null], 1000)).toBe(1000);
    expect(memoryOf(['600\n', null], 1000)).toBe(600);
    expect(memoryOf([null, '9223372036854771712\n'], 1000)).toBe(1000);
  });
});

describe('how many processors there are', () => {
  it('is what the process may use', () => {
    expect(usableProcessors()).toBeGreaterThanOrEqual(1);
    expect(processorsOf('Cpus_allowed_list:\t0-3,8\n', null, 16)).toBe(5);
    expect(processorsOf('Cpus_allowed_list:\t1\n', 'max 100000\n', 16)).toBe(1);
    expect(processorsOf(null, null, 16)).toBe(16);
  });

  it('is no more than its control group has time for', () => {
    expect(processorsOf('Cpus_allowed_list:\t0-15\n', '250000 100000\n', 16)).toBe(3);
    expect(processorsOf(null, '10000 100000\n', 16)).toBe(1);
  });
});
