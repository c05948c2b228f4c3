import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { libcConformance } from '../../../test/conformance/libc.ts';
import { isKnownSystem } from '../kernel/libc.ts';
import { findNodeRuntime } from './koffi.ts';

const isFound = findNodeRuntime() !== null;

it("the kernel's calls are found on Node by koffi, on Linux on x86-64, and nowhere else", () => {
  const isNode = process.versions.bun === undefined;
  expect(isFound).toBe(isNode && isKnownSystem && isInstalled('koffi'));
});

describe.skipIf(!isFound)('found', () => {
  libcConformance('Node', () => findNodeRuntime()!);
});

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
