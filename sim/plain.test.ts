import { describe, expect, it } from 'vitest';
import { optionsOf } from './options.ts';
import { differences, inOneLine, namesOf, PLAIN, worldOf } from './plain.ts';

describe('a world told by its differences', () => {
  it('is the same world again', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const options = optionsOf(seed);
      expect(worldOf(JSON.parse(inOneLine(options))), `seed ${seed}`).toEqual({
        ...options,
        network: { ...PLAIN.network, ...options.network },
      });
    }
  });

  it('has nothing to tell when it is plain', () => {
    expect(differences(PLAIN)).toEqual({});
    expect(worldOf({})).toEqual(PLAIN);
  });

  it('has names for what is different', () => {
    const told = { workers: 2, misdeeds: { reset: [1, 25] }, calamities: ['kill'] };
    expect(namesOf(told)).toEqual(['workers', 'misdeeds.reset', 'calamities.kill']);
  });

  it('has as many weights and levels as backends', () => {
    expect(worldOf({ backends: 2 })).toMatchObject({ weights: [1, 1], levels: [0, 0] });
    expect(worldOf({ backends: 2, weights: [1] })).toBe('weights: 1 for 2 backends');
  });

  it.each([
    [[], 'the options are no JSON object'],
    [{ wokers: 2 }, /^wokers: there is no such option; there are calm, policy, /],
    [{ misdeeds: { rest: [1, 2] } }, /^misdeeds.rest: there is no such option; /],
    [{ misdeeds: { reset: 1 } }, 'misdeeds.reset: 1 is nothing like [0,1]'],
    [{ clients: 'many' }, 'clients: "many" is nothing like 1'],
    [{ network: null }, /^network: null is nothing like \{/],
    [{ backends: 0 }, 'backends: 0 is no number from 1 to 200'],
  ])('that cannot be is refused: %j', (told, problem) => {
    expect(worldOf(told)).toMatch(problem);
  });
});
