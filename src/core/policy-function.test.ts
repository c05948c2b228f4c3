import { expect, it } from 'vitest';
import { policyLabel } from './policy-function.ts';

it('a policy is called by its word, and a function by its name if it has one', () => {
  const toNobody = () => null;
  const { policy } = { policy: () => null };
  expect(policyLabel('round_robin', null)).toBe('round_robin');
  expect(policyLabel('function', toNobody)).toBe('function toNobody');
  expect(policyLabel('function', policy)).toBe('function');
  expect(
    policyLabel(
      'function',
      (
        () => () =>
          null
      )(),
    ),
  ).toBe('function');
});
