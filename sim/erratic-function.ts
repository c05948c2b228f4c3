/**
 * A policy function as it should not be: it throws, answers what is no candidate, keeps candidates
 * for later, and meddles with what it is handed. Now and then it chooses one.
 */
import type { Rng } from '../src/core/base/rng.ts';
import type {
  PolicyCandidate,
  PolicyFunction,
  PolicyRequest,
} from '../src/core/policy-function.ts';

/** What it does next is drawn from `rng`. */
export function erraticFunction(rng: Rng): PolicyFunction {
  let kept: PolicyCandidate | null = null;
  const rubbish = (request: PolicyRequest): unknown =>
    [request.path, 0, {}, [], { ...kept }, () => kept][rng.below(6)];
  return (candidates, request) => {
    const some = candidates[rng.below(candidates.length)];
    switch (rng.below(8)) {
      case 0:
        throw new Error(`not for ${request.method} ${request.path} from ${request.clientAddress}`);
      case 1:
        throw undefined;
      case 2:
        return null;
      case 3:
        return rubbish(request) as PolicyCandidate;
      case 4:
        kept ??= some;
        return kept;
      case 5:
        (candidates as PolicyCandidate[]).length = 0;
        return some;
      case 6:
        Object.freeze(candidates);
        return some;
      default:
        return some;
    }
  };
}
