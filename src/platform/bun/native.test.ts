import net from 'node:net';
import { expect, it } from 'vitest';
import { hasNative } from './native.ts';

it('finds the native socket below a stream, on Bun alone', async () => {
  const stream = net.connect(9, '127.0.0.1').on('error', () => {});
  expect(hasNative(stream)).toBe(process.versions.bun !== undefined);
  stream.destroy();
  expect(hasNative({})).toBe(false);
  expect(hasNative({ _handle: null })).toBe(false);
});
