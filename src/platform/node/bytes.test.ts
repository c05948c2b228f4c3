import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { pureByteOps } from '../../core/base/bytes.ts';
import { createNodeByteOps } from './bytes.ts';

// What every implementation must keep is in core/base/bytes.test.ts, which runs this one as well.

describe('the natives of Node', () => {
  it('are used as far as the runtime has them', () => {
    const natives = Buffer.prototype as unknown as Record<string, unknown>;
    const ops = createNodeByteOps();
    const replaced = (name: 'copy' | 'toLatin1' | 'writeLatin1'): boolean =>
      ops[name] !== pureByteOps[name];
    expect(replaced('copy')).toBe(natives.copy !== undefined);
    expect(replaced('toLatin1')).toBe(natives.latin1Slice !== undefined);
    expect(replaced('writeLatin1')).toBe(natives.latin1Write !== undefined);
  });

  it('work on shared memory', () => {
    const ops = createNodeByteOps();
    const shared = new Uint8Array(new SharedArrayBuffer(128));
    expect(ops.writeLatin1('x'.repeat(100), shared, 10)).toBe(110);
    const target = new Uint8Array(128);
    ops.copy(shared, 10, 110, target, 0);
    expect(ops.toLatin1(target, 0, 101)).toBe(`${'x'.repeat(100)}\0`);
  });

  it('fall back to the pure ones where the runtime has none', () => {
    const natives = Buffer.prototype as unknown as Record<string, unknown>;
    const names = ['copy', 'latin1Slice', 'latin1Write'];
    const kept = names.map((name) => Object.getOwnPropertyDescriptor(natives, name)!);
    try {
      for (const name of names) {
        Object.defineProperty(natives, name, { value: undefined, configurable: true });
      }
      expect(createNodeByteOps()).toEqual(pureByteOps);
    } finally {
      for (const [index, name] of names.entries()) {
        Object.defineProperty(natives, name, kept[index]);
      }
    }
  });
});
