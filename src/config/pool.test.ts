import { describe, expect, it } from 'vitest';
import { backends, pool } from './pool.ts';

describe('a pool as it is written', () => {
  it('needs its backends, and nothing else', () => {
    const checked = pool.parse({ backends: ['http://a:1', { url: 'http://b:2', weight: 3 }] });
    expect(checked).toMatchObject({ policy: 'round_robin', drain_timeout: 30_000, panic: false });
    expect(pool.safeParse({}).error?.issues).toMatchObject([{ path: ['backends'] }]);
  });

  it('says what a port alone should have been', () => {
    const [issue] = backends.safeParse([9001]).error?.issues ?? [];
    expect(issue?.message).toBe('9001 is not a URL; write http://localhost:9001');
  });
});
