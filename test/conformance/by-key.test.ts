import { expect, it } from 'vitest';
import { placers } from '../../src/core/balancing/balancing.ts';
import { byKeyConformance } from './by-key.ts';

byKeyConformance('maglev', 0.02);
byKeyConformance('ring_hash', 0);
byKeyConformance('rendezvous', 0);

it('no policy that goes by a key is left out', () => {
  expect(Object.keys(placers)).toEqual(['maglev', 'ring_hash', 'rendezvous']);
});
