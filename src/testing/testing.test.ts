import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as door from './testing.ts';

it('is a small door', () => {
  expect(Object.keys(door)).toEqual(['createWorld']);
});

it('is shown in docs/testing.md by an example that runs', () => {
  const read = (path: string): string =>
    readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const [, ...example] = read('examples/testing/first.test.ts').split('\n');
  expect(read('docs/testing.md')).toContain(`\`\`\`ts\n${example.join('\n')}\`\`\``);
});
