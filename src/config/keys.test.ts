import { expect, it } from 'vitest';
import { isMisspelt, meantKey } from './keys.ts';

const known = ['backends', 'policy', 'port', 'host'];

it('knows what other balancers call a key', () => {
  expect(meantKey('upstreams', known)).toBe('backends');
  expect(meantKey('algorithm', known)).toBe('policy');
  expect(meantKey('rise', known)).toBeNull();
});

it('knows a key by its looks', () => {
  expect(meantKey('prot', known)).toBe('port');
});

it('is not misled by the names that every object has', () => {
  expect(meantKey('__proto__', known)).toBeNull();
  expect(meantKey('constructor', known)).toBeNull();
});

it('sees when a missing key is there under another name', () => {
  expect(isMisspelt('backends', ['servers', 'port'], known)).toBe(true);
  expect(isMisspelt('policy', ['servers', 'port'], known)).toBe(false);
  expect(isMisspelt('host', ['port'], known)).toBe(false);
});
