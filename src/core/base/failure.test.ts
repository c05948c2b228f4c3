import { describe, expect, it } from 'vitest';
import { assert, failure } from './failure.ts';

describe('a failure', () => {
  it('is a plain value that knows five things', () => {
    expect(failure('reset', 'backend', 'relay', 'if-idempotent', 'read ECONNRESET')).toEqual({
      kind: 'reset',
      side: 'backend',
      phase: 'relay',
      retry: 'if-idempotent',
      cause: 'read ECONNRESET',
    });
  });
});

describe('an assertion', () => {
  it('passes over what is as it should be', () => {
    for (const fine of [true, 1, 'x', {}]) assert(fine, 'never seen');
  });

  it('throws with its words for what is not', () => {
    for (const wrong of [false, 0, '', null, undefined]) {
      expect(() => assert(wrong, 'one answer to one request')).toThrow(
        'assertion failed: one answer to one request',
      );
    }
  });
});
