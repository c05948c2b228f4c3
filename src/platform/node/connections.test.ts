import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { endedByReset, streamEndedByReset, UNHEARD, withoutMapping } from './connections.ts';

describe('an address', () => {
  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:0:1', '::ffff:0:1'],
  ])('%s is told as %s', (address, told) => {
    expect(withoutMapping(address)).toBe(told);
  });
});

describe('an end', () => {
  it('is no reset while the kernel knows the peer, or nobody can ask it', () => {
    expect(endedByReset({ getpeername: () => 0 })).toBe(false);
    expect(endedByReset({})).toBe(false);
    expect(endedByReset(null)).toBe(false);
    expect(streamEndedByReset(new net.Socket())).toBe(false);
  });
});

describe('what comes before there is a handler', () => {
  it('is heard by nobody', () => {
    expect(() => {
      UNHEARD.onOpen();
      UNHEARD.onData(new Uint8Array(1));
      UNHEARD.onDrain();
      UNHEARD.onEnd();
      UNHEARD.onClose(null);
    }).not.toThrow();
  });
});
