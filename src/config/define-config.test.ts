import { expect, it } from 'vitest';
import { defineConfig } from './define-config.ts';

it('gives back what it is given, and checks its types', () => {
  const config = { backends: ['http://localhost:9001'], log: { level: 'warn' } } as const;
  const written = { ...config, backends: [...config.backends] };
  expect(defineConfig(written)).toBe(written);
  defineConfig({
    backends: ['http://localhost:9001'],
    // The parameters have their types without a word.
    policy: (candidates, { header }) => candidates.find(({ name }) => name === header('x-to')),
  });
  defineConfig({
    backends: ['http://localhost:9001'],
    // @ts-expect-error: what is no candidate must not be answered, so it cannot be async either.
    policy: async (candidates) => candidates[0],
  });
  // @ts-expect-error: a misspelt key is an error in the editor already.
  defineConfig({ backends: ['http://localhost:9001'], prot: 8080 });
});
