import { expect, it } from 'vitest';
import { backendConfig } from '../../../test/fixtures/control-world.ts';
import { identity } from './backend.ts';

it('identifies a backend by its name and URL, not by its weight', () => {
  expect(identity(backendConfig(1))).toBe(identity(backendConfig(1, { weight: 7 })));
  expect(identity(backendConfig(1))).not.toBe(identity(backendConfig(2)));
  expect(identity(backendConfig(1))).not.toBe(identity(backendConfig(1, { url: 'http://b' })));
});
