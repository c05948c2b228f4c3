import { describe, expect, it } from 'vitest';
import { libcConformance } from '../../../test/conformance/libc.ts';
import { isKnownSystem } from '../kernel/libc.ts';
import { findBunRuntime } from './ffi.ts';

const isFound = findBunRuntime() !== null;

it("the kernel's calls are found on Bun on Linux on x86-64, and nowhere else", () => {
  expect(isFound).toBe(process.versions.bun !== undefined && isKnownSystem);
});

describe.skipIf(!isFound)('found', () => {
  libcConformance('Bun', () => findBunRuntime()!);
});
