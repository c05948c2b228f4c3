import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { findBinding, systemError, takeHandles } from './tcp-handle.ts';

const onNode = process.versions.bun === undefined;

describe('what is below the streams', () => {
  it.runIf(onNode)('is shown by this Node', () => {
    expect(findBinding()).not.toBeNull();
  });

  it.skipIf(onNode)('is not looked for on Bun', () => {
    expect(findBinding()).toBeNull();
  });

  it('is not used where anything of it is missing', () => {
    expect(findBinding(() => ({}))).toBeNull();
    const refuses = (): never => {
      throw new Error('access to this API has been restricted');
    };
    expect(findBinding(refuses)).toBeNull();
  });

  it('is not used for a server that does not listen', () => {
    expect(takeHandles(net.createServer(), () => {})).toBe(false);
  });

  it.runIf(onNode)('has the errors that a stream has', () => {
    const error = systemError(-104, 'read');
    expect(error).toMatchObject({ message: 'read ECONNRESET', code: 'ECONNRESET', errno: -104 });
  });
});
