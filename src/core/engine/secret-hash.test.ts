import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import { SecretHash } from './secret-hash.ts';

const hashes = (secret0: number, hash = new SecretHash({ secret0, secret1: 5 })) => [
  [hash.text('a.test'), hash.tag],
  [hash.bytes(latin1('/a.test/'), 1, 7), hash.tag],
  [hash.lower(latin1('A.Test'), 0, 6), hash.tag],
];

describe('a hash with a secret', () => {
  it('is the same of the same text, in whatever form it comes', () => {
    const [text, bytes, lower] = hashes(1);
    expect(bytes).toEqual(text);
    expect(lower).toEqual(text);
  });

  it('is another one with another secret, and always has a tag', () => {
    expect(hashes(2)[0]).not.toEqual(hashes(1)[0]);
    const hash = new SecretHash({ secret0: 1, secret1: 1 });
    for (let n = 0; n < 1000; n++) {
      hash.text(String(n));
      expect(hash.tag).toBeGreaterThan(0);
      expect(hash.tag).toBeLessThan(0x1000000);
      expect(hash.word).not.toBe(0);
      expect((hash.word >>> 8 || 1) === hash.tag).toBe(true);
    }
  });
});
