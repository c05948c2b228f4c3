import { describe, expect, it } from 'vitest';
import { hostsOverlap } from './listen-hosts.ts';

describe('listeners of one port', () => {
  it.each([
    ['::', '127.0.0.1', true],
    ['::', '::1', true],
    ['::', '0.0.0.0', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['0.0.0.0', '::1', false],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['127.0.0.1', '::1', false],
  ])("on %s and %s are in each other's way: %s", (a, b, isSo) => {
    expect([hostsOverlap(a, b), hostsOverlap(b, a)]).toEqual([isSo, isSo]);
  });
});
