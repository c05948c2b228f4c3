import { policies } from '../../src/core/balancing/balancing.ts';
import { ownFunction } from '../fixtures/own-function.ts';
import { policyConformance } from './policy.ts';

for (const [name, factory] of Object.entries(policies)) {
  policyConformance(name, name === 'function' ? ownFunction() : factory);
}
