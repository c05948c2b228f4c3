import { describe, expect, it } from 'vitest';
import { advise } from './advice.ts';
import { parseConfig } from './load.ts';

function adviceFor(policy: string, backends: number): string[] {
  const list = Array.from({ length: backends }, (_, n) => `http://10.0.${n >> 8}.${n & 255}`);
  const parsed = parseConfig(JSON.stringify({ policy, backends: list }), 'x.json');
  if (!('config' in parsed)) throw new Error(parsed.diagnostics[0].message);
  return advise(parsed.config).map(({ pool, message }) => `${pool}: ${message}`);
}

describe('advice', () => {
  it('is given for rendezvous over many backends', () => {
    expect(adviceFor('rendezvous', 257)).toEqual([
      'default: pool default: rendezvous looks at all 257 backends for each request; ' +
        'above 256, ring_hash moves as few keys and takes one look',
    ]);
  });

  it.each([
    ['rendezvous', 256],
    ['ring_hash', 300],
    ['round_robin', 300],
  ])('is not needed for %s over %i', (policy, backends) => {
    expect(adviceFor(policy, backends)).toEqual([]);
  });
});
